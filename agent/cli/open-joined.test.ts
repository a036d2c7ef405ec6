import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { lockState } from '../adapters/state-lock.ts';
import type { Settings } from '../ports/settings.ts';
import { readFormer } from './former.ts';
import { registerLeave } from './leave.ts';
import { openAlone, openJoined } from './open-joined.ts';

const NOBODY = 65_534;
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kokoa-joined-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** Root may read everything, so it looks as somebody else. */
async function asSomebodyElse<T>(work: () => Promise<T>): Promise<T> {
  if (process.getuid!() !== 0) return work();
  process.seteuid!(NOBODY);
  try {
    return await work();
  } finally {
    process.seteuid!(0);
  }
}

test('state of another user is not taken for a machine that has not joined', async () => {
  await writeFile(join(dir, 'settings.json'), '{}');
  await chmod(join(dir, 'settings.json'), 0o000);
  await chmod(dir, 0o711);
  const opening = asSomebodyElse(() => openJoined(dir).catch((error: unknown) => error));
  expect(await opening).toMatchObject({ code: 'state_unreadable', hint: expect.stringContaining('as root') });
});

test('an empty directory is one, and torn settings are said to be torn', async () => {
  await expect(openJoined(dir)).rejects.toMatchObject({ code: 'not_joined' });
  await writeFile(join(dir, 'settings.json'), '{');
  await expect(openJoined(dir)).rejects.toMatchObject({ code: 'settings_invalid' });
});

const SETTINGS: Settings = {
  ...{ node: 'home', urls: ['https://old.test'], fingerprint: 'a'.repeat(64), allow: '8080', role: 'origin' },
  listen: { addresses: ['0.0.0.0'], httpPort: 80, httpsPort: 443 },
};
const settingsWith = (change: Partial<Settings>) => JSON.stringify({ ...SETTINGS, ...change });

/** A join in another process: it holds the lock for a while, and puts its settings into place before it gives that up. */
async function joining(settings: string) {
  const lock = fileURLToPath(new URL('../adapters/state-lock.ts', import.meta.url));
  const script = `
    const { writeFileSync } = await import('node:fs');
    const { lockState } = await import(${JSON.stringify(lock)});
    const lock = await lockState(${JSON.stringify(dir)});
    process.stdout.write('locked');
    await new Promise((resolve) => setTimeout(resolve, 1000));
    writeFileSync(${JSON.stringify(join(dir, 'settings.json'))}, ${JSON.stringify(settings)});
    lock.release();
  `;
  const child = execa(process.execPath, ['--input-type=module', '-e', script], { timeout: 15_000 });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  // Not the child itself: whoever awaits that waits for its end.
  return { ended: () => child };
}

/** As the unit does, which is started again until the lock is free. */
async function untilItIsFree<T>(open: () => Promise<T>): Promise<T> {
  for (;;) {
    const found = await open().then(
      (opened) => ({ opened }),
      (error: { code?: string }) => {
        if (error.code !== 'state_in_use') throw error;
        return undefined;
      },
    );
    if (found) return found.opened;
  }
}

test('what changes a node reads only what a join that ended a moment ago has left', async () => {
  await writeFile(join(dir, 'settings.json'), settingsWith({}));
  const { ended } = await joining(settingsWith({ urls: ['https://new.test'], allow: '' }));
  const opened = await untilItIsFree(() => openAlone(dir));
  expect(opened.node.settings).toMatchObject({ urls: ['https://new.test'], allow: '' });
  await opened.node.control.close();
  opened.lock.release();
  await ended();
});

test('`leave` too', async () => {
  await writeFile(join(dir, 'settings.json'), settingsWith({}));
  const { ended } = await joining(settingsWith({ node: 'other' }));
  const program = new Command().option('--state <dir>').exitOverride();
  registerLeave(program);
  const said: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((line: string) => void said.push(line));
  await untilItIsFree(() => program.parseAsync(['--state', dir, 'leave', '--yes'], { from: 'user' }));
  log.mockRestore();
  await ended();
  expect(said.join('\n')).toMatch(/^removed .* with keys and certificates\n[\s\S]*revoked in origins\/other\.yaml/);
});

test('writes nothing where no agent joined, and gives the lock up where the node cannot be opened', async () => {
  await expect(openAlone(dir)).rejects.toMatchObject({ code: 'not_joined' });
  expect(await readdir(dir)).toEqual([]);
  await writeFile(join(dir, 'settings.json'), settingsWith({}));
  await writeFile(join(dir, 'signing.key'), 'torn', { mode: 0o600 });
  await expect(openAlone(dir)).rejects.toMatchObject({ code: 'key_damaged' });
  (await lockState(dir)).release();
});

test('ends a first join that was killed as soon as it was decided', async () => {
  await mkdir(join(dir, 'joined'));
  await writeFile(join(dir, 'joined/settings.json'), settingsWith({}));
  await writeFile(join(dir, 'lock'), '');
  const { node, lock } = await openAlone(dir);
  expect(node.settings).toEqual(SETTINGS);
  await node.control.close();
  lock.release();
});

describe('what an earlier join said', () => {
  const TOKEN = `${['{}', '{"sub":"home"}'].map((part) => Buffer.from(part).toString('base64url')).join('.')}.s`;
  const joined = async () => {
    for (const name of ['wireguard.key', 'lock']) await writeFile(join(dir, name), '');
    await writeFile(join(dir, 'token'), TOKEN, { mode: 0o600 });
    await writeFile(join(dir, 'settings.json'), settingsWith({}));
  };
  const damages: [string, (path: string) => Promise<unknown>][] = [
    ['empty', (path) => writeFile(path, '')],
    ['torn', async (path) => writeFile(path, (await readFile(path, 'utf8')).slice(0, 90))],
    ['too large', (path) => writeFile(path, ' '.repeat(70_000))],
    ['of a newer agent', (path) => writeFile(path, settingsWith({ more: 1 } as object))],
    ['gone', (path) => rm(path)],
    ['a directory', async (path) => rm(path).then(() => mkdir(path))],
  ];

  test.each(damages)('is not taken for nothing when the file is %s', async (_, damage) => {
    await joined();
    expect(await readFormer(dir, {})).toEqual({ node: 'home', settings: SETTINGS });
    await damage(join(dir, 'settings.json'));
    await expect(readFormer(dir, {})).rejects.toMatchObject({
      ...{ code: 'settings_lost', hint: expect.stringMatching(/--role, --allow, --ca,[\s\S]* --force;[\s\S]*network/) },
    });
    expect(await readFormer(dir, { force: true })).toEqual({ node: 'home' });
  });

  test('is nothing where none ended', async () => {
    expect(await readFormer(dir, {})).toEqual({});
    for (const name of ['wireguard.key', 'signing.key', 'lock']) await writeFile(join(dir, name), '');
    expect(await readFormer(dir, {})).toEqual({});
  });
});
