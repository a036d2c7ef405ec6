// Changes of a zone by an API that takes several in one transaction. Laws: what stands there is read right before; a change is done as a whole or
// not at all; and where several are refused at once, they are halved until it is known which one is meant.
import { KokoaError } from '../../bundle/error.ts';
import { CHANGES_MAX, type ChangeOutcome, type NameChange, type Written, type ZoneChange } from '../ports/dns-zone.ts';
import { ZoneThrottled } from './dns-throttled.ts';

/** In one `write`: what refuses everything is not asked for ever. */
const REFUSALS_MAX = 50;

/** `Found`: what stands at a name, as the API has it. `Step`: what the API does in one go. */
export interface Batching<Found, Step> {
  /** As people call it. */
  provider: string;
  /** What stands at these names now. @throws KokoaError */
  read(names: readonly string[]): Promise<ReadonlyMap<string, readonly Found[]>>;
  /** All of it or nothing. @throws KokoaError, dns_refused: nothing of it was done */
  batch(steps: readonly Step[]): Promise<void>;
  mayBeMade(change: NameChange, found: readonly Found[]): boolean;
  stepsOf(change: NameChange, found: readonly Found[]): readonly Step[];
  /** What a batch is measured by, and how much of each it takes. Sizes add up. */
  sizeOf(steps: readonly Step[]): readonly number[];
  sizesMax: readonly number[];
}

interface Planned<Step> {
  index: number;
  steps: readonly Step[];
}

/** Never throws. */
export async function writeInBatches<Found, Step>(
  changes: readonly ZoneChange[],
  batching: Batching<Found, Step>,
): Promise<Written> {
  const { provider, read, batch, mayBeMade, stepsOf, sizeOf } = batching;
  const outcomes: ChangeOutcome[] = changes.map(() => ({ kind: 'unknown' }));
  let refusals = 0;

  async function send(group: readonly Planned<Step>[]): Promise<void> {
    try {
      await batch(group.flatMap(({ steps }) => steps));
      for (const { index } of group) outcomes[index] = { kind: 'done' };
    } catch (error) {
      if (!(error instanceof KokoaError) || error.code !== 'dns_refused') throw error;
      refusals += 1;
      if (group.length === 1) outcomes[group[0]!.index] = await refusedOne(changes[group[0]!.index]!, error.message);
      if (refusals >= REFUSALS_MAX) throw error;
      if (group.length === 1) return;
      const half = Math.ceil(group.length / 2);
      await send(group.slice(0, half));
      await send(group.slice(half));
    }
  }

  /** Somebody may have been faster than we: that is a clash. */
  async function refusedOne(change: ZoneChange, reason: string): Promise<ChangeOutcome> {
    return clashOf(change, await read(change.map(({ name }) => name))) ?? { kind: 'refused', reason };
  }

  function clashOf(change: ZoneChange, found: ReadonlyMap<string, readonly Found[]>): ChangeOutcome | undefined {
    const clash = change.find((one) => !mayBeMade(one, found.get(one.name) ?? []));
    return clash === undefined ? undefined : { kind: 'clash', name: clash.name };
  }

  function plan(index: number, found: ReadonlyMap<string, readonly Found[]>): Planned<Step> | undefined {
    const change = changes[index]!;
    const clash = clashOf(change, found);
    const steps = clash ? [] : change.flatMap((one) => stepsOf(one, found.get(one.name) ?? []));
    const outcome: ChangeOutcome | undefined =
      clash ??
      (steps.length === 0 ? { kind: 'done' } : undefined) ??
      (isOneBatch(sizeOf(steps), batching)
        ? undefined
        : { kind: 'refused', reason: `it is more than ${provider} changes at once` });
    if (outcome === undefined) return { index, steps };
    outcomes[index] = outcome;
    return undefined;
  }

  try {
    if (changes.length > CHANGES_MAX)
      throw new KokoaError('dns_refused', `${changes.length} changes at once, expected at most ${CHANGES_MAX}`);
    for (const round of roundsOf(changes)) {
      const found = await read([...new Set(round.flatMap((index) => changes[index]!.map(({ name }) => name)))]);
      const planned = round.map((index) => plan(index, found)).filter((one) => one !== undefined);
      for (const group of groupsOf(planned, batching)) await send(group);
    }
    return { outcomes };
  } catch (error) {
    const stopped =
      error instanceof KokoaError
        ? error
        : new KokoaError('dns_unreachable', `what ${provider} answered was not understood`);
    return { outcomes, stopped, ...(stopped instanceof ZoneThrottled && { retryAfterMs: stopped.retryAfterMs }) };
  }
}

/** Indices of changes; in one round no name is changed by two of them, since a later one stands on what an earlier one leaves. */
function roundsOf(changes: readonly ZoneChange[]): number[][] {
  const rounds: number[][] = [];
  let taken = new Set<string>();
  for (const [index, change] of changes.entries()) {
    const names = change.map(({ name }) => name);
    if (rounds.length === 0 || names.some((name) => taken.has(name))) {
      rounds.push([]);
      taken = new Set();
    }
    rounds.at(-1)!.push(index);
    for (const name of names) taken.add(name);
  }
  return rounds;
}

/** As many as fit into a batch. */
function groupsOf<Found, Step>(planned: readonly Planned<Step>[], batching: Batching<Found, Step>): Planned<Step>[][] {
  const groups: Planned<Step>[][] = [];
  let sizes: readonly number[] = [];
  for (const one of planned) {
    const own = batching.sizeOf(one.steps);
    const together = own.map((size, at) => size + (sizes[at] ?? 0));
    const fits = groups.length > 0 && isOneBatch(together, batching);
    if (!fits) groups.push([]);
    sizes = fits ? together : own;
    groups.at(-1)!.push(one);
  }
  return groups;
}

function isOneBatch(sizes: readonly number[], { sizesMax }: Pick<Batching<unknown, unknown>, 'sizesMax'>): boolean {
  return sizes.every((size, at) => size <= sizesMax[at]!);
}
