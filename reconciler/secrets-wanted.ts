// The secrets that desired states ask for: of what is live and of what is to be, because a guard may fall back from one to the other.
import type { Desired } from './core/desired.ts';
import { entriesOf } from './core/persistent-map.ts';
import { usersOf } from './core/route-changes.ts';
import type { WantedSecret } from './secrets.ts';

/** Costs as much as there are routes with a list of users. A state without kokoa.yaml asks for nothing. */
export function* wantedSecrets(states: Iterable<Desired>): Generator<WantedSecret> {
  for (const { kokoa, withUsers } of states) {
    const defaultPool = kokoa?.value?.pools[0]?.name;
    for (const [file, { value, team }] of entriesOf(withUsers)) {
      const pool = value?.pool ?? defaultPool;
      if (value === undefined || team === undefined || pool === undefined) continue;
      for (const reference of usersOf(value)) yield { pool, team, reference, file };
    }
  }
}
