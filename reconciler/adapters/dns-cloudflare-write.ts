// Changes of a zone at Cloudflare. Laws: what stands there is read right before; a change is done as a whole or not at all; and where Cloudflare
// refuses several at once, they are halved until it is known which one it means.
import { KokoaError } from '../../bundle/error.ts';
import type { ChangeOutcome, Written, ZoneChange } from '../ports/dns-zone.ts';
import { CHANGES_MAX } from '../ports/dns-zone.ts';
import type { RecordsByName } from './dns-cloudflare-records.ts';
import { mayBeMade, STEPS_MAX, type Step, stepsOf } from './dns-cloudflare-steps.ts';
import { ZoneThrottled } from './dns-throttled.ts';

/** In one `write`: what refuses everything is not asked for ever. */
const REFUSALS_MAX = 50;

export interface WriteParts {
  /** What stands at these names now. @throws KokoaError */
  read(names: readonly string[]): Promise<RecordsByName>;
  /** In one transaction. @throws KokoaError, dns_refused: nothing of it was done */
  batch(steps: readonly Step[]): Promise<void>;
}

interface Planned {
  index: number;
  steps: readonly Step[];
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
      if (group.length === 1) outcomes[group[0]!.index] = { kind: 'refused', reason: error.message };
      if (refusals >= REFUSALS_MAX) throw error;
      if (group.length === 1) return;
      const half = Math.ceil(group.length / 2);
      await send(group.slice(0, half));
      await send(group.slice(half));
    }
  }

  function plan(index: number, change: ZoneChange, found: RecordsByName): Planned | undefined {
    const clash = change.find((one) => !mayBeMade(one, found.get(one.name) ?? []));
    if (clash !== undefined) {
      outcomes[index] = { kind: 'clash', name: clash.name };
      return undefined;
    }
    const steps = change.flatMap((one) => stepsOf(one, found.get(one.name) ?? []));
    if (steps.length > 0 && steps.length <= STEPS_MAX) return { index, steps };
    outcomes[index] =
      steps.length === 0
        ? { kind: 'done' }
        : { kind: 'refused', reason: `it takes ${steps.length} steps, and Cloudflare takes ${STEPS_MAX} at once` };
    return undefined;
  }

  try {
    if (changes.length > CHANGES_MAX)
      throw new KokoaError('dns_refused', `${changes.length} changes at once, expected at most ${CHANGES_MAX}`);
    for (const round of roundsOf(changes)) {
      const found = await read([...new Set(round.flatMap((index) => changes[index]!.map(({ name }) => name)))]);
      const planned = round.map((index) => plan(index, changes[index]!, found)).filter((one) => one !== undefined);
      for (const group of groupsOf(planned)) await send(group);
    }
    return { outcomes };
  } catch (error) {
    const stopped =
      error instanceof KokoaError
        ? error
        : new KokoaError('dns_unreachable', 'what Cloudflare answered was not understood');
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

function groupsOf(planned: readonly Planned[]): Planned[][] {
  const groups: Planned[][] = [];
  let room = 0;
  for (const one of planned) {
    if (one.steps.length > room) {
      groups.push([]);
      room = STEPS_MAX;
    }
    groups.at(-1)!.push(one);
    room -= one.steps.length;
  }
  return groups;
}
