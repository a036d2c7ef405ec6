// What those are told whom new settings have not reached: the newest machines and routes, compiled under the settled sections. Law: settings
// that cannot be compiled any more are a reason for those who read the log, never a run that fails.
import type { Compiled } from '../compile.ts';
import type { Desired } from '../desired.ts';
import { misfit } from './misfit.ts';

export type Behind = { kind: 'compiled'; compiled: Compiled } | { kind: 'misfit'; problem: string };

/** `mixed`: the newest state under the settled sections, which may be older than today's rules. */
export function compileBehind(
  mixed: Desired,
  previous: Compiled | undefined,
  build: (desired: Desired, previous: Compiled | undefined) => Compiled,
): Behind {
  try {
    const problem = misfit(mixed);
    return problem === undefined ? { kind: 'compiled', compiled: build(mixed, previous) } : { kind: 'misfit', problem };
  } catch (error) {
    return { kind: 'misfit', problem: `this version cannot compile them (${(error as Error).message})` };
  }
}
