// What keeps one bad merge from taking everything down. Law: it refuses and explains; only an override in git, made for this
// very plan on top of this very commit, lets the plan pass, and only once.
import { chunkReferences } from './chunks.ts';
import type { Compiled } from './compile.ts';
import { claimOf, type Desired } from './desired.ts';
import { countHosts, countStreams, type Plan, planHash } from './plan.ts';
import type { RouteChunks } from './routing.ts';
import { slotsOf } from './slots.ts';

/**
 * Share of the published hosts that one publish may remove or move, in percent, from this many hosts on. The same for public ports,
 * counted by themselves: they are few beside the hosts, and one lost grant takes all of them.
 */
export const CHANGED_PERCENT_MAX = 30;
export const CHANGED_COUNTED_FROM = 10;

/** Chunks of one pool: as text within JSON they stay below BUNDLE_BYTES_MAX, beyond which no agent reads. */
export const POOL_BYTES_MAX = 16_000_000;

export interface GuardReason {
  code: 'pool_too_large' | 'many_hosts_change' | 'many_ports_change' | 'becomes_empty' | 'slot_vanishes';
  message: string;
  hint: string;
}

export type Verdict =
  | { kind: 'pass'; planHash: string }
  /** Keep `base` as the head's `overrideBase`: the override is used up. */
  | { kind: 'overridden'; planHash: string; base: string; reason: string; reasons: GuardReason[] }
  /** `override` is the YAML to paste into kokoa.yaml; absent: there is nothing that lets it pass. */
  | { kind: 'refused'; planHash: string; reasons: GuardReason[]; override?: string };

export interface PublishedState {
  compiled: Compiled;
  commit: string;
  /** Base of the override that the last publish used up, if it used one. */
  overrideBase?: string | undefined;
}

/** Judges `plan`, which leads from `published` (undefined: the first publish, which has nothing to lose) to `candidate`. */
export function judgePlan(published: PublishedState | undefined, candidate: Compiled, plan: Plan): Verdict {
  const hash = planHash(plan);
  if (published === undefined) return { kind: 'pass', planHash: hash };
  const tooLarge = poolsTooLarge(published.compiled, candidate);
  if (tooLarge.length > 0) return { kind: 'refused', planHash: hash, reasons: tooLarge };
  const reasons = [
    ...blastRadius(published.compiled, candidate, plan),
    ...vanishingSlots(published.compiled.desired, candidate.desired),
  ];
  if (reasons.length === 0) return { kind: 'pass', planHash: hash };

  const override = candidate.desired.kokoa?.value?.guards?.override;
  const fits = override?.plan === hash && override.base === published.commit;
  if (override !== undefined && fits && override.base !== published.overrideBase) {
    return { kind: 'overridden', planHash: hash, base: override.base, reason: override.reason, reasons };
  }
  return { kind: 'refused', planHash: hash, reasons, override: overrideYaml(hash, published.commit) };
}

/** What no edge would read, nobody may let pass; but one that is too large already may shrink, and changes elsewhere go on. */
function poolsTooLarge(published: Compiled, { routing }: Compiled): GuardReason[] {
  return [...routing.pools].flatMap(([pool, chunks]): GuardReason[] => {
    const bytes = bytesOf(chunks);
    if (bytes <= POOL_BYTES_MAX || bytes <= bytesOf(published.routing.pools.get(pool))) return [];
    return [
      {
        code: 'pool_too_large',
        message: `the routes of pool ${pool} would have ${bytes} bytes; edges take at most ${POOL_BYTES_MAX}`,
        hint: 'put some of its routes into another pool, with edges of its own',
      },
    ];
  });
}

function bytesOf(chunks: RouteChunks | undefined): number {
  return chunkReferences(chunks).reduce((sum, { bytes }) => sum + bytes, 0);
}

function blastRadius(published: Compiled, candidate: Compiled, { hosts, streams }: Plan): GuardReason[] {
  const [hostsBefore, portsBefore] = [countHosts(published), countStreams(published)];
  if (hostsBefore + portsBefore > 0 && countHosts(candidate) + countStreams(candidate) === 0) {
    const lost = [
      hostsBefore > 0 && `${hostsBefore} published hosts`,
      portsBefore > 0 && `${portsBefore} public ports`,
    ];
    return [
      {
        code: 'becomes_empty',
        message: `none of the ${lost.filter((one) => one !== false).join(' and ')} would be left`,
        hint: 'if that is meant, paste the override into kokoa.yaml',
      },
    ];
  }
  return [
    ...manyChange('many_hosts_change', 'hosts', hostsBefore, { removed: hosts.removed, moved: hosts.moved }),
    ...manyChange('many_ports_change', 'public ports', portsBefore, {
      removed: streams.removed,
      changed: streams.changed,
    }),
  ];
}

function manyChange(
  code: GuardReason['code'],
  what: string,
  before: number,
  lists: Record<string, readonly unknown[]>,
): GuardReason[] {
  const counts = Object.entries(lists).map(([word, { length }]) => ({ word, length }));
  const changed = counts.reduce((sum, { length }) => sum + length, 0);
  if (before < CHANGED_COUNTED_FROM || changed * 100 <= before * CHANGED_PERCENT_MAX) return [];
  return [
    {
      code,
      message:
        `${changed} of ${before} ${what} would change (${counts.map(({ word, length }) => `${length} ${word}`).join(', ')}); ` +
        `one publish may change ${CHANGED_PERCENT_MAX} %`,
      hint: 'split the change, or if it is meant, paste the override into kokoa.yaml',
    },
  ];
}

/** What to do, in one line: the step of each reason, what gives nothing away first. */
export function todoOf(reasons: readonly GuardReason[]): string {
  const vanished = reasons.filter(({ code }) => code === 'slot_vanishes');
  const steps = new Set([...vanished, ...reasons].map(({ hint }) => hint));
  if (steps.size < 2) return reasons[0]?.hint ?? '';
  return [...steps].map((step, at) => `(${at + 1}) ${step}`).join(' ');
}

/** A file removed or unreadable while its slot is in use says nothing about what should become of the machine. */
function vanishingSlots(published: Desired, candidate: Desired): GuardReason[] {
  return slotsOf(published)
    .filter(({ state }) => state === 'active' || state === 'suspended')
    .filter(({ node, role }) => claimOf(role === 'edge' ? candidate.edges : candidate.origins, node) === undefined)
    .map(({ node, role, state, path }) => ({
      code: 'slot_vanishes',
      message: `${path} is gone or not readable while ${role} ${node} is ${state}`,
      hint: `put it back and set state: ${role === 'edge' ? 'draining or revoked' : 'revoked'} first; remove it later`,
    }));
}

function overrideYaml(plan: string, base: string): string {
  return `guards:\n  override:\n    plan: ${plan}\n    base: ${base}\n    reason: say here why this is meant\n`;
}
