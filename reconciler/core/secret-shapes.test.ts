import { generateKeyPairSync } from 'node:crypto';
import { generateX25519Identity } from 'age-encryption';
import bcrypt from 'bcryptjs';
import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { secretsIn, stars, withoutShapes } from './secret-shapes.ts';
import { FILE_BYTES_MAX } from './yaml-text.ts';

// Put together here, so that no scanner takes this file for a leak.
const letters = (count: number) => 'aB3dE5gH7jK9'.repeat(30).slice(0, count);
const KEY_44 = `${letters(43)}=`;
const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString().trim();
const jwt = await new SignJWT({ gen: 1 })
  .setProtectedHeader({ alg: 'HS256' })
  .setSubject('home')
  .sign(new TextEncoder().encode(letters(32)));

const SECRETS: [what: string, secret: string][] = [
  ['a bcrypt hash', bcrypt.hashSync('hunter2', 4)],
  ['a bcrypt hash', `$2y$05$${letters(40)}`],
  ['a hashed password', `$6$${letters(16)}$${letters(86)}`],
  ['a hashed password', `$5$rounds=10000$${letters(8)}$${letters(43)}`],
  ['a hashed password', `$apr1$${letters(8)}$${letters(22)}`],
  ['a hashed password', `$1$${letters(8)}$${letters(22)}`],
  ['a hashed password', `$y$j9T$${letters(22)}$${letters(43)}`],
  ['a hashed password', `$argon2id$v=19$m=65536,t=3,p=4$${letters(22)}$${letters(43)}`],
  ['a hashed password', `{SSHA}${letters(32)}`],
  ['a hashed password', `{SHA}${letters(27)}=`],
  ['a private key', pem],
  ['a private key', pem.replaceAll('PRIVATE KEY', 'OPENSSH PRIVATE KEY')],
  ['a private key', pem.split('\n').slice(0, 2).join('\n')],
  ['an age identity', await generateX25519Identity()],
  ['a WireGuard key', `PrivateKey = ${KEY_44}`],
  ['a WireGuard key', `privateKey: "${KEY_44}`],
  ['a WireGuard key', `preshared_key: ${KEY_44}`],
  ['a GitHub token', `ghp_${letters(36)}`],
  ['a GitHub token', `github_pat_${letters(22)}_${letters(59)}`],
  ['a GitLab token', `glpat-${letters(20)}`],
  ['a Slack token', `xoxb-${letters(12)}-${letters(24)}`],
  ['a Slack token', `xoxe.xoxp-1-${letters(24)}`],
  ['a Slack webhook', `hooks.slack.com/services/T${letters(8)}/B${letters(8)}/${letters(24)}`],
  ['an AWS access key', `AKIA${'IOSFODN7'.repeat(2)}`],
  ['an AWS secret key', `aws_secret_access_key = ${letters(40)}`],
  ['a Stripe key', `sk_live_${letters(24)}`],
  ['a Stripe key', `whsec_${letters(32)}`],
  ['a signed token (JWT)', jwt],
  ['a team token', `kokoa_team_${letters(43)}`],
];

describe('secretsIn', () => {
  it.each(SECRETS)('finds %s: %#', (what, secret) => {
    for (const [before, after] of [
      ['', ''],
      ['a: ', '\nb: 1\n'],
      ['# ', '\n'],
      ["- 'alice:", "'\n"],
    ] as const) {
      const found = secretsIn(before + secret + after, 5);
      expect(found.map(({ offset, shape }) => [offset, shape.what])).toEqual([[before.length, what]]);
    }
  });

  it.each([
    ['the sha256 of a token', `token: sha256:${'0123456789abcdef'.repeat(4)}`],
    ['a public key of WireGuard', `publicKey: ${KEY_44}`],
    ['an age recipient', 'recipient: age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p'],
    ['a sealed text', `sealed: ${Buffer.from(`age-encryption.org/v1\n-> X25519 ${letters(300)}`).toString('base64')}`],
    ['a certificate', `-----BEGIN CERTIFICATE-----\n${letters(60)}\n-----END CERTIFICATE-----`],
    ['a public key', '-----BEGIN PUBLIC KEY-----'],
    ['an owner', "owners: ['@octo-org/sk_live']"],
    ['prices', 'price: $1$ or $5$ or $2'],
    ['words', 'ghp_, AKIA, xoxb-1, eyJ, {SHA}, $2y$, PrivateKey = KEY'],
  ])('leaves %s alone', (_, text) => {
    expect(secretsIn(text, 5)).toEqual([]);
    expect(withoutShapes(text)).toBe(text);
  });

  it('stops at the number that is asked for', () => {
    expect(secretsIn(`AKIA${'IOSFODN7'.repeat(2)}\n`.repeat(10), 3)).toHaveLength(3);
  });

  it.each([
    '-----BEGIN ',
    '-----BEGIN PRIVATE KEY\n',
    'eyJaaaaa-',
    'eyJaaaaa.eyJ',
    '$2y$05$',
    '$y$a$a',
    'PrivateKey=  ',
    'github_pat_',
    'xoxb-',
    '://a:',
    'AGE-PLUGIN-',
    '$argon2id$',
    ' ',
  ])('looks at a whole file of %j in bounded time', (unit) => {
    const text = unit.repeat(Math.floor(FILE_BYTES_MAX / unit.length));
    const start = performance.now();
    secretsIn(text, 21);
    withoutShapes(text);
    expect(performance.now() - start).toBeLessThan(5_000);
  });
});

describe('withoutShapes', () => {
  it.each(SECRETS)('leaves nothing of %s, and every line where it was: %#', (_, secret) => {
    const shown = withoutShapes(`a: ${secret}\nb: 1\n`);
    // What follows half a PEM block is hidden with it.
    const rest = secret.startsWith('-----BEGIN') && !secret.includes('-----END') ? stars('\nb: 1\n') : '\nb: 1\n';
    expect(shown).toBe(`a: ${stars(secret)}${rest}`);
  });

  it('hides a password in a URL, and no other part of one', () => {
    expect(withoutShapes('to: https://user:hunter2@www.hoge.com:8443/a:b@c')).toBe(
      'to: https://user:*******@www.hoge.com:8443/a:b@c',
    );
    expect(withoutShapes('to: https://www.hoge.com:8443/a')).toBe('to: https://www.hoge.com:8443/a');
  });
});
