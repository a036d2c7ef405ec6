import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isLocked, lockState } from './state-lock.ts';

const MODULE = fileURLToPath(new URL('./state-lock.ts', import.meta.url));

let dir: string;
let holders: ReturnType<typeof hold>[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kokoa-lock-'));
  holders = [];
});

afterEach(async () => {
  for (const { child } of holders) child.kill('SIGKILL');
  await Promise.all(holders.map(({ child }) => child));
  await rm(dir, { recursive: true, force: true });
});

/** Another process that takes the lock and keeps it until it is killed. */
function hold() {
  const script = `
    const { lockState } = await import(${JSON.stringify(MODULE)});
    await lockState(${JSON.stringify(dir)});
    process.stdout.write('locked');
    setInterval(() => undefined, 1000);
  `;
  const child = execa(process.execPath, ['--input-type=module', '-e', script], { reject: false, timeout: 15_000 });
  const locked = new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve());
    child.then(({ stderr }) => reject(new Error(stderr)));
  });
  locked.catch(() => undefined);
  return { child, locked };
}

describe('a state directory', () => {
  it('is one agent’s: a second is refused, and told what to do', async () => {
    holders = [hold()];
    await holders[0]!.locked;
    expect(await isLocked(dir)).toBe(true);
    await expect(lockState(dir)).rejects.toMatchObject({
      code: 'state_in_use',
      message: expect.stringContaining(dir),
      hint: expect.stringContaining('--state'),
    });
  });

  it('is free again as soon as its agent is killed: no lock is ever stale', async () => {
    holders = [hold()];
    await holders[0]!.locked;
    holders[0]!.child.kill('SIGKILL');
    await holders[0]!.child;
    const lock = await lockState(dir);
    lock.release();
    expect(await isLocked(dir)).toBe(false);
  });

  it('goes to exactly one of several who start at once', async () => {
    holders = [hold(), hold(), hold()];
    const results = await Promise.allSettled(holders.map(({ locked }) => locked));
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected']);
  });

  it('keeps a lock that nobody else can open', async () => {
    (await lockState(dir)).release();
    expect((await stat(join(dir, 'lock'))).mode & 0o777).toBe(0o600);
  });

  it('that is not there is an error with a hint', async () => {
    await expect(lockState(join(dir, 'nowhere'))).rejects.toMatchObject({ code: 'state_unwritable' });
  });
});

it.runIf(process.getuid?.() === 0)('on a full disk it says so, with the place', async () => {
  const disk = await mkdtemp(join(tmpdir(), 'kokoa-lock-full-'));
  await execa('mount', ['-t', 'tmpfs', '-o', 'size=8k', 'tmpfs', disk]);
  try {
    await writeFile(join(disk, 'fill'), Buffer.alloc(64 * 1024)).catch(() => undefined);
    await expect(lockState(disk)).rejects.toMatchObject({
      code: 'state_unwritable',
      message: expect.stringMatching(/lock: the disk is full \(ENOSPC\)/),
    });
  } finally {
    await execa('umount', [disk]);
    await rm(disk, { recursive: true });
  }
});
