// How settings go out, in the story of a run: who has them, who goes on under the settled ones, what is offered to each. Law: two variants
// at most, the settled one and the newest; whatever cannot be kept apart goes to all at once, and says so.
import type { Compiled } from './core/compile.ts';
import type { Desired } from './core/desired.ts';
import { AWAY_MS } from './core/pull-request/edge-progress.ts';
import { compileBehind } from './core/rollout/behind.ts';
import { type Offered, offeredOf } from './core/rollout/offered.ts';
import {
  isReached,
  type ReachedEdge,
  type Rollout,
  type RolloutStep,
  SOAK_SECONDS_DEFAULT,
  stepRollout,
  waitedFor,
} from './core/rollout/rollout.ts';
import type { RolloutEvent } from './core/rollout/rollout-event.ts';
import { type RolloutView, rolloutView } from './core/rollout/rollout-view.ts';
import { type KokoaFile, kokoaOf, touchedPools, underSettled, wavedHash } from './core/rollout/waved-settings.ts';
import { candidatesOf, wavesOf } from './core/rollout/waves.ts';
import type { HeardNodes } from './ports/heard-nodes.ts';
import type { Standing } from './standing.ts';

/** A rollout that goes on, with what it needs and a restart reads again. */
export interface RollingOut {
  state: Rollout;
  /** Undefined: the repository has it no more. */
  settled: KokoaFile | undefined;
  /** What is live, compiled under the settled sections. */
  behind: Compiled | undefined;
}

export interface RolledOut {
  rolling: RollingOut | undefined;
  offered: Offered;
  event: RolloutEvent | undefined;
}

export interface RollOutInput {
  /** What is to be published: of this commit, and compiled. */
  live: Desired;
  compiled: Compiled;
  commit: string;
  /** Compiles a state under what operators took from nodes. */
  build(desired: Desired, previous: Compiled | undefined): Compiled;
  heard: HeardNodes;
  now: Date;
}

export function rollOut(known: Standing, input: RollOutInput): RolledOut {
  const { live, compiled, now } = input;
  const all = (event?: RolloutEvent): RolledOut => ({ rolling: undefined, offered: compiled, event });
  const kokoa = kokoaOf(live);
  const settled = known.rolling ? known.rolling.settled : kokoaOf(known.live);
  if (kokoa === undefined || known.head === undefined) return all();
  if (settled === undefined)
    return all({
      kind: 'at_once',
      reason: 'what the edges have is not in git any more, or this version cannot read it',
    });
  const mixed = underSettled(live, settled.value);
  const settings = wavedHash(live, settled.value);
  if (settings === wavedHash(mixed, settled.value)) return all(known.rolling && { kind: 'reverts' });
  if (kokoa.value.rollout?.waves === false)
    return all({ kind: 'at_once', reason: 'kokoa.yaml: rollout.waves is false' });
  const behind = compileBehind(mixed, known.rolling?.behind ?? known.compiled, input.build);
  if (behind.kind === 'misfit') return all({ kind: 'at_once', reason: `the old ones do not fit: ${behind.problem}` });
  const step =
    known.rolling?.state.settings === settings
      ? nextStep({ ...known, rolling: known.rolling, compiled: known.compiled ?? compiled }, input.heard, now)
      : firstStep(input, mixed, { settings, settledBlob: settled.blob });
  if (step.kind === 'alone') return all();
  if (step.kind === 'ends') return all(step);
  const { rollout: state } = step;
  const isSame = state === known.rolling?.state;
  const event: RolloutEvent | undefined =
    isSame || step.kind === 'waits' ? undefined : { kind: step.kind, rollout: state };
  return {
    rolling: { state, settled, behind: behind.compiled },
    offered: offeredOf(compiled, state, behind.compiled),
    event,
  };
}

/** True when a run would bring the rollout on. Cheap: asked at every report. */
export function isRolloutDue(standing: Standing, heard: HeardNodes, now: Date): boolean {
  const { rolling } = standing;
  if (rolling === undefined || standing.compiled === undefined) return false;
  const step = nextStep({ ...standing, rolling }, heard, now);
  return step.kind !== 'waits';
}

/** When the rollout may go on without anybody reporting: the soak ends, or an edge has been silent for too long. ms since the epoch. */
export function rolloutDueMs(standing: Standing, heard: HeardNodes, now: Date): number | undefined {
  const { rolling } = standing;
  if (rolling?.settled === undefined || rolling.state.stopped || !standing.compiled) return undefined;
  const [nowMs, soakMs, { soakSinceMs }] = [now.getTime(), soakMsOf(standing), rolling.state];
  if (soakSinceMs !== undefined && nowMs < soakSinceMs + soakMs) return soakSinceMs + soakMs;
  const edges = waitedFor(rolling.state, reachedEdges({ ...standing, rolling }, heard), { nowMs, soakMs });
  if (edges.length === 0) return nowMs;
  // Who has been silent for longer already has to come back, or to leave.
  const moments = edges.map(({ lastSeenMs = 0 }) => lastSeenMs + AWAY_MS + 1).filter((ms) => ms > nowMs);
  return moments.length === 0 ? undefined : Math.min(...moments);
}

/** Undefined: everybody has the same settings. */
export function viewOfRollout(standing: Standing, heard: HeardNodes, now: Date): RolloutView | undefined {
  const { rolling } = standing;
  if (rolling === undefined) return undefined;
  const at = { nowMs: now.getTime(), soakMs: soakMsOf(standing) };
  return rolloutView(rolling.state, reachedEdges({ ...standing, rolling }, heard), at);
}

function soakMsOf({ live }: Pick<Standing, 'live'>): number {
  return (live.kokoa?.value?.rollout?.soak ?? SOAK_SECONDS_DEFAULT) * 1000;
}

type Rolling = Pick<Standing, 'compiled' | 'nodes' | 'live'> & { rolling: RollingOut };

/** Edges that have the new settings, and are still to be told anything. */
function reachedEdges({ compiled, nodes, rolling }: Rolling, heard: HeardNodes): ReachedEdge[] {
  return (compiled?.fleet ?? []).flatMap(({ node, role, state, pool = '' }): ReachedEdge[] => {
    if (role !== 'edge' || state === 'suspended' || !isReached(rolling.state, node)) return [];
    const published = nodes.get(node)?.configHash;
    const { report, lastSeenMs: reportedMs } = heard.report(node) ?? {};
    return [{ node, pool, state, published, lastSeenMs: heard.lastSeenMs(node), reportedMs, report }];
  });
}

function nextStep(standing: Rolling, heard: HeardNodes, now: Date): RolloutStep {
  const at = { nowMs: now.getTime(), soakMs: soakMsOf(standing) };
  return stepRollout(standing.rolling.state, reachedEdges(standing, heard), at);
}

/** `alone`: there is nobody to wait for. */
type Begun = { kind: 'begins'; rollout: Rollout } | { kind: 'alone' };

function firstStep(
  { live, compiled, commit, heard, now }: RollOutInput,
  mixed: Desired,
  what: Pick<Rollout, 'settings' | 'settledBlob'>,
): Begun {
  const nowMs = now.getTime();
  const isThere = (node: string) => nowMs - (heard.lastSeenMs(node) ?? Number.NEGATIVE_INFINITY) <= AWAY_MS;
  const waves = wavesOf(candidatesOf(compiled.desired, touchedPools(mixed, live), isThere));
  if (waves.length === 0) return { kind: 'alone' };
  return { kind: 'begins', rollout: { commit, ...what, waves, wave: 0, sinceMs: nowMs } };
}
