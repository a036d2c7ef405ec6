// Changes of a zone at Route 53. Laws: what stands there is read right before; a change is done as a whole or not at all; and where Route 53
// refuses several at once, they are halved until it is known which one it means.
import type { Change } from '@aws-sdk/client-route-53';
import { KokoaError } from '../../bundle/error.ts';
import { CHANGES_MAX, type ChangeOutcome, type Written, type ZoneChange } from '../ports/dns-zone.ts';
import type { FoundSet } from './dns-route53-sets.ts';
import { mayBeMade, RECORDS_MAX, sizeOf, stepsOf, VALUE_CHARACTERS_MAX } from './dns-route53-steps.ts';
import { ZoneThrottled } from './dns-throttled.ts';

/** In one `write`: what refuses everything is not asked for ever. */
const REFUSALS_MAX = 50;

export type SetsByName = ReadonlyMap<string, readonly FoundSet[]>;

export interface WriteParts {
  /** What stands at these names now. @throws KokoaError */
  read(names: readonly string[]): Promise<SetsByName>;
  /** All of it or nothing. @throws KokoaError, dns_refused: nothing of it was done */
  batch(steps: readonly Change[]): Promise<void>;
}

interface Planned {
  index: number;
  steps: readonly Change[];
}

/** Never throws. */
export async function writeChanges(changes: readonly ZoneChange[], { read, batch }: WriteParts): Promise<Written> {
  const outcomes: ChangeOutcome[] = changes.map(() => ({ kind: 'unknown' }));
  let refusals = 0;

  async function send(group: readonly Planned[]): Promise<void> {
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

  function plan(index: number, found: SetsByName): Planned | undefined {
    const change = changes[index]!;
    const steps = change.flatMap((one) => stepsOf(one, found.get(one.name) ?? []));
    const isTooMuch = !isOneBatch(sizeOf(steps));
    const outcome: ChangeOutcome | undefined =
      clashOf(change, found) ??
      (steps.length === 0 ? { kind: 'done' } : undefined) ??
      (isTooMuch ? { kind: 'refused', reason: 'it is more than Route 53 changes at once' } : undefined);
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
      for (const group of groupsOf(planned)) await send(group);
    }
    return { outcomes };
  } catch (error) {
    const stopped =
      error instanceof KokoaError
        ? error
        : new KokoaError('dns_unreachable', 'what Route 53 answered was not understood');
    const isThrottled = stopped instanceof ZoneThrottled;
    return { outcomes, stopped, ...(isThrottled && { retryAfterMs: stopped.retryAfterMs }) };
  }
}

function clashOf(change: ZoneChange, found: SetsByName): ChangeOutcome | undefined {
  const clash = change.find((one) => !mayBeMade(one, found.get(one.name) ?? []));
  return clash === undefined ? undefined : { kind: 'clash', name: clash.name };
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
function groupsOf(planned: readonly Planned[]): Planned[][] {
  const groups: Planned[][] = [];
  let size = { records: 0, characters: 0 };
  for (const one of planned) {
    const { records, characters } = sizeOf(one.steps);
    size = { records: size.records + records, characters: size.characters + characters };
    if (groups.length === 0 || !isOneBatch(size)) {
      groups.push([]);
      size = { records, characters };
    }
    groups.at(-1)!.push(one);
  }
  return groups;
}

function isOneBatch({ records, characters }: { records: number; characters: number }): boolean {
  return records <= RECORDS_MAX && characters <= VALUE_CHARACTERS_MAX;
}
