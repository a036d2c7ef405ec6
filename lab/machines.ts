// The machines of the example data, made ready to join: each with a token of its own, and what git knows of it.
import { mintToken } from '../reconciler/adapters/token-mint.ts';
import { type AgentHost, type AgentHostOptions, createAgentHost } from './agent-host.ts';
import type { SlotName } from './example-data.ts';
import type { Host } from './namespace.ts';
import { EDGES, LATE_EDGE, LOOPBACK_SERVICE_PORT, ORIGINS } from './world.ts';

/** Ports of the example services and of those that a demo moves to. */
const ALLOWED_PORTS = `8000-8099,127.0.0.1:${LOOPBACK_SERVICE_PORT}`;

type CommonAgentOptions = Pick<AgentHostOptions, 'program' | 'controlUrl' | 'fingerprint'> & {
  joinOptions(host: Host, slot: SlotName): readonly string[];
};

/** One machine per slot, each with a token of its own. Nothing is started. */
export async function createAgents(
  hostOf: (slot: SlotName) => Host,
  { joinOptions, ...common }: CommonAgentOptions,
): Promise<Record<SlotName, AgentHost>> {
  const slots = [...EDGES, ...ORIGINS];
  const made = slots.map(async (slot) => {
    const host = hostOf(slot);
    const { token, sha256 } = await mintToken({ node: slot, generation: 1 });
    const options = {
      ...common,
      slot,
      token,
      tokenSha256: sha256,
      joinOptions: [...allowance(slot), ...joinOptions(host, slot)],
    };
    return [slot, createAgentHost(host, options)] as const;
  });
  return Object.fromEntries(await Promise.all(made)) as Record<SlotName, AgentHost>;
}

/** What the owner of an origin lets edges reach. */
function allowance(slot: SlotName): string[] {
  return (ORIGINS as readonly SlotName[]).includes(slot) ? ['--allow', ALLOWED_PORTS] : [];
}

export function tokensOf(agents: Record<SlotName, AgentHost>): Record<SlotName, string> {
  const entries = Object.entries(agents).map(([slot, { tokenSha256 }]) => [slot, tokenSha256]);
  return Object.fromEntries(entries) as Record<SlotName, string>;
}

export function withoutLateEdge(files: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).filter(([path]) => path !== `edges/${LATE_EDGE}.yaml`));
}
