// `check` of the pools of kokoa.yaml: how often their edges are asked. Law: what has no effect is refused, and an answer comes before the next question.
import { CHECK_INTERVAL_MS_MIN, CHECK_TIMEOUT_MS_MAX } from '../../bundle/config-schema.ts';
import type { Kokoa } from '../../schemas/types.ts';
import { millisecondsOf } from './duration.ts';
import type { LoadedFile } from './files.ts';
import { type Problem, problemAt } from './problem.ts';
import type { RuleId } from './rules.ts';

/** An edge that is asked more rarely is dead for minutes before anybody knows. */
const INTERVAL_MAX = '1m';
const INTERVAL_DEFAULT = '2s';

export function checkPoolChecks(file: LoadedFile<'kokoa'>, { pools }: Kokoa): Problem[] {
  return pools.flatMap(({ check, hostname, proxyProtocolFrom }, at) => {
    if (check === undefined) return [];
    const { interval = INTERVAL_DEFAULT, timeout } = check;
    const problem = (field: string, rule: RuleId, message: string, todo: string): Problem => {
      const pointer = `/pools/${at}/check${field && `/${field}`}`;
      const name = `pools[${at}].check${field && `.${field}`}`;
      return problemAt(file, file.locate(pointer), rule, `${name}: ${message}`, todo);
    };
    const problems: Problem[] = [];
    if (hostname === undefined || proxyProtocolFrom !== undefined) {
      const why = hostname === undefined ? 'a hostname' : 'no proxyProtocolFrom';
      const message = `found it on a pool whose edges nobody asks, expected a pool with ${why}`;
      problems.push(problem('', 'KK380', message, hostname === undefined ? 'add hostname, or delete it' : 'delete it'));
    }
    const ms = millisecondsOf(interval);
    if (ms < CHECK_INTERVAL_MS_MIN)
      problems.push(problem('interval', 'KK116', `found ${interval}, expected at least 1s`, 'write 1s'));
    if (ms > millisecondsOf(INTERVAL_MAX))
      problems.push(
        problem('interval', 'KK116', `found ${interval}, expected at most ${INTERVAL_MAX}`, `write ${INTERVAL_MAX}`),
      );
    if (timeout !== undefined && millisecondsOf(timeout) > CHECK_TIMEOUT_MS_MAX)
      problems.push(problem('timeout', 'KK116', `found ${timeout}, expected at most 10s`, 'write 10s or less'));
    else if (timeout !== undefined && millisecondsOf(timeout) > ms) {
      const message = `found ${timeout}, longer than the interval of ${interval}, expected an answer before the next question`;
      problems.push(problem('timeout', 'KK380', message, `write ${interval} or less, or a longer interval`));
    }
    return problems;
  });
}
