// The story of a node: verify → guard → render → test → swap → reload → probe → report, or roll back. Whatever fails, the
// node goes on serving what it served before.
import type { BundleResponse } from '../bundle/api.ts';
import type { EdgeConfig, NodeConfig } from '../bundle/config.ts';
import { KokoaError } from '../bundle/error.ts';
import { type GuardOptions, guardConfig, guardTree } from './core/guard.ts';
import { brokenSince, type ProbeResults } from './probe.ts';
import type { Releases, TrustedState, VerifiedBundle } from './ports/state.ts';
import type { WebServer } from './ports/web-server.ts';

/** Everything a node's convergence may touch. Origins have no `edge`. */
export interface Machine {
  trusted: TrustedState;
  /** Makes tunnel and packet filter equal to the config. @throws KokoaError */
  network: { apply(config: NodeConfig): Promise<string[]>; restoreFilter(): Promise<boolean> };
  guard: GuardOptions;
  edge?: {
    web: WebServer;
    releases: Releases;
    /** The tree that serves this bundle, and its id. @throws KokoaError unsafe_value */
    render(config: EdgeConfig, bundle: VerifiedBundle): Promise<{ id: string; files: ReadonlyMap<string, string> }>;
  };
  /** Looks at the node from outside: each check by name, true when it holds now. */
  probe(bundle: VerifiedBundle): Promise<ProbeResults>;
  /** ms since the epoch. */
  now(): number;
}

export type Stage = 'verify' | 'guard' | 'render' | 'test' | 'network' | 'reload' | 'probe';

export type Outcome =
  | { kind: 'applied'; bundle: VerifiedBundle }
  /** `again`: the machine failed, not the bundle; trying once more later may help. */
  | { kind: 'refused'; hash?: string; stage: Stage; code: string; detail: string; again?: VerifiedBundle }
  | { kind: 'rolled_back'; hash: string; stage: Stage; code: string; detail: string; again?: VerifiedBundle };

/** Takes an offered bundle all the way. `running` is what the node serves now. */
export async function converge(
  offered: BundleResponse,
  running: VerifiedBundle | undefined,
  machine: Machine,
): Promise<Outcome> {
  const acceptance = await machine.trusted.accept(offered, machine.now());
  if (acceptance.kind === 'refused') return { stage: 'verify', ...acceptance };
  if (acceptance.verified.configHash === running?.configHash) return { kind: 'applied', bundle: acceptance.verified };
  return enact(acceptance.verified, running, machine);
}

/** Makes the node equal to a verified bundle, or puts it back to `running`. */
export async function enact(
  wanted: VerifiedBundle,
  running: VerifiedBundle | undefined,
  machine: Machine,
): Promise<Outcome> {
  const hash = wanted.configHash;
  const release = await prepare(wanted, running, machine);
  if (release.kind === 'refused') return { hash, ...release };

  const before = running ? await machine.probe(running) : {};
  const failure = (await switchTo(wanted, release.id, machine)) ?? (await broken(wanted, before, machine));
  if (!failure) {
    await machine.trusted.markGood(hash);
    return { kind: 'applied', bundle: wanted };
  }
  const again = failure.stage === 'network' || failure.stage === 'reload' ? { again: wanted } : {};
  if (!running) return { kind: 'refused', hash, ...failure, ...again };
  const previous = await prepare(running, undefined, machine);
  if (previous.kind === 'ready') await switchTo(running, previous.id, machine);
  return { kind: 'rolled_back', hash, ...failure, ...again };
}

interface Failure {
  stage: Stage;
  code: string;
  detail: string;
}

type Prepared = { kind: 'ready'; id: string | undefined } | ({ kind: 'refused' } & Failure);

/** guard → render → test: everything that can be known without touching what runs. */
async function prepare(wanted: VerifiedBundle, running: VerifiedBundle | undefined, machine: Machine): Promise<Prepared> {
  const verdict = guardConfig(wanted.config, wanted.chunks, running, machine.guard);
  if (!verdict.ok) return { kind: 'refused', stage: 'guard', code: verdict.code, detail: verdict.detail };
  if (wanted.config.role === 'origin' || !machine.edge) return { kind: 'ready', id: undefined };

  const { render, releases, web } = machine.edge;
  const rendered = await attempt('render', () => render(wanted.config as EdgeConfig, wanted));
  if (rendered.failure) return { kind: 'refused', ...rendered.failure };
  const { id, files } = rendered.value;
  const tree = guardTree(files);
  if (!tree.ok) return { kind: 'refused', stage: 'guard', code: tree.code, detail: tree.detail };

  const tested = await attempt('test', async () => web.test(await releases.write(id, files)));
  if (tested.failure) return { kind: 'refused', ...tested.failure };
  if (!tested.value.ok) return { kind: 'refused', stage: 'test', code: 'nginx_refused', detail: tested.value.detail };
  return { kind: 'ready', id };
}

/** network → swap → reload. Answers what failed, if anything did. */
async function switchTo(bundle: VerifiedBundle, release: string | undefined, machine: Machine): Promise<Failure | undefined> {
  const network = await attempt('network', () => machine.network.apply(bundle.config));
  if (network.failure) return network.failure;
  const edge = machine.edge;
  if (!edge || release === undefined) return undefined;
  const reload = await attempt('reload', async () => {
    await edge.releases.swap(release);
    await edge.web.reload();
  });
  return reload.failure;
}

async function broken(bundle: VerifiedBundle, before: ProbeResults, machine: Machine): Promise<Failure | undefined> {
  const names = await brokenSince(before, () => machine.probe(bundle));
  if (names.length === 0) return undefined;
  return { stage: 'probe', code: 'probe_failed', detail: `held before and not after: ${names.join(', ')}` };
}

type Attempt<T> = { value: T; failure?: undefined } | { value?: undefined; failure: Failure };

async function attempt<T>(stage: Stage, action: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await action() };
  } catch (error) {
    const code = error instanceof KokoaError ? error.code : `${stage}_failed`;
    return { failure: { stage, code, detail: error instanceof Error ? error.message : String(error) } };
  }
}
