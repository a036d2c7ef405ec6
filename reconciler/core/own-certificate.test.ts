// Certificates as people bring them: what passes, what does not and why, and that no reason repeats anything of a key.
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { judgeCertificate } from '../../bundle/certificate.ts';
import { OWN_CERTIFICATE_BYTES_MAX } from '../../bundle/limits.ts';
import { type CertificateMaker, createCertificateMaker, type MadeCertificate } from '../../test/certificate-maker.ts';
import { createTrust, type Trust } from './certificate-trust.ts';
import { type CheckedOwnCertificate, checkOwnCertificate, OWN_CERTIFICATE_FILE_BYTES_MAX } from './own-certificate.ts';

const HOST = 'app.hoge.com';
const DAY_MS = 86_400_000;
/** The authorities are made now. */
const NOW_MS = Math.ceil(Date.now() / 60_000) * 60_000;
const at = (days: number) => new Date(NOW_MS + days * DAY_MS);

let maker: CertificateMaker;
let cloud: CertificateMaker;
let good: MadeCertificate;
let other: MadeCertificate;
let trust: Trust;
beforeAll(async () => {
  [maker, cloud] = await Promise.all([
    createCertificateMaker('Hoge CA'),
    createCertificateMaker('CloudFlare Origin SSL ECC Certificate Authority'),
  ]);
  good = await maker.make({ names: [`DNS:${HOST}`, 'DNS:*.app.hoge.com'], notBefore: at(-10), notAfter: at(80) });
  other = await maker.make({ names: [`DNS:${HOST}`], notBefore: at(-10), notAfter: at(80) });
  trust = createTrust([maker.issuer]);
}, 30_000);
afterAll(() => Promise.all([maker.close(), cloud.close()]));

const check = (text: string, nowMs = NOW_MS, more: { hostname?: string; trust?: Trust } = {}): CheckedOwnCertificate =>
  checkOwnCertificate(text, { hostname: HOST, nowMs, trust, ...more });
const reasonOf = (checked: CheckedOwnCertificate) => (checked.ok ? undefined : checked.reason);
const make = (request: Partial<Parameters<CertificateMaker['make']>[0]>, by = maker) =>
  by.make({ names: [`DNS:${HOST}`], notBefore: at(-10), notAfter: at(80), ...request });
const wholeOf = ({ fullchain, key }: MadeCertificate) => fullchain + key;

it.each<[string, () => string]>([
  ['chain, then key', () => good.fullchain + good.key],
  ['key, then chain', () => good.key + good.fullchain],
  ['the issuer before the leaf', () => maker.issuer + good.key + good.leaf],
  ['line ends of another system', () => wholeOf(good).replaceAll('\n', '\r\n')],
  [
    'what tools write around the blocks',
    () => `Bag Attributes\n    localKeyID: 01\n${good.leaf}\nsubject=x\n${maker.issuer}${good.key}`,
  ],
  [
    'parameters of the curve',
    () => `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${wholeOf(good)}`,
  ],
])('takes %s, and makes one text of it, which the judge of the edges takes', (_, text) => {
  const checked = check(text());
  const first = check(wholeOf(good));
  expect(checked).toEqual(first);
  expect(checked).toMatchObject({ ok: true, warnings: [] });
  const pair = JSON.parse((checked as { text: string }).text);
  expect(Object.keys(pair)).toEqual(['fullchain', 'key']);
  expect(judgeCertificate({ ...pair, hostname: HOST, now: NOW_MS })).toMatchObject({ ok: true, ...pair });
});

it('makes the same text for every name of the certificate', () => {
  const text = wholeOf(good);
  expect(check(text, NOW_MS, { hostname: '*.app.hoge.com' })).toEqual(check(text));
  expect(check(text, NOW_MS, { hostname: 'a.app.hoge.com' })).toEqual(check(text));
});

it.each<[string, () => Promise<string> | string, RegExp]>([
  ['nothing', () => '', /^found no certificate/],
  ['no key', () => good.fullchain, /^found 0 private keys/],
  ['two keys', () => wholeOf(good) + other.key, /^found 2 private keys/],
  ['the key of another certificate', () => good.fullchain + other.key, /the key does not belong .*: put the key there/],
  [
    'another name',
    async () => wholeOf(await make({ names: ['DNS:b.hoge.com'] })),
    /DNS:b\.hoge\.com, not for app\.hoge\.com/,
  ],
  ['an end that is past', async () => wholeOf(await make({ notAfter: at(-1) })), /valid until .*: put a new one/],
  ['a beginning to come', async () => wholeOf(await make({ notBefore: at(1) })), /valid from /],
  [
    'a weak key',
    async () => wholeOf(await make({ keyArguments: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024'] })),
    /RSA key of 1024 bits/,
  ],
  [
    'a chain of another authority',
    () => good.leaf + cloud.issuer + good.key,
    /certificate 1 is not signed by certificate 2/,
  ],
  ['a certificate too many', () => good.fullchain + other.leaf + good.key, /is not signed by/],
  ['an authority as its own', async () => wholeOf(await make({ ca: true })), /is a CA, not a server certificate/],
  ['a key with a pass phrase', async () => good.fullchain + (await encrypted(good.key, 'pkcs8')), /pass phrase/],
  ['the older kind of pass phrase', async () => good.fullchain + (await encrypted(good.key, 'ec')), /pass phrase/],
  [
    'a key of SSH',
    () => `${good.fullchain}-----BEGIN OPENSSH PRIVATE KEY-----\nQUJD\n-----END OPENSSH PRIVATE KEY-----\n`,
    /key of SSH/,
  ],
  [
    'a request',
    () => `${wholeOf(good)}-----BEGIN CERTIFICATE REQUEST-----\nQUJD\n-----END CERTIFICATE REQUEST-----\n`,
    /neither a certificate nor/,
  ],
  ['a block that is cut', () => wholeOf(good).slice(0, -20), /without its end/],
  ['a block inside another one', () => `${good.key.slice(0, 60)}\n${wholeOf(good)}`, /inside another one/],
  ['a damaged certificate', () => good.key + good.leaf.replace(/[A-Za-z]{20}/, 'A'.repeat(20)), /./],
  [
    'a damaged key',
    () => good.fullchain + good.key.replace(/\n[^-]{30}/, `\n${'A'.repeat(30)}`),
    /no unencrypted PEM private key/,
  ],
  [
    'more than there may be',
    () => wholeOf(good) + ' '.repeat(OWN_CERTIFICATE_FILE_BYTES_MAX),
    /^found more than 65536 bytes/,
  ],
  [
    'what only the proxies of Cloudflare trust',
    async () => wholeOf(await make({}, cloud)),
    /its issuer, CloudFlare Origin SSL ECC Certificate Authority, is trusted by the proxies/,
  ],
])('refuses %s, with the reason and no word of a key', async (_, text, reason) => {
  const pem = await text();
  const checked = check(pem);
  expect(reasonOf(checked)).toMatch(reason);
  for (const line of pem.split('\n').filter((one) => /^[A-Za-z0-9+/=]{16,}$/.test(one.trim())))
    expect(reasonOf(checked)).not.toContain(line.trim());
});

it('refuses what other providers call their origin authority, unless browsers know it', async () => {
  const provider = await createCertificateMaker('Fast CDN Origin Server CA');
  try {
    const text = wholeOf(await make({}, provider));
    expect(reasonOf(check(text))).toMatch(/its issuer, Fast CDN Origin Server CA, .*: delete tls.certificate/);
    expect(check(text, NOW_MS, { trust: createTrust([provider.issuer]) })).toMatchObject({ ok: true, warnings: [] });
  } finally {
    await provider.close();
  }
});

it('refuses a chain that edges have no room for', async () => {
  const names = Array.from({ length: 300 }, (_, n) => `DNS:a-name-to-fill-the-certificate-${n}.hoge.com`);
  const wide = await make({ names: [`DNS:${HOST}`, ...names] });
  expect(wide.fullchain.length).toBeGreaterThan(OWN_CERTIFICATE_BYTES_MAX);
  expect(reasonOf(check(wholeOf(wide)))).toMatch(/^chain and key have \d+ bytes, expected at most 16384/);
});

it('warns of a chain that leads to no authority that browsers know, and names it', () => {
  const checked = check(wholeOf(good), NOW_MS, { trust: createTrust([cloud.issuer]) });
  expect(checked).toMatchObject({ ok: true, warnings: [expect.stringMatching(/\(issuer: Hoge CA\).*intermediate/)] });
  expect(check(good.leaf + good.key)).toMatchObject({ ok: true, warnings: [] });
});

it.each<[string, number, number, number, boolean]>([
  ['90 days of life and 31 left', -59, 31, 0, false],
  ['90 days of life and 30 left', -60, 30, 0, true],
  ['a year of life and 29 days left', -336, 29, 0, true],
  ['six days of life and three left', -3, 3, 0, false],
  ['six days of life and two left', -4, 2, 0, true],
])('%s: it is warned about = %s', async (_, from, to, now, warned) => {
  const text = wholeOf(await make({ notBefore: at(from), notAfter: at(to) }));
  const checked = check(text, NOW_MS + now);
  expect(checked).toMatchObject({ ok: true, warnings: warned ? [expect.stringMatching(/^it ends on 202\d-/)] : [] });
});

it('says until when its answer holds, and then it is another one', async () => {
  const text = wholeOf(await make({ notBefore: at(2), notAfter: at(92) }));
  const seen: [string, number | undefined][] = [];
  let nowMs = NOW_MS;
  for (let steps = 0; steps < 5; steps += 1) {
    const checked = check(text, nowMs);
    const words = checked.ok ? (checked.warnings[0] ?? 'good') : checked.reason;
    seen.push([words.replace(/ on .*| 20.*/, ''), checked.untilMs && (checked.untilMs - NOW_MS) / DAY_MS]);
    if (checked.untilMs === undefined) break;
    expect(check(text, checked.untilMs - 1)).toEqual(checked);
    nowMs = checked.untilMs;
  }
  expect(seen.map(([words]) => words)).toEqual(['valid from', 'good', 'it ends', 'valid until', 'valid until']);
  expect(seen.map(([, days]) => days && Math.round(days))).toEqual([2, 62, 92, 3650, undefined]);
});

async function encrypted(key: string, kind: 'pkcs8' | 'ec'): Promise<string> {
  const command = kind === 'pkcs8' ? ['pkey'] : ['ec'];
  const { stdout } = await execa('openssl', [...command, '-aes128', '-passout', 'pass:secret'], { input: key });
  return `${stdout}\n`;
}
