// The secrets that desired states ask for: of what is live and of what is to be, because a guard may fall back from one to the other.
import type { Desired } from './core/desired.ts';
import { entriesOf } from './core/persistent-map.ts';
import { secretsOf } from './core/route-secrets.ts';
import type { WantedSecret } from './secrets.ts';

/** Costs as much as there are routes with a secret. A state without kokoa.yaml asks for nothing. */
export function* wantedSecrets(states: Iterable<Desired>): Generator<WantedSecret> {
  for (const { kokoa, withSecrets } of states) {
    const defaultPool = kokoa?.value?.pools[0]?.name;
    for (const [file, route] of entriesOf(withSecrets)) {
      const { value, team } = route;
      const pool = value?.pool ?? defaultPool;
      if (value === undefined || team === undefined || pool === undefined) continue;
      for (const secret of secretsOf(route)) yield { pool, team, ...secret, file };
    }
  }
}
