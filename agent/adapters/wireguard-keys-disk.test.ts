// A disk that writes and cannot say so: the step that was done is not done again, so that no key is lost.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { publicKeyOf } from '../core/wireguard-key.ts';
import { openWireguardKeys } from './wireguard-keys.ts';

const disk = vi.hoisted(() => ({ broken: false }));
vi.mock('./durable-write.ts', async (original) => {
  const real = await original<typeof import('./durable-write.ts')>();
  return {
    ...real,
    syncDirectory: async (path: string) => {
      if (disk.broken) throw Object.assign(new Error('EIO'), { code: 'EIO' });
      await real.syncDirectory(path);
    },
  };
});

const PRIVATE = [1, 2].map((seed) => Buffer.alloc(32, seed * 8).toString('base64'));
const [OLD, NEXT] = PRIVATE.map((key) => publicKeyOf(key)!) as [string, string];

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kokoa-keys-'));
  await writeFile(join(dir, 'wireguard.key'), `${PRIVATE[0]}\n`, { mode: 0o600 });
});
afterEach(() => rm(dir, { recursive: true }));

const open = () => openWireguardKeys({ path: join(dir, 'wireguard.key'), make: () => PRIVATE[1]! });

async function failing(step: () => Promise<void>): Promise<void> {
  disk.broken = true;
  await expect(step()).rejects.toThrow('EIO');
  disk.broken = false;
}

test('a switch that could not be synced can be taken back, and be finished', async () => {
  const keys = await open();
  await keys.make();
  await failing(keys.switch);
  expect(keys.stage()).toBe('switched');
  await keys.switch();
  expect(publicKeyOf(await readFile(join(dir, 'wireguard.key.previous'), 'utf8'))).toBe(OLD);
  expect(keys.announced()).toEqual({ wireguardPublicKey: OLD, nextWireguardPublicKey: NEXT });
  await failing(keys.revert);
  expect([keys.stage(), keys.announced()]).toEqual(['steady', { wireguardPublicKey: OLD }]);
  expect(await readdir(dir)).toEqual(['wireguard.key']);

  await keys.make();
  await keys.switch();
  await failing(keys.confirm);
  expect([keys.stage(), keys.announced()]).toEqual(['steady', { wireguardPublicKey: NEXT }]);
});
