// age with X25519, bounded.
import { expect, test } from 'vitest';
import { age, PLAIN_BYTES_MAX, RECIPIENTS_MAX, SEALED_BASE64_MAX } from './age.ts';

test('each recipient opens what was sealed to several; nobody else does, and the error names no secret', async () => {
  const [one, two, other] = await Promise.all([age.generate(), age.generate(), age.generate()]);
  const sealed = await age.seal([await age.recipientOf(one), await age.recipientOf(two)], 'für alle');
  expect(await age.open(one, sealed)).toBe('für alle');
  expect(await age.open(two, sealed)).toBe('für alle');
  const failure = await age.open(other, sealed).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'unseal_failed' });
  expect(String(failure)).not.toContain('AGE-SECRET');
});

test('a damaged text does not open', async () => {
  const identity = await age.generate();
  const sealed = await age.seal([await age.recipientOf(identity)], 'text');
  const bytes = Buffer.from(sealed, 'base64');
  for (let at = 0; at < bytes.length; at += 7) {
    const damaged = Buffer.from(bytes);
    damaged[at] = damaged[at]! ^ 1;
    await expect(age.open(identity, damaged.toString('base64'))).rejects.toMatchObject({ code: 'unseal_failed' });
  }
});

test.each([
  ['not base64', 'not base64!'],
  ['empty', ''],
  ['too large', 'A'.repeat(SEALED_BASE64_MAX + 4)],
  ['no age file', Buffer.from('hello').toString('base64')],
])('%s is refused', async (_title, sealed) => {
  await expect(age.open(await age.generate(), sealed)).rejects.toMatchObject({ code: 'unseal_failed' });
});

test('recipients, identities and sizes are checked before anything is encrypted', async () => {
  const recipient = await age.recipientOf(await age.generate());
  await expect(age.seal([], 'x')).rejects.toMatchObject({ code: 'seal_failed' });
  await expect(
    age.seal(
      Array.from({ length: RECIPIENTS_MAX + 1 }, () => recipient),
      'x',
    ),
  ).rejects.toMatchObject({ code: 'seal_failed' });
  await expect(age.seal([recipient.toUpperCase()], 'x')).rejects.toMatchObject({ code: 'seal_failed' });
  await expect(age.seal([`${recipient.slice(0, -1)}b`], 'x')).rejects.toMatchObject({ code: 'seal_failed' });
  await expect(age.seal([recipient], 'x'.repeat(PLAIN_BYTES_MAX + 1))).rejects.toMatchObject({ code: 'seal_failed' });
  await expect(age.recipientOf('AGE-SECRET-KEY-1')).rejects.toMatchObject({ code: 'seal_failed' });
});
