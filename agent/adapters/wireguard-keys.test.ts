// The files of a key that is replaced: whatever step was the last, the next process finds a key that peers know.
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { publicKeyOf } from '../core/wireguard-key.ts';
import type { WireguardKeys } from '../ports/wireguard-keys.ts';
import { openWireguardKeys } from './wireguard-keys.ts';

/** Valid private keys, in the order they are made. */
const PRIVATE = [1, 2, 3].map((seed) => Buffer.alloc(32, seed * 8).toString('base64'));
const PUBLIC = PRIVATE.map((key) => publicKeyOf(key)!);
const [OLD, NEXT] = PUBLIC as [string, string];

let dir: string;
let path: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kokoa-keys-'));
  path = join(dir, 'wireguard.key');
  await writeFile(path, `${PRIVATE[0]}\n`, { mode: 0o600 });
});
afterEach(() => rm(dir, { recursive: true }));

const open = () => openWireguardKeys({ path, make: () => PRIVATE[1]! });
const inUse = async () => publicKeyOf(await readFile(path, 'utf8'));

/** What this process says, and what one that starts now would say. */
async function seen(keys: WireguardKeys) {
  const again = await open();
  expect([again.stage(), again.announced()]).toEqual([keys.stage(), keys.announced()]);
  return [keys.stage(), keys.announced(), await inUse()];
}

test('each step is on disk before the next, and only what peers know is announced as the own key', async () => {
  const keys = await open();
  expect(await seen(keys)).toEqual(['steady', { wireguardPublicKey: OLD }, OLD]);
  await keys.make();
  const both = { wireguardPublicKey: OLD, nextWireguardPublicKey: NEXT };
  expect(await seen(keys)).toEqual(['announced', both, OLD]);
  await keys.switch();
  expect(await seen(keys)).toEqual(['switched', both, NEXT]);
  await keys.switch();
  expect(await seen(keys)).toEqual(['switched', both, NEXT]);
  await keys.confirm();
  expect(await seen(keys)).toEqual(['steady', { wireguardPublicKey: NEXT }, NEXT]);
  expect(await readdir(dir)).toEqual(['wireguard.key']);
});

test.each([
  ['announced', async (keys: WireguardKeys) => keys.make()],
  [
    'switched',
    async (keys: WireguardKeys) => {
      await keys.make();
      await keys.switch();
    },
  ],
])('from %s it goes back to the old key', async (_, prepare) => {
  const keys = await open();
  await prepare(keys);
  await keys.revert();
  expect(await seen(keys)).toEqual(['steady', { wireguardPublicKey: OLD }, OLD]);
  expect(await readdir(dir)).toEqual(['wireguard.key']);
});

test('a switch that was cut off before its rename has not happened, and can be made', async () => {
  const keys = await open();
  await keys.make();
  await writeFile(`${path}.previous`, `${PRIVATE[0]}\n`, { mode: 0o600 });
  const again = await open();
  expect(again.stage()).toBe('announced');
  await again.switch();
  expect(await seen(again)).toMatchObject(['switched', { wireguardPublicKey: OLD }, NEXT]);
});

test.each([
  ['next', 'steady'],
  ['previous', 'steady'],
])('a %s key that is none counts as not there', async (name, stage) => {
  await writeFile(`${path}.${name}`, 'rubbish', { mode: 0o600 });
  expect((await open()).stage()).toBe(stage);
});

test('every file is for the owner alone, and one that others could read is refused', async () => {
  const keys = await open();
  await keys.make();
  await keys.switch();
  for (const name of await readdir(dir)) expect((await stat(join(dir, name))).mode & 0o777).toBe(0o600);
  await chmod(`${path}.previous`, 0o644);
  await expect(open()).rejects.toMatchObject({ code: 'secret_exposed' });
});
