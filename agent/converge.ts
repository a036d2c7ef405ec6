// The story of a node: verify → guard → render → test → network → swap → reload → probe → keep, or roll back. Whatever fails, the
// node goes on serving what it served before.
import type { BundleResponse } from '../bundle/api.ts';
import type { Chunk, EdgeConfig } from '../bundle/config.ts';
import { type Attempt, attempt, type Failure } from './attempt.ts';
import { type Answers, newBackends, untilOpen } from './backends-open.ts';
import { type GuardOptions, guardConfig, guardTree } from './core/guard.ts';
import { narrowed, type Questions, questionsFor } from './look.ts';
import type { Network } from './network.ts';
import type { Releases, TrustedState, VerifiedBundle } from './ports/state.ts';
import type { WebServer } from './ports/web-server.ts';
import { checksThat, type ProbeResults, stillBroken } from './probe.ts';

/** Everything a node's convergence may touch. Origins have no `edge`. */
export interface Machine {
  trusted: TrustedState;
  network: Pick<Network, 'apply' | 'differs' | 'repair' | 'hasPortsToClose' | 'restoreFilter'>;
  guard: GuardOptions;
  edge?: {
    web: WebServer;
    releases: Releases;
    /** The tree that serves this bundle, and its id. @throws KokoaError unsafe_value */
    render(config: EdgeConfig, bundle: VerifiedBundle): Promise<Release>;
    /** Writes the lists of users that the routes ask for, as far as they can be opened. Bounded; never throws. */
    prepareUsers(chunks: readonly Chunk[]): Promise<void>;
    /** True when a backend answered, were it by refusing. */
    answers: Answers;
  };
  /** Looks at the node from outside; a hostname has `timeoutMs` to answer. */
  probe(questions: Questions, timeoutMs: number): Promise<ProbeResults>;
  /** How long what held before may take to hold again. */
  probeMs: number;
  /** ms since the epoch. */
  now(): number;
}

export interface Release {
  id: string;
  files: ReadonlyMap<string, string>;
  /** Hosts that this web server cannot serve. */
  unserved: readonly Unserved[];
  /** Public ports that this machine cannot give: `tcp 25565`. */
  portsLacking: readonly string[];
}

export interface Unserved {
  hostname: string;
  reason: string;
}

export type Outcome = Applied | Refused | RolledBack;

export interface Applied {
  kind: 'applied';
  bundle: VerifiedBundle;
  /** What was made of it; absent when the bundle was running already. */
  made?: Made;
  /** Why it is not the last known good although it is good. */
  unsaved?: Failure;
}

export interface Made {
  /** The tree that the web server serves; undefined on an origin. */
  release: string | undefined;
  /** Hosts that nobody reaches here, each with one reason. */
  unserved: readonly Unserved[];
  /** Public ports that this machine cannot give: `tcp 25565`. */
  portsLacking: readonly string[];
}

/** Nothing that runs was touched. */
export interface Refused extends Failure {
  kind: 'refused';
  /** What was refused; absent when the offer did not verify. */
  bundle?: VerifiedBundle;
}

export interface RolledBack extends Failure {
  kind: 'rolled_back';
  bundle: VerifiedBundle;
  /** Why the node is not as it was before, either. */
  stranded?: Failure;
}

const WITHOUT_PEER = 'its origin has not announced its keys yet';
/** The answers before a change are awaited while the new tree is written and tested; who takes longer is not asked after it. */
const BEFORE_MS = 400;
const AFTER_MS = 1_000;

/** Takes an offered bundle all the way. `running` is what the node serves now, `condemned` what failed here already. */
export async function converge(
  offered: BundleResponse,
  running: VerifiedBundle | undefined,
  condemned: Refused | RolledBack | undefined,
  machine: Machine,
): Promise<Outcome> {
  const accepted = await attempt('verify', () => machine.trusted.accept(offered, machine.now()));
  if (accepted.failure) return { kind: 'refused', ...accepted.failure };
  const acceptance = accepted.value;
  if (acceptance.kind === 'refused') return { stage: 'verify', fault: 'bundle', ...acceptance };
  const { verified } = acceptance;
  if (verified.configHash === running?.configHash) return { kind: 'applied', bundle: verified };
  if (verified.configHash === condemned?.bundle?.configHash && condemned.fault === 'bundle') return condemned;
  return enact(verified, running, machine);
}

/** Makes the node equal to a verified bundle, or puts it back to `running`. */
export async function enact(
  wanted: VerifiedBundle,
  running: VerifiedBundle | undefined,
  machine: Machine,
): Promise<Outcome> {
  const looking = running ? lookBefore(running, wanted, machine) : NOTHING_ASKED;
  const prepared = await prepare(wanted, running, machine);
  if (prepared.kind === 'refused') return { ...prepared, bundle: wanted };
  const questions = await looking;

  const failure = (await switchTo(wanted, running, prepared.made, machine)) ?? (await lookAfter(questions, machine));
  if (!failure) {
    const { failure: unsaved } = await attempt('keep', () => machine.trusted.markGood(wanted.configHash));
    return { kind: 'applied', bundle: wanted, made: prepared.made, ...(unsaved && { unsaved }) };
  }
  if (!running) return { kind: 'refused', ...failure, bundle: wanted };
  const stranded = await putBack(running, machine);
  return { kind: 'rolled_back', ...failure, bundle: wanted, ...(stranded && { stranded }) };
}

/** Writes a bundle's tree again and makes the web server read it, whatever it seems to serve. */
export async function mend(running: VerifiedBundle, machine: Machine): Promise<Attempt<Made>> {
  const prepared = await prepare(running, undefined, machine);
  if (prepared.kind === 'refused') return { failure: prepared };
  const failure = await serve(prepared.made, machine, 'whatever it serves');
  return failure ? { failure } : { value: prepared.made };
}

type Prepared = { kind: 'ready'; made: Made } | ({ kind: 'refused' } & Failure);

/** guard → render → test: everything that can be known without touching what runs. */
async function prepare(
  wanted: VerifiedBundle,
  running: VerifiedBundle | undefined,
  machine: Machine,
): Promise<Prepared> {
  const verdict = guardConfig(wanted.config, wanted.chunks, running, machine.guard);
  if (!verdict.ok) return refusal('guard', verdict.code, verdict.detail);
  const withoutPeer = verdict.withoutPeer.map((hostname) => ({ hostname, reason: WITHOUT_PEER }));
  const { config } = wanted;
  const { edge } = machine;
  if (config.role === 'origin' || !edge)
    return { kind: 'ready', made: { release: undefined, unserved: withoutPeer, portsLacking: [] } };

  const rendered = await attempt('render', () => edge.render(config, wanted));
  if (rendered.failure) return { kind: 'refused', ...rendered.failure };
  const { id, files, unserved, portsLacking } = rendered.value;
  const tree = guardTree(files);
  if (!tree.ok) return refusal('guard', tree.code, tree.detail);

  const tested = await attempt('test', async () => edge.web.test(await edge.releases.write(id, files)));
  if (tested.failure) return { kind: 'refused', ...tested.failure };
  if (!tested.value.ok) return refusal('test', 'nginx_refused', tested.value.detail);
  // Before anybody is asked for a password: a list that is not there lets nobody in.
  await edge.prepareUsers(wanted.chunks);
  return { kind: 'ready', made: { release: id, unserved: [...withoutPeer, ...unserved], portsLacking } };
}

function refusal(stage: Failure['stage'], code: string, detail: string): Prepared {
  return { kind: 'refused', stage, code, detail, fault: 'bundle' };
}

/** network → wait for new backends → swap → reload. Answers what failed, if anything did. */
async function switchTo(
  bundle: VerifiedBundle,
  running: VerifiedBundle | undefined,
  made: Made,
  machine: Machine,
): Promise<Failure | undefined> {
  const network = await attempt('network', () => machine.network.apply(bundle.config));
  if (network.failure) return network.failure;
  if (machine.edge && running) await untilOpen(newBackends(bundle.chunks, running.chunks), machine.edge.answers);
  return serve(made, machine);
}

/** A web server that serves the release already is left alone: the agent may have come back, or nothing was switched. */
async function serve({ release }: Made, { edge }: Machine, force?: 'whatever it serves'): Promise<Failure | undefined> {
  if (!edge || release === undefined) return undefined;
  const reloaded = await attempt('reload', async () => {
    const same = (await edge.releases.current()) === release;
    if (same && !force && (await edge.web.serving()) === release) return;
    await edge.releases.swap(release);
    await edge.web.reload();
  });
  return reloaded.failure;
}

/** Network and web server both, whatever becomes of the other. */
async function putBack(running: VerifiedBundle, machine: Machine): Promise<Failure | undefined> {
  const prepared = await prepare(running, undefined, machine);
  const network = await attempt('network', () => machine.network.apply(running.config));
  const web = prepared.kind === 'refused' ? prepared : await serve(prepared.made, machine);
  return network.failure ?? web;
}

const NOTHING_ASKED: Questions = { hostnames: [], peers: [], controlPlane: false };

/** The questions whose answers were good. Never throws: what cannot be seen condemns nothing. */
async function lookBefore(running: VerifiedBundle, wanted: VerifiedBundle, machine: Machine): Promise<Questions> {
  const questions = questionsFor(running, wanted);
  const { value } = await attempt('probe', () => machine.probe(questions, BEFORE_MS));
  return narrowed(questions, new Set(checksThat('hold', value ?? {})));
}

async function lookAfter(questions: Questions, machine: Machine): Promise<Failure | undefined> {
  const look = () => machine.probe(questions, AFTER_MS);
  const { value: broken = [] } = await attempt('probe', () => stillBroken(look, machine.probeMs));
  if (broken.length === 0) return undefined;
  const detail = `held before and not after: ${broken.join(', ')}`;
  return { stage: 'probe', code: 'probe_failed', detail, fault: 'bundle' };
}
