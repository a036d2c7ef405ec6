// `check`: how backends are asked whether they can answer. Law: what has no effect is refused, so that nobody believes in a question that is not
// asked; and nobody is asked in a language that he does not speak.
import { CHECK_INTERVAL_MS_MIN, CHECK_TIMEOUT_MS_MAX } from '../../../bundle/config-schema.ts';
import type { Check, Route } from '../../../schemas/types.ts';
import { millisecondsOf } from '../duration.ts';
import { block, type FieldPlace, type FieldProblem, listOf, one, refuse, saidBySchema } from './field.ts';
import { serverName } from './server-name.ts';

const INTERVAL_MAX = '1h';
const DEFAULTS = { interval: '5s', timeout: '2s' } as const;

/** Property → the only kind that reads it. */
const BELONGS = { path: 'http', hostname: 'http', status: 'http', body: 'http', script: 'script' } as const;
const PACE = ['interval', 'timeout', 'healthy', 'unhealthy'] as const;

export const check = block<Check>(
  {
    kind: saidBySchema,
    path: saidBySchema,
    hostname: serverName,
    status: listOf<number>(saidBySchema, judgeStatus),
    body: saidBySchema,
    script: saidBySchema,
    interval: one(judgeInterval),
    timeout: saidBySchema,
    healthy: saidBySchema,
    unhealthy: saidBySchema,
  },
  (value, place) => [...judgeKind(value, place), ...judgeTimeout(value, place)],
);

/** Of a route and its paths: what is asked against what the backend speaks. */
export function judgeChecks(route: Route, place: FieldPlace): FieldProblem[] {
  const places = [
    { at: '', ...route },
    ...(route.paths ?? []).map((path, index) => ({ at: `/paths/${index}`, ...path })),
  ];
  return places.flatMap(({ at, check: own, protocol = 'http' }) => {
    if (own === undefined) return [];
    const unspoken = own.kind === 'http' && protocol !== 'http' && protocol !== 'https';
    const unconnected = (own.kind ?? 'tcp') === 'tcp' && protocol === 'udp';
    if (!unspoken && !unconnected) return [];
    const isDatagram = protocol === 'udp';
    const others = isDatagram ? 'icmp or script' : 'tcp, icmp or script';
    const message = `found kind: ${own.kind ?? 'tcp'} with protocol: ${protocol}, expected ${others}`;
    const hint = isDatagram
      ? 'write kind: icmp, or delete check'
      : 'write kind: tcp, or let a script of the machine ask';
    return [refuse(place, 'KK381', message, hint, `${at}/check${own.kind === undefined ? '' : '/kind'}`)];
  });
}

function judgeKind(value: Check, place: FieldPlace): FieldProblem[] {
  const { kind = 'tcp' } = value;
  const problems = (Object.keys(BELONGS) as (keyof typeof BELONGS)[])
    .filter((name) => value[name] !== undefined && BELONGS[name] !== kind)
    .map((name) => {
      const message = `found ${name} with kind: ${kind}, expected it with kind: ${BELONGS[name]} only`;
      return refuse(place, 'KK380', message, `write kind: ${BELONGS[name]}, or delete ${name}`, `/${name}`);
    });
  const paced = kind === 'none' ? PACE.find((name) => value[name] !== undefined) : undefined;
  if (paced !== undefined)
    problems.push(
      refuse(
        place,
        'KK380',
        `found ${paced} with kind: none, expected nothing: nobody asks`,
        `delete ${paced}`,
        `/${paced}`,
      ),
    );
  if (kind === 'script' && value.script === undefined)
    problems.push(
      refuse(place, 'KK380', 'found kind: script without script, expected its name', 'add script: NAME', '/kind'),
    );
  return problems;
}

function judgeStatus(range: readonly number[], place: FieldPlace): FieldProblem[] {
  const [from = 0, to = from] = range;
  if (from <= to) return [];
  const message = `found ${from} before ${to}, expected the first and the last one`;
  return [refuse(place, 'KK380', message, `write [${to}, ${from}]`)];
}

function judgeInterval(typed: string, place: FieldPlace): FieldProblem[] {
  const ms = millisecondsOf(typed);
  if (ms >= CHECK_INTERVAL_MS_MIN && ms <= millisecondsOf(INTERVAL_MAX)) return [];
  const limit = ms < CHECK_INTERVAL_MS_MIN ? 'at least 1s' : `at most ${INTERVAL_MAX}`;
  return [refuse(place, 'KK116', `found ${typed}, expected ${limit}`, `write ${limit.split(' ').at(-1)}`)];
}

function judgeTimeout({ interval = DEFAULTS.interval, timeout }: Check, place: FieldPlace): FieldProblem[] {
  if (timeout !== undefined && millisecondsOf(timeout) > CHECK_TIMEOUT_MS_MAX)
    return [refuse(place, 'KK116', `found ${timeout}, expected at most 10s`, 'write 10s or less', '/timeout')];
  if (timeout === undefined || millisecondsOf(timeout) <= millisecondsOf(interval)) return [];
  const message = `found ${timeout}, longer than the interval of ${interval}, expected an answer before the next question`;
  return [refuse(place, 'KK380', message, `write ${interval} or less, or a longer interval`, '/timeout')];
}
