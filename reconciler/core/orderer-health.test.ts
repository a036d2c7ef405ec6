// Who counts as silent, and who does not.
import { expect, test } from 'vitest';
import { HEALTHY_SILENCE_MS } from './lease.ts';
import {
  beginHealth,
  FORGIVEN_MS,
  type OrdererHealth,
  RETURN_MS_MAX,
  RETURN_MS_MIN,
  START_GRACE_MS,
  stepHealth,
} from './orderer-health.ts';

const LOOK_MS = 5_000;
const MINUTE = 60_000;

type Who = 'a' | 'b' | 'c';

/** Two edges and an origin. Whoever is `up` is heard at every look. */
function fleet() {
  let health: OrdererHealth = beginHealth(0);
  const heard: Record<Who, number | undefined> = { a: 1, b: 1, c: 1 };
  const run = {
    atMs: 0,
    /** ms of a clock that steps by `stepMs` more than time passes. */
    wallMs: 1,
    changes: 0,
    silent: () => [...health.silent].sort().join(),
    pass(ms: number, up: readonly Who[], stepMs = 0) {
      run.wallMs += stepMs;
      for (const end = run.atMs + ms; run.atMs < end; ) {
        run.atMs += LOOK_MS;
        run.wallMs += LOOK_MS;
        for (const who of up) heard[who] = run.wallMs;
        const nodes = (['a', 'b', 'c'] as const).map((node) => ({
          node,
          orders: node !== 'c',
          lastSeenMs: heard[node],
        }));
        const before = health.silent;
        health = stepHealth(health, nodes, run.atMs);
        if (health.silent !== before) run.changes += 1;
      }
      return run;
    },
  };
  return run;
}
const started = () => fleet().pass(START_GRACE_MS, ['a', 'b', 'c']);

test('an edge falls silent after its time, and not before', () => {
  const run = started().pass(HEALTHY_SILENCE_MS - LOOK_MS, ['b']);
  expect(run.silent()).toBe('');
  expect(run.pass(LOOK_MS, ['b']).silent()).toBe('a');
});

test('nobody falls silent in the first minutes', () => {
  const run = fleet().pass(START_GRACE_MS - LOOK_MS, ['b', 'c']);
  expect(run.silent()).toBe('');
  expect(run.pass(LOOK_MS, ['b', 'c']).silent()).toBe('a');
});

test('an edge whose kind is a witness is never silent', () => {
  expect(
    started()
      .pass(10 * MINUTE, ['a', 'b'])
      .silent(),
  ).toBe('');
});

test('nobody falls silent while the network of the reconciler is broken, nor for being the last to come back', () => {
  const run = started()
    .pass(20_000, ['b'])
    .pass(10 * MINUTE, []);
  run.pass(MINUTE, ['c']).pass(20_000, ['b', 'c']).pass(MINUTE, ['a', 'b', 'c']);
  expect([run.silent(), run.changes]).toEqual(['', 0]);
});

test('who does not come back after that falls silent', () => {
  const run = started()
    .pass(10 * MINUTE, [])
    .pass(HEALTHY_SILENCE_MS, ['b', 'c']);
  expect(run.silent()).toBe('');
  expect(run.pass(LOOK_MS, ['b', 'c']).silent()).toBe('a');
});

test('a clock that steps makes nobody silent', () => {
  const run = started();
  for (const stepMs of [3_600_000, -7_200_000]) run.pass(LOOK_MS, ['b'], stepMs).pass(MINUTE, ['b', 'c']);
  expect(run.pass(LOOK_MS, ['a', 'b']).silent()).toBe('a');
});

test('it orders again when it was heard steadily, and a pause begins that anew', () => {
  const run = started().pass(10 * MINUTE, ['b']);
  run.pass(RETURN_MS_MIN - HEALTHY_SILENCE_MS, ['a', 'b']);
  run.pass(HEALTHY_SILENCE_MS, ['b']).pass(RETURN_MS_MIN, ['a', 'b']);
  expect(run.silent()).toBe('a');
  expect(run.pass(LOOK_MS, ['a', 'b']).silent()).toBe('');
});

test('an edge that comes and goes moves ever more seldom', () => {
  const run = started();
  for (let hour = 0; hour < 12; hour += 1)
    for (let times = 0; times < 10; times += 1) run.pass(2 * MINUTE, ['b']).pass(4 * MINUTE, ['a', 'b']);
  expect(run.changes).toBeLessThan(10);
});

test('its past is forgiven after some hours', () => {
  const fall = (run: ReturnType<typeof started>) =>
    run.pass(2 * MINUTE, ['b']).pass(RETURN_MS_MAX + LOOK_MS, ['a', 'b']);
  const run = started();
  for (let times = 0; times < 5; times += 1) fall(run);
  run.pass(FORGIVEN_MS, ['a', 'b']).pass(2 * MINUTE, ['b']);
  expect(run.silent()).toBe('a');
  expect(run.pass(RETURN_MS_MIN + LOOK_MS, ['a', 'b']).silent()).toBe('');
});
