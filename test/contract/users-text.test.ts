// Both halves judge a list of users by themselves: what the reconciler seals, an edge must accept, and it must fit on the way.

import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { usersProblem } from '../../agent/core/users-file.ts';
import { sealTo } from '../../reconciler/adapters/secret-age.ts';
import { checkUsers, USERS_BYTES_MAX } from '../../reconciler/core/htpasswd.ts';
import { teamSecretText } from '../../reconciler/core/team-secret.ts';
import { schemas } from '../../schemas/by-kind.ts';

const SALT_AND_HASH = (characters: number) => fc.stringMatching(new RegExp(`^[./A-Za-z0-9]{${characters}}$`));
const hash = fc.oneof(
  fc
    .tuple(fc.constantFrom('2a', '2b', '2y'), fc.integer({ min: 1, max: 12 }), SALT_AND_HASH(53))
    .map(([kind, cost, rest]) => `$${kind}$${String(cost).padStart(2, '0')}$${rest}`),
  SALT_AND_HASH(22).map((rest) => `$apr1$abcdefgh$${rest}`),
  fc
    .tuple(fc.integer({ min: 500, max: 6000 }), SALT_AND_HASH(86))
    .map(([rounds, rest]) => `$6$rounds=${rounds}$abc$${rest}`),
  fc.tuple(fc.boolean(), SALT_AND_HASH(43)).map(([rounds, rest]) => `$5$${rounds ? 'rounds=5000$' : ''}abc$${rest}`),
  fc.uint8Array({ minLength: 18, maxLength: 60 }).map((bytes) => `{SSHA}${Buffer.from(bytes).toString('base64')}`),
);
const name = fc.stringMatching(/^[A-Za-z0-9._@+ -]{1,64}$/);

it('an edge accepts every list that passes the reconciler', () => {
  const list = fc.array(fc.tuple(name, hash), { minLength: 1, maxLength: 60 });
  let passed = 0;
  fc.assert(
    fc.property(list, (lines) => {
      const checked = checkUsers(lines.map((line) => line.join(':')).join('\n'));
      if (!checked.ok) return;
      passed += 1;
      expect(usersProblem(checked.text)).toBeUndefined();
    }),
    { numRuns: 500 },
  );
  expect(passed).toBeGreaterThan(5);
});

it('the largest list fits, sealed to the reconciler by a team of the longest name, and sealed to a pool', async () => {
  const recipient = await identityToRecipient(await generateX25519Identity());
  const lines = Array.from({ length: 100 }, (_, n) => `${n}:$apr1$a$${'x'.repeat(22)}\n`).join('');
  const users = lines + 'x'.repeat(USERS_BYTES_MAX - lines.length);
  const { pattern, maxLength } = schemas.route.definitions.secretReference.properties.sealed;
  for (const text of [users, teamSecretText({ team: 'a'.repeat(63), users })]) {
    const sealed = await sealTo(recipient, text);
    expect(sealed).toMatch(new RegExp(pattern));
    expect(sealed.length).toBeLessThanOrEqual(maxLength);
  }
});
