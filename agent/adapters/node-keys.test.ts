import { sign, verify } from 'node:crypto';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { validateEnrolment } from '../../bundle/api-schema.ts';
import { keyFingerprint } from '../../bundle/fingerprint.ts';
import { signRelayed, verifyRelayed } from '../../bundle/relayed.ts';
import { age } from './age.ts';
import { openNodeKeys, readToken, saveToken } from './node-keys.ts';
import { runProgram } from './program.ts';

const FILES = ['identity.key', 'signing.key', 'wireguard.key'];

let top: string;
let stateDir: string;

beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'kokoa-keys-'));
  stateDir = join(top, 'state');
});

afterEach(() => rmSync(top, { recursive: true }));

describe('the keys of a node', () => {
  test('are made once, readable by the agent alone, and the same after a restart', async () => {
    const first = await openNodeKeys(stateDir);
    expect(readdirSync(stateDir).sort()).toEqual(FILES);
    for (const file of FILES) expect(statSync(join(stateDir, file)).mode & 0o777).toBe(0o600);
    expect(statSync(stateDir).mode & 0o777).toBe(0o711);
    const second = await openNodeKeys(stateDir);
    expect(second.publicPart()).toEqual(first.publicPart());
    expect(second.fingerprint).toBe(first.fingerprint);
    expect(first.fingerprint).toMatch(/^([0-9a-f]{4} ){15}[0-9a-f]{4}$/);
  });

  test('are keys: wg derives the announced one, signatures verify, and what is sealed to the node opens', async () => {
    const { wireguardKeyFile, publicPart, signingKey, identity } = await openNodeKeys(stateDir);
    const announced = publicPart();
    const { stdout } = await runProgram(['wg', 'pubkey'], { input: readFileSync(wireguardKeyFile, 'utf8') });
    expect(announced.wireguardPublicKey).toBe(stdout);
    expect(Buffer.from(readFileSync(wireguardKeyFile, 'utf8'), 'base64')[0]! & 7).toBe(0);
    expect(verify(null, Buffer.from('x'), signingKey, sign(null, Buffer.from('x'), signingKey))).toBe(true);
    const item = { pool: 'p', epoch: 1, recipient: 'r', wraps: {}, by: 'n' };
    expect(verifyRelayed(signRelayed(item, signingKey), announced.signingKey)).toBe(true);
    expect(await age.open(identity, await age.seal([announced.recipient], 'hello'))).toBe('hello');
    expect(validateEnrolment({ ...announced, formats: [1] })).toBeUndefined();
  });

  test('the fingerprint changes with each key, and not with the rest of the announcement', async () => {
    const { publicPart, fingerprint } = await openNodeKeys(stateDir);
    expect(keyFingerprint({ ...publicPart(), formats: [1], allow: ['80'] } as never)).toBe(fingerprint);
    for (const name of ['wireguardPublicKey', 'signingKey', 'recipient']) {
      expect(keyFingerprint({ ...publicPart(), [name]: 'another' })).not.toBe(fingerprint);
    }
  });

  test('two agents that start at once agree', async () => {
    const [a, b] = await Promise.all([openNodeKeys(stateDir), openNodeKeys(stateDir)]);
    expect(a.publicPart()).toEqual(b.publicPart());
    expect(readdirSync(stateDir).sort()).toEqual(FILES);
  });

  test('a start that was cut short is continued', async () => {
    const { publicPart } = await openNodeKeys(stateDir);
    unlinkSync(join(stateDir, 'identity.key'));
    const continued = await openNodeKeys(stateDir);
    expect(continued.publicPart()).toEqual({ ...publicPart(), recipient: continued.publicPart().recipient });
  });

  test.each(FILES)(
    '%s that others may read, is torn, swapped for a link or empty is not used, and nothing in it is told',
    async (name) => {
      await openNodeKeys(stateDir);
      const path = join(stateDir, name);
      const secret = readFileSync(path, 'utf8').trim();
      const refusal = async () => {
        const error = await openNodeKeys(stateDir).then(
          () => expect.unreachable(),
          (reason: unknown) => reason as Error & { code: string; hint: string },
        );
        expect(`${error.stack} ${error.hint} ${error.cause}`).not.toContain(secret.slice(-20));
        expect(error.message).toContain(path);
        expect(error.hint).toBeTruthy();
        return error.code;
      };
      chmodSync(path, 0o640);
      expect(await refusal()).toBe('secret_exposed');
      chmodSync(path, 0o600);
      truncateSync(path, 30);
      expect(await refusal()).toBe('key_damaged');
      truncateSync(path, 0);
      expect(await refusal()).toBe('key_damaged');
      writeFileSync(path, 'A'.repeat(9000));
      expect(await refusal()).toBe('secret_unreadable');
      unlinkSync(path);
      symlinkSync('/etc/hostname', path);
      expect(await refusal()).toBe('secret_unreadable');
    },
  );
});

describe('the token', () => {
  test('is kept for the agent alone, and replaced by the next one', async () => {
    await saveToken(stateDir, 'eyJ0.eyJz.c2ln\n');
    expect(await readToken(stateDir)).toBe('eyJ0.eyJz.c2ln');
    expect(statSync(join(stateDir, 'token')).mode & 0o777).toBe(0o600);
    await saveToken(stateDir, 'second');
    expect(await readToken(stateDir)).toBe('second');
  });

  test('a node without one is told to join', async () => {
    await expect(readToken(stateDir)).rejects.toMatchObject({ code: 'not_joined' });
  });

  test.each(['', 'two words', 'line\nbreak', 'x'.repeat(4097), 'ключ'])(
    'refuses %j without repeating it',
    async (text) => {
      const error = await saveToken(stateDir, text).catch((reason: Error) => reason);
      expect(error).toMatchObject({ code: 'bad_token' });
      if (text !== '') expect((error as Error).message).not.toContain(text);
    },
  );
});
