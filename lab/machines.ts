// The machines of the example data, made ready to join: each with a token of its own, and what git knows of it.
import { mintToken } from '../reconciler/adapters/token-mint.ts';
import { type AgentHost, type AgentHostOptions, createAgentHost } from './agent-host.ts';
import type { SlotName } from './example-data.ts';
import type { Host } from './namespace.ts';
import { EDGES, LATE_EDGE, LOOPBACK_SERVICE_PORT, ORIGINS } from './world.ts';

/** Ports of the example services and of those that a demo moves to. */
const ALLOWED_PORTS = `8000-8099,127.0.0.1:${LOOPBACK_SERVICE_PORT}`;

type CommonAgentOptions = Pick<AgentHostOptions, 'program' | 'controlUrl' | 'fingerprint'> & {
  joinOptions(host: Host, slot: string): readonly string[];
};

/** One machine per slot, each with a token of its own. Nothing is started. */
export async function createAgents(
  hostOf: (slot: SlotName) => Host,
  common: CommonAgentOptions,
): Promise<Record<SlotName, AgentHost>> {
  const edges = EDGES.map(async (slot) => [slot, await createMachine(slot, 'edge', hostOf(slot), common)] as const);
  const origins = ORIGINS.map(async (s) => [s, await createMachine(s, 'origin', hostOf(s), common)] as const);
  return Object.fromEntries(await Promise.all([...edges, ...origins])) as Record<SlotName, AgentHost>;
}

/** One machine with a token of its own, for a slot of any name; a machine that replaces another has a higher generation. Nothing is started. */
export async function createMachine(
  slot: string,
  role: 'edge' | 'origin',
  host: Host,
  { joinOptions, ...common }: CommonAgentOptions,
  generation = 1,
): Promise<AgentHost> {
  const { token, sha256 } = await mintToken({ node: slot, generation });
  // What the owner of an origin lets edges reach.
  const allowance = role === 'origin' ? ['--allow', ALLOWED_PORTS] : [];
  return createAgentHost(host, {
    ...{ ...common, slot, token, tokenSha256: sha256 },
    joinOptions: [...allowance, ...joinOptions(host, slot)],
  });
}

export function tokensOf(agents: Record<SlotName, AgentHost>): Record<SlotName, string> {
  const entries = Object.entries(agents).map(([slot, { tokenSha256 }]) => [slot, tokenSha256]);
  return Object.fromEntries(entries) as Record<SlotName, string>;
}

export function withoutLateEdge(files: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).filter(([path]) => path !== `edges/${LATE_EDGE}.yaml`));
}
