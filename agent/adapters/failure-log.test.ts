// A log that grows, is cut, and is not there.
import { appendFile, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createFailureLog } from './failure-log.ts';

async function logFile(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'kokoa-failures-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return join(dir, 'nginx.log');
}

test('only what is new is read, and all of it', async () => {
  const path = await logFile();
  await writeFile(path, 'of an earlier run\n');
  const log = createFailureLog(path);
  expect(await log.read()).toBe('');
  await appendFile(path, 'one\n');
  expect(await log.read()).toBe('one\n');
  expect(await log.read()).toBe('');
  await truncate(path, 0);
  await appendFile(path, 'two\n');
  expect(await log.read()).toBe('two\n');
});

test('one that comes later is read from its beginning', async () => {
  const path = await logFile();
  const log = createFailureLog(path);
  expect(await log.read()).toBe('');
  await writeFile(path, 'one\n');
  expect(await log.read()).toBe('one\n');
});

test('of very much only the newest whole lines are read', async () => {
  const path = await logFile();
  const log = createFailureLog(path);
  await log.read();
  await writeFile(path, `${`${'x'.repeat(99)}\n`.repeat(10_000)}newest\n`);
  const text = await log.read();
  expect(text).toMatch(/^(x{99}\n)+newest\n$/);
  expect(text.length).toBeLessThanOrEqual(256 * 1024);
  expect(text.length).toBeGreaterThan(255 * 1024);
});

test('a line that is being written is read when it is whole', async () => {
  const path = await logFile();
  const log = createFailureLog(path);
  await log.read();
  await writeFile(path, 'one\nand the beg');
  expect(await log.read()).toBe('one\n');
  await appendFile(path, 'inning\n');
  expect(await log.read()).toBe('and the beginning\n');
});
