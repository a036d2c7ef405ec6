// One node's parts, put together: what convergence may touch. Adapters come in as ports.
import { canonicalJson, sha256Hex } from '../bundle/canonical.ts';
import type { Chunk, EdgeConfig, NodeRole } from '../bundle/config.ts';
import type { Answers } from './backends-open.ts';
import type { Machine, Release } from './converge-machine.ts';
import { stopgapsOf } from './core/certificate-choice.ts';
import { renderNginx, type Templates } from './core/render-nginx.ts';
import type { NginxSettings } from './core/settings-view.ts';
import { type Eyes, look } from './look.ts';
import type { Network } from './network.ts';
import type { Releases, TrustedState, VerifiedBundle } from './ports/state.ts';
import type { WebServer } from './ports/web-server.ts';
import { PROBE_MS } from './probe.ts';
import { type StreamPortsParts, takenStreams } from './stream-ports.ts';
import { rememberFeatures } from './web-features.ts';

const RELEASE_ID_CHARACTERS = 32;

export interface EdgeParts {
  web: WebServer;
  releases: Releases;
  answers: Answers;
  /** @see Machine */
  prepareUsers(chunks: readonly Chunk[]): Promise<void>;
  templates: Templates;
  settings: Omit<NginxSettings, 'releaseId'>;
  isFreePort: StreamPortsParts['isFree'];
  readStreams: StreamPortsParts['readStreams'];
  /** Absent: every certificate counts as held. */
  held?: HeldCertificates;
}

/** The certificates that could be served now. */
export interface HeldCertificates {
  isHeld(certificate: string): boolean;
  /** Differs when an answer of `isHeld` may. */
  revision(): string;
}

export interface MachineParts {
  trusted: TrustedState;
  /** Absent where origins are reached without a tunnel. */
  network: Network | undefined;
  /** Absent on origins. */
  edge: EdgeParts | undefined;
  eyes: Eyes;
  /** The network of the tunnels may be on loopback: a fleet on one machine. */
  allowLoopback: boolean;
  /** What `join` said the machine is for. */
  role?: NodeRole | undefined;
  now(): number;
}

const NO_NETWORK: Machine['network'] = {
  apply: async () => [],
  differs: async () => false,
  repair: async () => [],
  hasPortsToClose: () => false,
  restoreFilter: async () => [],
};

export function createMachine({ trusted, network, edge, eyes, allowLoopback, role, now }: MachineParts): Machine {
  return {
    trusted,
    network: network ?? NO_NETWORK,
    ...(edge && { edge: edgeOf({ ...edge, web: rememberFeatures(edge.web, now) }) }),
    guard: { allowLoopback, ...(role && { role }) },
    probe: (questions, timeoutMs) => look(questions, eyes, timeoutMs),
    probeMs: PROBE_MS,
    now,
  };
}

function edgeOf(parts: EdgeParts): NonNullable<Machine['edge']> {
  return {
    web: parts.web,
    releases: parts.releases,
    answers: parts.answers,
    prepareUsers: parts.prepareUsers,
    render: (config, bundle, leftOut) => render(config, bundle, leftOut, parts),
    stopgaps: rememberedStopgaps(parts.held),
  };
}

/** The same text: the same hostnames are served by other certificates than theirs. Worked out anew only when something may differ. */
function rememberedStopgaps(held: HeldCertificates | undefined): (chunks: readonly Chunk[]) => string {
  let last: { chunks: readonly Chunk[]; revision: string; text: string } | undefined;
  return (chunks) => {
    if (held === undefined) return textOf(new Map());
    const revision = held.revision();
    if (last?.chunks !== chunks || last.revision !== revision)
      last = { chunks, revision, text: textOf(stopgapsOf(chunks, held.isHeld)) };
    return last.text;
  };
}

function textOf(stopgaps: ReadonlyMap<string, string>): string {
  return sha256Hex(canonicalJson([...stopgaps]));
}

/** The id names everything the tree depends on, so the same tree is written once and a changed agent writes a new one. */
async function render(
  config: EdgeConfig,
  { configHash, chunks }: VerifiedBundle,
  leftOut: readonly string[],
  { web, templates, settings, isFreePort: isFree, readStreams, held }: EdgeParts,
): Promise<Release> {
  const features = await web.features();
  const taken = await takenStreams(config, { web, readStreams, isFree, addresses: settings.listen.addresses });
  const streams = config.edge.streams?.filter((stream) => !taken.includes(stream));
  const stopgaps = stopgapsOf(chunks, held?.isHeld ?? (() => true));
  const dependsOn = canonicalJson({
    configHash,
    features,
    settings,
    templates,
    taken,
    leftOut,
    stopgaps: [...stopgaps],
  });
  const id = sha256Hex(dependsOn).slice(0, RELEASE_ID_CHARACTERS);
  const edge = { ...config.edge, ...(streams && { streams }) };
  const own = { ...settings, releaseId: id };
  const files = renderNginx({ config: { ...config, edge }, chunks, features, templates, settings: own, stopgaps });
  const lacking = features.stream === 'none' && (config.edge.streams?.length ?? 0) > 0 ? config.edge.streams! : taken;
  return {
    id,
    files,
    unserved: features.stream === 'none' ? withoutLayer4(chunks) : [],
    portsLacking: lacking.map(({ protocol, port }) => `${protocol} ${port}`),
    stopgaps: textOf(stopgaps),
  };
}

function withoutLayer4(chunks: readonly Chunk[]): Release['unserved'] {
  const passing = chunks.flatMap(({ routes }) => routes.filter(({ protocol }) => protocol === 'tls'));
  return passing.map(({ hostname }) => ({
    hostname,
    reason: 'nginx has no layer 4 here: install libnginx-mod-stream',
  }));
}
