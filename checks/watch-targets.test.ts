// Many targets, some of which are slow, go away, come back or are replaced while they are asked.
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { CheckResult, Pace } from './check.ts';
import { answering, listening } from './servers.fixture.ts';
import {
  createTargetWatch,
  HURRIED_AT_ADDRESS_MAX,
  HURRIED_MAX,
  type Target,
  type Transition,
  type WatchOptions,
} from './watch-targets.ts';

const PACE: Pace = { intervalMs: 60, timeoutMs: 40, healthy: 2, unhealthy: 2 };
const target = (id: string, port = 1, pace = PACE): Target => ({
  ...{ id, pace, checks: [{ kind: 'http', address: '127.0.0.1', port, hostname: 'x.hoge.com', path: '/' }] },
});

function watching(targets: readonly Target[], options: Partial<WatchOptions> = {}) {
  const told: Transition[] = [];
  const watch = createTargetWatch({ seed: 'here', now: Date.now, told: (one) => void told.push(one), ...options });
  const stop = new AbortController();
  watch.watch(targets);
  const ended = watch.run(stop.signal);
  const end = async () => {
    stop.abort();
    await ended;
  };
  onTestFinished(end);
  const states = () => Object.fromEntries([...watch.standings()].map(([id, { state }]) => [id, state]));
  return {
    watch,
    told,
    states,
    end,
    ways: () => told.map(({ id, from, standing }) => `${id}: ${from} to ${standing.state}`),
  };
}

/** Results by port, for targets that are no servers. */
const scripted = (results: (port: number) => CheckResult | Promise<CheckResult>) => ({
  run: async (check: Target['checks'][number]) => results(check.kind === 'icmp' ? 0 : check.port),
});

test('a server that goes and comes back is told of, each transition once', async () => {
  let mood: 'well' | 'ill' = 'well';
  const server = await listening((socket) => (mood === 'well' ? answering('')(socket) : void socket.destroy()));
  const patient = { ...PACE, timeoutMs: 5_000 };
  const { ways, told, end } = watching([target('a', server.port, patient)]);
  await vi.waitFor(() => expect(ways()).toEqual(['a: unknown to up']));
  mood = 'ill';
  await vi.waitFor(() => expect(ways()).toHaveLength(2));
  mood = 'well';
  await vi.waitFor(() => expect(ways()).toHaveLength(3));
  await end();
  expect(ways()).toEqual(['a: unknown to up', 'a: up to down', 'a: down to up']);
  expect(told[1]!.standing.reason).toMatch(/^connection_closed: /);
  await vi.waitFor(() => expect(server.open()).toBe(0));
});

test('a target that hangs delays no other, and is asked once at a time', async () => {
  const slow = await listening(() => undefined);
  const quick = await listening(answering(''));
  const { states } = watching([
    target('slow', slow.port, { ...PACE, timeoutMs: 600_000 }),
    target('quick', quick.port, { ...PACE, timeoutMs: 5_000 }),
  ]);
  await vi.waitFor(() => expect(quick.count()).toBeGreaterThan(5));
  expect(states()).toEqual({ slow: 'unknown', quick: 'up' });
  expect(slow.count()).toBe(1);
});

test('no more are asked at once than may be', async () => {
  let [now, most] = [0, 0];
  const run = async (): Promise<CheckResult> => {
    now += 1;
    most = Math.max(most, now);
    await new Promise((resolve) => setTimeout(resolve, 10));
    now -= 1;
    return { ok: true };
  };
  const many = Array.from({ length: 12 }, (_, index) => target(`t${index}`));
  const { states } = watching(many, { run, concurrency: 3 });
  await vi.waitFor(() => expect(Object.values(states())).toEqual(many.map(() => 'up')));
  expect(most).toBe(3);
});

test('those that stay keep their standing; a new place, and what is new, is unknown; what is gone is asked no more', async () => {
  const asked: number[] = [];
  const { watch, states, told } = watching(
    [target('stays', 1), target('moves', 2), target('goes', 3)],
    scripted((port) => {
      asked.push(port);
      return { ok: true };
    }),
  );
  await vi.waitFor(() => expect(states()).toEqual({ stays: 'up', moves: 'up', goes: 'up' }));
  const moved: Target = { ...target('moves'), checks: [{ kind: 'tcp', address: '127.0.0.2', port: 4 }] };
  const rare = { ...PACE, intervalMs: 3_600_000 };
  watch.watch([target('stays', 5), { ...moved, pace: rare }, target('new', 6, rare)]);
  expect(states()).toEqual({ stays: 'up', moves: 'unknown', new: 'unknown' });
  asked.length = 0;
  await vi.waitFor(() => expect(asked.length).toBeGreaterThan(3));
  expect([...new Set(asked)]).toEqual([5]);
  expect(told).toHaveLength(3);
});

test('what was asked before a change, or before all was forgotten, says nothing after it', async () => {
  const pending: ((result: CheckResult) => void)[] = [];
  const once = { ...PACE, healthy: 1, unhealthy: 1 };
  const { watch, states, told } = watching([target('a', 1, once)], {
    run: (_check, _timeoutMs, signal) =>
      new Promise((resolve) => {
        pending.push(resolve);
        signal.addEventListener('abort', () => resolve({ ok: false, reason: 'stopped' }));
      }),
  });
  await vi.waitFor(() => expect(pending).toHaveLength(1));
  watch.forget();
  pending[0]!({ ok: true });
  await vi.waitFor(() => expect(pending).toHaveLength(2));
  expect(states()).toEqual({ a: 'unknown' });
  watch.watch([target('a', 2, once)]);
  await vi.waitFor(() => expect(pending).toHaveLength(3));
  expect(told).toEqual([]);
});

test('an end is soon, whatever hangs, and nothing is asked after it', async () => {
  const server = await listening(() => undefined);
  const { watch, end, told } = watching([target('a', server.port, { ...PACE, timeoutMs: 600_000 })]);
  await vi.waitFor(() => expect(server.open()).toBe(1));
  await end();
  watch.watch([target('b', server.port)]);
  await new Promise((resolve) => setTimeout(resolve, 3 * PACE.intervalMs));
  expect(server.count()).toBe(1);
  expect(told).toEqual([]);
});

describe('those that somebody hurries', () => {
  const HURRIED_MS = 200;
  const rare = { ...PACE, intervalMs: 1_000 };
  const never = { ...PACE, intervalMs: 3_600_000 };
  const isUp = { state: 'up' as const, sinceMs: 0, successes: 1, failures: 0 };
  const at = (id: string, address: string, port: number, pace = never): Target => ({
    ...{ id, pace, checks: [{ kind: 'tcp', address, port }] },
  });

  /** Asked at which times, by port; ill are those of these ports. */
  function hurrying(targets: readonly Target[], ill: ReadonlySet<number>) {
    const asked = new Map<number, number[]>();
    const made = watching(targets, {
      ...{ known: new Map(targets.map(({ id }) => [id, isUp])), hurriedMs: HURRIED_MS },
      ...scripted((port) => {
        asked.set(port, [...(asked.get(port) ?? []), performance.now()]);
        return ill.has(port) ? { ok: false, reason: 'timeout: no answer' } : { ok: true };
      }),
    });
    return { ...made, asked };
  }

  test('are asked soon until they are down, never too soon, and nobody else is', async () => {
    const ill = new Set([1]);
    const { watch, told, asked } = hurrying([at('t1', '127.0.0.1', 1), at('t2', '127.0.0.1', 2)], ill);
    // A share of an hour is long.
    watch.hurry(['t1', 'nobody']);
    await vi.waitFor(() => expect(asked.get(1)).toHaveLength(1));
    await new Promise((resolve) => setTimeout(resolve, 3 * HURRIED_MS));
    expect(asked.get(1)).toHaveLength(1);
    watch.watch([at('t1', '127.0.0.1', 1, rare), at('t2', '127.0.0.1', 2)]);
    watch.hurry(['t1']);
    await vi.waitFor(() => expect(told.map(({ id }) => id)).toEqual(['t1']), { timeout: 20_000 });
    const [second, third] = asked.get(1)!.slice(-2);
    expect(third! - second!).toBeGreaterThanOrEqual(HURRIED_MS);
    expect(asked.get(2)).toBeUndefined();
  });

  test('that are well are asked once; those that are down rise at their own pace', async () => {
    const ill = new Set([1]);
    const { watch, told, asked } = hurrying([at('t1', '127.0.0.1', 1, rare), at('t2', '127.0.0.1', 2)], ill);
    watch.hurry(['t1']);
    await vi.waitFor(() => expect(told).toHaveLength(1), { timeout: 20_000 });
    watch.watch([at('t1', '127.0.0.1', 1), at('t2', '127.0.0.1', 2)]);
    ill.clear();
    asked.clear();
    watch.hurry(['t1', 't2']);
    await vi.waitFor(() => expect(asked.get(2)).toHaveLength(1), { timeout: 20_000 });
    await new Promise((resolve) => setTimeout(resolve, 3 * HURRIED_MS));
    expect([...asked]).toEqual([[2, [expect.any(Number)]]]);
  });

  test('are so many, and of one machine so few that another’s are asked too', async () => {
    const addresses = Array.from({ length: 12 }, (_, nth) => `127.0.1.${nth}`);
    const targets = addresses.flatMap((address, nth) =>
      Array.from({ length: 9 }, (_, port) => at(`${address}:${port}`, address, 100 * nth + port + 1)),
    );
    const { watch, asked } = hurrying(targets, new Set(targets.map((_, index) => index)));
    watch.hurry(targets.map(({ id }) => id));
    await vi.waitFor(() => expect(asked.size).toBe(HURRIED_MAX), { timeout: 20_000 });
    await new Promise((resolve) => setTimeout(resolve, 3 * HURRIED_MS));
    const machines = [...asked.keys()].map((port) => Math.floor(port / 100));
    expect([...Map.groupBy(machines, (nth) => nth).values()].map(({ length }) => length)).toEqual(
      Array(HURRIED_MAX / HURRIED_AT_ADDRESS_MAX).fill(HURRIED_AT_ADDRESS_MAX),
    );
  });
});
