// What a merge changes in kokoa.yaml. `guards` is left out: an override changes nothing by itself, and the verdict says what it does.
import type { Compiled } from '../compile.ts';
import type { FieldChange } from './change.ts';
import { type Facts, factsOf } from './facts.ts';
import { fieldChanges } from './fields.ts';

/** Empty when there was nothing before: then all of it is new. */
export function settingsChanges(from: Compiled | undefined, to: Compiled): FieldChange[] {
  if (from === undefined || from.desired.kokoa === to.desired.kokoa) return [];
  return fieldChanges(factsOfSettings(from), factsOfSettings(to));
}

function factsOfSettings({ desired }: Compiled): Facts {
  const { guards: _, ...rest } = desired.kokoa?.value ?? {};
  return factsOf(rest);
}
