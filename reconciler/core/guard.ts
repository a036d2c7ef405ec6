// What keeps one bad merge from taking everything down. Law: it refuses and explains; only an override in git, made for this
// very plan on top of this very commit, lets the plan pass, and only once.
import type { Compiled } from './compile.ts';
import { claimOf, type Desired } from './desired.ts';
import { countHosts, type Plan, planHash } from './plan.ts';
import { slotsOf } from './slots.ts';

/** Share of the published hosts that one publish may remove or move, in percent, from this many hosts on. */
export const CHANGED_HOSTS_PERCENT_MAX = 30;
export const CHANGED_HOSTS_COUNTED_FROM = 10;

export interface GuardReason {
  code: 'many_hosts_change' | 'becomes_empty' | 'slot_vanishes';
  message: string;
  hint: string;
}

export type Verdict =
  | { kind: 'pass'; planHash: string }
  /** Keep `base` as the head's `overrideBase`: the override is used up. */
  | { kind: 'overridden'; planHash: string; base: string; reason: string; reasons: GuardReason[] }
  /** `override` is the YAML to paste into kokoa.yaml. */
  | { kind: 'refused'; planHash: string; reasons: GuardReason[]; override: string };

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
  const reasons = [
    ...blastRadius(countHosts(published.compiled), countHosts(candidate), plan),
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

function blastRadius(before: number, after: number, { hosts }: Plan): GuardReason[] {
  if (before > 0 && after === 0) {
    return [
      {
        code: 'becomes_empty',
        message: `none of the ${before} published hosts would be left`,
        hint: 'if that is meant, paste the override into kokoa.yaml',
      },
    ];
  }
  const changed = hosts.removed.length + hosts.moved.length;
  if (before < CHANGED_HOSTS_COUNTED_FROM || changed * 100 <= before * CHANGED_HOSTS_PERCENT_MAX) return [];
  return [
    {
      code: 'many_hosts_change',
      message:
        `${changed} of ${before} hosts would change (${hosts.removed.length} removed, ${hosts.moved.length} moved); ` +
        `one publish may change ${CHANGED_HOSTS_PERCENT_MAX} %`,
      hint: 'split the change, or if it is meant, paste the override into kokoa.yaml',
    },
  ];
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
