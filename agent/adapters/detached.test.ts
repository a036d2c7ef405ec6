import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { alive, type DetachedProcess, findOwn, LOG_BYTES_MAX, startDetached, stopDetached } from './detached.ts';

let folder: string;
let logFile: string;
let started: DetachedProcess[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kokoa-detached-'));
  logFile = join(folder, 'run', 'program.log');
  started = [];
});

afterEach(async () => {
  for (const process of started) await stopDetached(process, 100);
  rmSync(folder, { recursive: true });
});

async function start(script: string, environment?: Record<string, string>): Promise<DetachedProcess> {
  const command = [process.execPath, '-e', script, folder];
  const process_ = await startDetached({ command, logFile, ...(environment && { environment }) });
  started.push(process_);
  return process_;
}

const log = () => readFileSync(logFile, 'utf8');

describe('a detached program', () => {
  test('outlives the process that started it, in a session of its own', async () => {
    const module = new URL('./detached.ts', import.meta.url).pathname;
    const parent = `
      const { startDetached } = await import(${JSON.stringify(module)});
      const child = await startDetached({ command: ['sleep', '30'], logFile: ${JSON.stringify(logFile)} });
      console.log(JSON.stringify(child));`;
    const { stdout } = await execa(process.execPath, ['--input-type=module', '-e', parent]);
    const child = JSON.parse(stdout) as DetachedProcess;
    started.push(child);
    expect(await alive(child)).toBe(true);
    // proc(5): pid, name, state, parent, process group, session.
    const [, , , , , session] = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(' ');
    expect(Number(session)).toBe(child.pid);
  });

  test('appends output and errors to its log, which nobody else can read', async () => {
    mkdirSync(join(folder, 'run'));
    writeFileSync(logFile, 'before\n', { mode: 0o600 });
    await start(`console.log('out'); console.error('err'); setTimeout(() => {}, 30000)`);
    await expect.poll(log).toBe('before\nout\nerr\n');
    expect(statSync(logFile).mode & 0o777).toBe(0o600);
  });

  test('inherits nothing of the environment but what it is given', async () => {
    process.env.KOKOA_TEST_SECRET = 'do-not-leak';
    await start(`console.log(JSON.stringify(process.env)); setTimeout(() => {}, 30000)`, { GIVEN: 'yes' });
    delete process.env.KOKOA_TEST_SECRET;
    await expect.poll(log).toContain('"GIVEN":"yes"');
    expect(log()).not.toContain('do-not-leak');
  });

  test('a log that is too large is set aside before the start', async () => {
    mkdirSync(join(folder, 'run'));
    writeFileSync(logFile, Buffer.alloc(LOG_BYTES_MAX + 1));
    await start(`console.log('fresh'); setTimeout(() => {}, 30000)`);
    await expect.poll(log).toBe('fresh\n');
    expect(statSync(`${logFile}.1`).size).toBe(LOG_BYTES_MAX + 1);
  });

  test('one that is not there is named, with what to install', async () => {
    const missing = startDetached({ command: ['no-such-program'], logFile });
    await expect(missing).rejects.toMatchObject({
      code: 'program_missing',
      hint: expect.stringContaining('no-such-program'),
    });
  });
});

describe('finding and stopping', () => {
  test('a process is found by its arguments and by no others', async () => {
    const target = await start('setTimeout(() => {}, 30000)');
    expect(await findOwn((argv) => argv.at(-1) === folder)).toEqual([
      { ...target, argv: [process.execPath, '-e', expect.any(String), folder] },
    ]);
    expect(await findOwn((argv) => argv.at(-1) === `${folder}x`)).toEqual([]);
    expect(await findOwn((argv) => argv.at(-1) === folder, 'net:[1]')).toEqual([]);
  });

  test('a recycled pid is not taken for the process, and is not signalled', async () => {
    const target = await start('setTimeout(() => {}, 30000)');
    const earlier = { ...target, startTime: target.startTime - 1 };
    expect(await alive(earlier)).toBe(false);
    await stopDetached(earlier);
    expect(await alive(target)).toBe(true);
  });

  test('TERM ends it; one that ignores TERM is killed', async () => {
    const polite = await start(`process.on('SIGTERM', () => { console.log('bye'); process.exit(); });
      console.log('up'); setTimeout(() => {}, 30000)`);
    await expect.poll(log).toContain('up');
    await stopDetached(polite);
    expect(log()).toContain('bye');
    const stubborn = await start(`process.on('SIGTERM', () => {}); console.log('deaf'); setTimeout(() => {}, 30000)`);
    await expect.poll(log).toContain('deaf');
    await stopDetached(stubborn, 200);
    expect(await alive(stubborn)).toBe(false);
  });
});
