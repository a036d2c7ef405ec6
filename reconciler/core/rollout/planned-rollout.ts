// How the settings of a merge would go out, for those who read its plan. Law: by the files alone; which edges are away is known later.
import type { Compiled } from '../compile.ts';
import { misfit } from './misfit.ts';
import { kokoaOf, touchedPools, underSettled, wavedHash } from './waved-settings.ts';
import { candidatesOf, wavesOf } from './waves.ts';

export type PlannedRollout =
  /** All waves but the last, which is everybody else. */
  { kind: 'waves'; waves: string[][] } | { kind: 'at_once'; reason: string };

/** Undefined: nothing of it waits, or there is nobody to wait for. */
export function plannedRollout(from: Compiled | undefined, { desired }: Compiled): PlannedRollout | undefined {
  const settled = from && kokoaOf(from.desired);
  if (settled === undefined) return undefined;
  const mixed = underSettled(desired, settled.value);
  if (wavedHash(desired, settled.value) === wavedHash(mixed, settled.value)) return undefined;
  const waves = wavesOf(candidatesOf(desired, touchedPools(mixed, desired), () => true));
  if (waves.length === 0) return undefined;
  if (desired.kokoa?.value?.rollout?.waves === false) return { kind: 'at_once', reason: 'rollout.waves is false' };
  const problem = misfit(mixed);
  if (problem === undefined) return { kind: 'waves', waves };
  return { kind: 'at_once', reason: `the old ones do not fit: ${problem}` };
}
