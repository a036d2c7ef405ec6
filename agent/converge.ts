// The story of a node: verify → guard → render → test → network → swap → reload → probe → keep, or roll back. Whatever fails, the
// node goes on serving what it served before; a part with a mistake of its own is left out alone.
import type { BundleResponse } from '../bundle/api.ts';
import type { Chunk, EdgeConfig } from '../bundle/config.ts';
import { type Attempt, attempt, type Failure } from './attempt.ts';
import { type Answers, newBackends, untilOpen } from './backends-open.ts';
import { type GuardOptions, guardConfig } from './core/guard.ts';
import { isHost, type LeftOut } from './core/left-out.ts';
import { fittingRelease } from './fit.ts';
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
    /** The tree that serves this bundle, and its id. `leftOut`: names that are in neither any more. @throws KokoaError unsafe_value */
    render(config: EdgeConfig, bundle: VerifiedBundle, leftOut: readonly string[]): Promise<Release>;
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

/** A bundle as it is served: `config` and `chunks` are without what is in `leftOut`. */
export interface ServedBundle extends VerifiedBundle {
  /** Absent: nothing is. */
  leftOut?: readonly LeftOut[];
}

export type Outcome = Applied | Refused | RolledBack;

export interface Applied {
  kind: 'applied';
  bundle: ServedBundle;
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
  /** Parts of the bundle that are not served because of a mistake of their own. */
  leftOut: readonly LeftOut[];
}

/** Nothing that runs was touched. */
export interface Refused extends Failure {
  kind: 'refused';
  /** What was refused; absent when the offer did not verify. */
  bundle?: VerifiedBundle;
  /** The config hash instead, when an earlier run of the agent refused it. */
  remembered?: string;
}

export interface RolledBack extends Failure {
  kind: 'rolled_back';
  /** Absent when an earlier run of the agent rolled it back. */
  bundle?: VerifiedBundle;
  remembered?: string;
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
  running: ServedBundle | undefined,
  condemned: Refused | RolledBack | undefined,
  machine: Machine,
): Promise<Outcome> {
  const accepted = await attempt('verify', () => machine.trusted.accept(offered, machine.now()));
  if (accepted.failure) return { kind: 'refused', ...accepted.failure };
  const acceptance = accepted.value;
  if (acceptance.kind === 'refused') return { stage: 'verify', fault: 'bundle', ...acceptance };
  const { verified } = acceptance;
  if (verified.configHash === running?.configHash) return { kind: 'applied', bundle: asServed(verified, running) };
  if (condemned?.fault === 'bundle' && verified.configHash === hashOf(condemned)) return condemned;
  return enact(verified, running, machine);
}

/** Undefined: nobody could read what was offered. */
export function hashOf({ bundle, remembered }: Refused | RolledBack): string | undefined {
  return bundle?.configHash ?? remembered;
}

/** The same configuration, vouched for anew. */
function asServed(verified: VerifiedBundle, { config, chunks, leftOut }: ServedBundle): ServedBundle {
  return leftOut ? { ...verified, config, chunks, leftOut } : verified;
}

/** Makes the node equal to a verified bundle, or puts it back to `running`. */
export async function enact(
  wanted: VerifiedBundle,
  running: ServedBundle | undefined,
  machine: Machine,
): Promise<Outcome> {
  const looking = running ? lookBefore(running, wanted, machine) : NOTHING_ASKED;
  const prepared = await prepare(wanted, running, machine);
  if (prepared.kind === 'refused') return { ...prepared, bundle: wanted };
  const { made, served } = prepared;
  const questions = withoutHosts(await looking, made.leftOut);

  const failure = (await switchTo(served, running, made, machine)) ?? (await lookAfter(questions, machine));
  if (!failure) {
    const { failure: unsaved } = await attempt('keep', () => machine.trusted.markGood(wanted.configHash));
    return { kind: 'applied', bundle: served, made, ...(unsaved && { unsaved }) };
  }
  if (!running) return { kind: 'refused', ...failure, bundle: wanted };
  const stranded = await putBack(running, machine);
  return { kind: 'rolled_back', ...failure, bundle: wanted, ...(stranded && { stranded }) };
}

/** Writes a bundle's tree again and makes the web server read it, whatever it seems to serve. */
export async function mend(running: ServedBundle, machine: Machine): Promise<Attempt<Made>> {
  const prepared = await prepare(running, undefined, machine);
  if (prepared.kind === 'refused') return { failure: prepared };
  const failure = await serve(prepared.made, machine, 'whatever it serves');
  return failure ? { failure } : { value: prepared.made };
}

type Prepared = { kind: 'ready'; made: Made; served: ServedBundle } | ({ kind: 'refused' } & Failure);

/** guard → render → test: everything that can be known without touching what runs. */
async function prepare(wanted: ServedBundle, running: ServedBundle | undefined, machine: Machine): Promise<Prepared> {
  const verdict = guardConfig(wanted.config, wanted.chunks, running, machine.guard);
  if (!verdict.ok) return refusal('guard', verdict.code, verdict.detail);
  const withoutPeer = verdict.withoutPeer.map((hostname) => ({ hostname, reason: WITHOUT_PEER }));
  const { config } = wanted;
  const { edge } = machine;
  if (config.role === 'origin' || !edge) {
    const made = { release: undefined, unserved: withoutPeer, portsLacking: [], leftOut: [] };
    return { kind: 'ready', made, served: wanted };
  }

  const mistaken = [...(wanted.leftOut ?? []), ...verdict.leftOut];
  const fitting = await fittingRelease({ ...wanted, config }, mistaken, running, edge);
  if (fitting.failure) return { kind: 'refused', ...fitting.failure };
  const { release, fit, leftOut } = fitting.value;
  const served = leftOut.length === 0 ? wanted : { ...wanted, config: fit.config, chunks: [...fit.chunks], leftOut };
  // Before anybody is asked for a password: a list that is not there lets nobody in.
  await edge.prepareUsers(served.chunks);
  const hosts = leftOut.filter(isHost).map(({ name, reason }) => ({ hostname: name, reason }));
  const unserved = [...withoutPeer, ...release.unserved, ...hosts];
  const made = { release: release.id, unserved, portsLacking: release.portsLacking, leftOut };
  return { kind: 'ready', made, served };
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
async function putBack(running: ServedBundle, machine: Machine): Promise<Failure | undefined> {
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

/** What is left out now is not there, and condemns nothing. */
function withoutHosts(questions: Questions, leftOut: readonly LeftOut[]): Questions {
  if (leftOut.length === 0) return questions;
  const gone = new Set(leftOut.map(({ name }) => name));
  return { ...questions, hostnames: questions.hostnames.filter((hostname) => !gone.has(hostname)) };
}

async function lookAfter(questions: Questions, machine: Machine): Promise<Failure | undefined> {
  const look = () => machine.probe(questions, AFTER_MS);
  const { value: broken = [] } = await attempt('probe', () => stillBroken(look, machine.probeMs));
  if (broken.length === 0) return undefined;
  const detail = `held before and not after: ${broken.join(', ')}`;
  return { stage: 'probe', code: 'probe_failed', detail, fault: 'bundle' };
}
