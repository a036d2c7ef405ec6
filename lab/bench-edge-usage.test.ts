// What a benchmark says of a process is what /proc says.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import {
  cpuSeconds,
  cpuSecondsOf,
  cpuSecondsOfEnded,
  familyOf,
  peakWhile,
  proportionalBytes,
  proportionalBytesOf,
} from './bench-edge-usage.ts';

test.each([
  ['42 (nginx) S 1 42 42 0 -1 4194560 81 0 0 0 250 50 0 0 20 0 1 0 7 8 9', 3],
  ['42 (a) b (c) R 1 42 42 0 -1 4194560 81 0 0 0 7 0 0 0 20 0 1 0 7 8 9', 0.07],
  ['', 0],
])('processor time of %j is %d s', (stat, seconds) => {
  expect(cpuSecondsOf(stat)).toBe(seconds);
});

test.each([
  ['5560-7ffc ---p 00000000 00:00 0    [rollup]\nRss:  1616 kB\nPss:    244 kB\nPss_Dirty:  112 kB\n', 244 * 1024],
  ['', 0],
])('memory of %j is %d bytes', (rollup, bytes) => {
  expect(proportionalBytesOf(rollup)).toBe(bytes);
});

test('a process that worked and holds memory says so, and one that is gone says nothing', async () => {
  const before = cpuSeconds([process.pid]);
  const held = Buffer.alloc(64 * 1024 * 1024, 1);
  while (cpuSeconds([process.pid]) < before + 0.05) held.reverse();
  expect(proportionalBytes([process.pid])).toBeGreaterThan(held.length);

  const child = spawn(process.execPath, ['-e', '0']);
  await once(child, 'exit');
  expect([familyOf(child.pid!), cpuSeconds([child.pid!]), proportionalBytes([child.pid!])]).toEqual([[], 0, 0]);
});

test('what a program took is counted once it has ended', async () => {
  const before = cpuSecondsOfEnded();
  const child = spawn(process.execPath, ['-e', 'while (process.cpuUsage().user < 200_000);']);
  expect(cpuSecondsOfEnded()).toBe(before);
  await once(child, 'exit');
  expect(cpuSecondsOfEnded()).toBeGreaterThan(before + 0.15);
});

test('children of children belong to the family', async () => {
  const grandchild = `require('node:child_process').spawn('sleep', ['60']).on('spawn', function () { console.log(this.pid) })`;
  const child = spawn(process.execPath, ['-e', grandchild], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  const pid = Number(said.toString());
  try {
    expect(familyOf(child.pid!)).toEqual(expect.arrayContaining([child.pid, pid]));
  } finally {
    process.kill(pid, 'SIGKILL');
    child.kill('SIGKILL');
  }
});

test('the peak is what was held while the work went on, also when the work fails', async () => {
  let held: Buffer | undefined;
  const peak = await peakWhile(
    () => [process.pid],
    async () => {
      held = Buffer.alloc(128 * 1024 * 1024, 1);
      await new Promise((resolve) => setTimeout(resolve, 60));
    },
  );
  expect(peak).toBeGreaterThan(held!.length);
  await expect(
    peakWhile(
      () => [],
      () => Promise.reject(new Error('no')),
    ),
  ).rejects.toThrow('no');
});
