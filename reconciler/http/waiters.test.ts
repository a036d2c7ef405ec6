// Waits end for one of four reasons, once, and leave nothing behind.
import { expect, it } from 'vitest';
import { createTextCache } from './text-cache.ts';
import { createWaiters } from './waiters.ts';

it('ends by change, by time, by the client leaving, and by closing', async () => {
  const waiters = createWaiters();
  const leaving = new AbortController();
  const never = new AbortController().signal;
  const waits = [
    waiters.wait('changed', 1000, never),
    waiters.wait('timeout', 5, never),
    waiters.wait('gone', 1000, leaving.signal),
    waiters.wait('closed', 1000, never),
  ];
  expect(waiters.count).toBe(4);
  waiters.wake('changed');
  waiters.wake('nobody waits for this');
  leaving.abort();
  await waits[1];
  waiters.close();
  expect(await Promise.all(waits)).toEqual(['changed', 'timeout', 'gone', 'closed']);
  expect(waiters.count).toBe(0);
  expect(await waiters.wait('x', 1000, never)).toBe('closed');
  expect(await createWaiters().wait('x', 1000, leaving.signal)).toBe('gone');
});

it('wakes 10 000 waiters of one key, and all keys together', async () => {
  const waiters = createWaiters();
  const never = new AbortController().signal;
  const same = Array.from({ length: 10_000 }, () => waiters.wait('one', 60_000, never));
  const other = waiters.wait('two', 60_000, never);
  waiters.wake('one');
  expect(new Set(await Promise.all(same))).toEqual(new Set(['changed']));
  expect(waiters.count).toBe(1);
  waiters.wakeAll();
  expect(await other).toBe('changed');
});

it('drops the text unused for longest, and never keeps more than its bound', () => {
  const cache = createTextCache(10);
  cache.set('a', 'aaaa');
  cache.set('b', 'bbbb');
  expect(cache.get('a')).toBe('aaaa');
  cache.set('c', 'cccc');
  expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual(['aaaa', undefined, 'cccc']);
  cache.set('a', 'a');
  cache.set('d', 'ddddd');
  expect([cache.get('a'), cache.get('c'), cache.get('d')]).toEqual(['a', 'cccc', 'ddddd']);
  cache.set('huge', 'x'.repeat(11));
  expect([cache.get('huge'), cache.get('d')]).toEqual([undefined, 'ddddd']);
});
