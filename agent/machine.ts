// One node's parts, put together: what convergence may touch. Adapters come in as ports.
import { canonicalJson, sha256Hex } from '../bundle/canonical.ts';
import type { Chunk, EdgeConfig, NodeRole } from '../bundle/config.ts';
import type { Answers } from './backends-open.ts';
import type { Machine, Release } from './converge-machine.ts';
import { renderNginx, type Templates } from './core/render-nginx.ts';
import type { NginxSettings } from './core/settings-view.ts';
import { type Eyes, look } from './look.ts';
import type { Network } from './network.ts';
import { type OverlayOf, type OverlayParts, rememberedOverlay } from './overlay.ts';
import type { Releases, TrustedState, VerifiedBundle } from './ports/state.ts';
import type { WebServer } from './ports/web-server.ts';
import { PROBE_MS } from './probe.ts';
import { type StreamPortsParts, takenStreams } from './stream-ports.ts';
import { rememberFeatures } from './web-features.ts';

const RELEASE_ID_CHARACTERS = 32;

export interface EdgeParts extends OverlayParts {
  web: WebServer;
  releases: Releases;
  answers: Answers;
  /** @see Machine */
  prepareUsers(chunks: readonly Chunk[]): Promise<void>;
  templates: Templates;
  settings: Omit<NginxSettings, 'releaseId'>;
  isFreePort: StreamPortsParts['isFree'];
  readStreams: StreamPortsParts['readStreams'];
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
  const overlay = rememberedOverlay(parts);
  return {
    web: parts.web,
    releases: parts.releases,
    answers: parts.answers,
    prepareUsers: parts.prepareUsers,
    render: (config, bundle, leftOut) => render(config, bundle, leftOut, { ...parts, overlay }),
    overlay: (config, chunks) => overlay(config, chunks).text,
  };
}

/** The id names everything the tree depends on, so the same tree is written once and a changed agent writes a new one. */
async function render(
  config: EdgeConfig,
  { configHash, chunks }: VerifiedBundle,
  leftOut: readonly string[],
  { web, templates, settings, isFreePort: isFree, readStreams, overlay: overlayOf }: EdgeParts & { overlay: OverlayOf },
): Promise<Release> {
  const features = await web.features();
  const taken = await takenStreams(config, { web, readStreams, isFree, addresses: settings.listen.addresses });
  const streams = config.edge.streams?.filter((stream) => !taken.includes(stream));
  const overlay = overlayOf(config, chunks);
  const dependsOn = canonicalJson({
    configHash,
    features,
    settings,
    templates,
    taken,
    leftOut,
    overlay: overlay.text,
  });
  const id = sha256Hex(dependsOn).slice(0, RELEASE_ID_CHARACTERS);
  const edge = { ...config.edge, ...(streams && { streams }) };
  const own = { ...settings, releaseId: id };
  const files = renderNginx({ config: { ...config, edge }, chunks, features, templates, settings: own, ...overlay });
  const lacking = features.stream === 'none' && (config.edge.streams?.length ?? 0) > 0 ? config.edge.streams! : taken;
  return {
    id,
    files,
    unserved: features.stream === 'none' ? withoutLayer4(chunks) : [],
    portsLacking: lacking.map(({ protocol, port }) => `${protocol} ${port}`),
    overlay: overlay.text,
  };
}

function withoutLayer4(chunks: readonly Chunk[]): Release['unserved'] {
  const passing = chunks.flatMap(({ routes }) => routes.filter(({ protocol }) => protocol === 'tls'));
  return passing.map(({ hostname }) => ({
    hostname,
    reason: 'nginx has no layer 4 here: install libnginx-mod-stream',
  }));
}
