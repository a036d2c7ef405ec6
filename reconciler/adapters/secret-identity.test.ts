// The reconciler's own key: made once, private from the first byte, never replaced; and what is sealed with it.
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createSecretSealing, sealTo } from './secret-age.ts';
import { openSealingKey, SEALING_KEY_FILE } from './secret-identity.ts';

let top: string;
let dir: string;
beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), 'kokoa-sealing-'));
  dir = join(top, 'data');
});
afterEach(() => rm(top, { recursive: true, force: true }));

it.each([0, 0o777])('is one key for all who open it at once, for its owner alone (umask %o)', async (mask) => {
  const before = process.umask(mask & 0o077);
  const keys = await Promise.all(Array.from({ length: 8 }, () => openSealingKey(dir))).finally(() =>
    process.umask(before),
  );
  expect(new Set(keys).size).toBe(1);
  expect(await readdir(dir)).toEqual([SEALING_KEY_FILE]);
  expect([(await stat(dir)).mode & 0o777, (await stat(join(dir, SEALING_KEY_FILE))).mode & 0o777]).toEqual([
    0o700, 0o600,
  ]);
  expect(await openSealingKey(dir)).toBe(keys[0]);
});

it('takes a file that age-keygen wrote', async () => {
  const identity = await generateX25519Identity();
  await mkdir(dir);
  const text = `# created: today\n# public key: ${await identityToRecipient(identity)}\n${identity}\n`;
  await writeFile(join(dir, SEALING_KEY_FILE), text, { mode: 0o600 });
  expect(await openSealingKey(dir)).toBe(identity);
});

it.each<[string, (path: string) => Promise<unknown>, string]>([
  ['is readable for others', (path) => openSealingKey(dir).then(() => chmod(path, 0o640)), 'key_exposed'],
  ['is empty', (path) => writeFile(path, '', { mode: 0o600 }), 'key_damaged'],
  ['holds something else', (path) => writeFile(path, 'AGE-SECRET-KEY-1CANARY', { mode: 0o600 }), 'key_damaged'],
  ['is a link', (path) => symlink('/etc/hostname', path), 'key_unreadable'],
  ['is a folder', (path) => mkdir(path), 'key_unreadable'],
  ['is endless', (path) => writeFile(path, 'x'.repeat(10_000), { mode: 0o600 }), 'key_unreadable'],
])('is not used, not replaced and not repeated when the file %s', async (_, make, code) => {
  await mkdir(dir);
  const path = join(dir, SEALING_KEY_FILE);
  await make(path);
  const before = await readFile(path, 'utf8').catch(() => 'none');
  const error = await openSealingKey(dir).catch((thrown: Error) => thrown);
  expect(error).toMatchObject({ name: 'KokoaError', code, hint: expect.stringMatching(/./) });
  expect(JSON.stringify([(error as Error).message, (error as Error).stack])).not.toContain('AGE-SECRET');
  expect(await readFile(path, 'utf8').catch(() => 'none')).toBe(before);
});

it('says what stands in the way when the directory cannot be made', async () => {
  await writeFile(join(top, 'file'), '');
  await expect(openSealingKey(join(top, 'file', 'data'))).rejects.toMatchObject({ code: 'key_unreadable' });
});

it('seals to a key and opens with its own, and refuses everything else in words without a secret', async () => {
  const sealing = await createSecretSealing(await generateX25519Identity());
  const sealed = await sealing.seal(sealing.recipient, 'text ü');
  expect(await sealing.open(sealed)).toBe('text ü');
  const other = await createSecretSealing(await generateX25519Identity());
  for (const bad of [sealed.slice(0, -8), 'YQ==', '', '%', 'A'.repeat(10_000), await sealTo(other.recipient, 'x')])
    await expect(sealing.open(bad)).rejects.toMatchObject({ code: 'unseal_failed' });
  for (const bad of ['', 'age1', `age1${'q'.repeat(58)}`, other.recipient.toUpperCase()])
    await expect(sealTo(bad, 'x')).rejects.toMatchObject({ code: 'seal_failed' });
  await expect(sealTo(sealing.recipient, 'x'.repeat(100_000))).rejects.toMatchObject({ code: 'seal_failed' });
  await expect(createSecretSealing('AGE-SECRET-KEY-1')).rejects.toMatchObject({ code: 'key_damaged' });
});

it('makes digests that only its own key makes again', async () => {
  const identity = await generateX25519Identity();
  const [one, again] = [await createSecretSealing(identity), await createSecretSealing(identity)];
  const other = await createSecretSealing(await generateX25519Identity());
  expect(one.digest('x')).toBe(again.digest('x'));
  expect(new Set([one.digest('x'), one.digest('y'), other.digest('x')]).size).toBe(3);
});
