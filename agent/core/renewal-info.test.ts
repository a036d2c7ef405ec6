// What an edge reads in a certificate and in a CA's answer, held against openssl's words and RFC 9773.
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { askAgainMs, certificateId, readWindow, suggestedMs } from './renewal-info.ts';

const [HOUR, DAY] = [3_600_000, 86_400_000];
const NOW = Date.parse('2026-11-22T10:00:00Z');
/** Of the example in RFC 9773 §4.1. */
const [KEY_IDENTIFIER, SERIAL, CERT_ID] = [
  '69885B6B87464041E1B37B847BA0AE2CDE01C8D4',
  '0x87654321',
  'aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE',
];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kokoa-renewal-info-'));
  await writeFile(
    join(folder, 'cnf'),
    `[req]
distinguished_name = dn
prompt = no
[dn]
CN = test
[ca]
basicConstraints = critical,CA:TRUE
subjectKeyIdentifier = ${KEY_IDENTIFIER}
[named]
authorityKeyIdentifier = keyid:always
[critical]
basicConstraints = critical,CA:FALSE
subjectAltName = ${Array.from({ length: 100 }, (_each, index) => `DNS:n${index}.hoge.com`).join(',')}
authorityKeyIdentifier = keyid:always,issuer:always
[nameless]
authorityKeyIdentifier = none
`,
  );
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  await openssl(
    'req',
    '-x509',
    ...ec,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-config',
    'cnf',
    '-extensions',
    'ca',
    '-days',
    '9',
  );
  await openssl('req', ...ec, '-keyout', 'leaf.key', '-out', 'leaf.csr', '-config', 'cnf');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const openssl = async (...args: string[]) => (await execa('openssl', args, { cwd: folder, timeout: 20_000 })).stdout;

async function der(extensions: string, serial: string): Promise<Uint8Array> {
  await openssl(
    ...['x509', '-req', '-in', 'leaf.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-set_serial', serial],
    ...['-extfile', 'cnf', '-extensions', extensions, '-out', `${extensions}.pem`, '-days', '9'],
  );
  return new X509Certificate(await readFile(join(folder, `${extensions}.pem`))).raw;
}

test('the id of the example of RFC 9773', async () => {
  expect(certificateId(await der('named', SERIAL))).toBe(CERT_ID);
});

test('the id is what openssl reads, also beside a hundred names and other words about the issuer', async () => {
  const id = certificateId(await der('critical', '0x7f00000000000000000000000000000000000001'))!;
  const words = await openssl('x509', '-in', 'critical.pem', '-noout', '-serial', '-ext', 'authorityKeyIdentifier');
  const [key, serial] = id.split('.').map((part) => Buffer.from(part, 'base64url').toString('hex').toUpperCase());
  expect(words).toContain(`serial=${serial}`);
  expect(words.replaceAll(':', '')).toContain(key);
  expect(key).toBe(KEY_IDENTIFIER);
});

test('a certificate that names no key of its issuer has none', async () => {
  expect(certificateId(await der('nameless', '5'))).toBeUndefined();
});

test('a certificate that is cut or longer has no id, and one with a wrong byte at worst a wrong one', async () => {
  const whole = await der('named', SERIAL);
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.uint8Array({ minLength: 1, maxLength: 20 }), (at, bytes) => {
      expect(certificateId(whole.subarray(0, at))).toBeUndefined();
      expect(certificateId(Uint8Array.from([...whole, ...bytes]))).toBeUndefined();
      const id = certificateId(Uint8Array.from(whole, (byte, index) => (index === at ? bytes[0]! : byte)));
      expect(id ?? CERT_ID).toMatch(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/);
    }),
    { numRuns: 500 },
  );
  expect(certificateId(new Uint8Array([0x30, 0x84, 0xff, 0xff, 0xff, 0xff]))).toBeUndefined();
  expect(certificateId(new Uint8Array([0x30, 0x80, 0, 0]))).toBeUndefined();
});

const window = (start: unknown, end: unknown, more = {}) =>
  JSON.stringify({ suggestedWindow: { start, end }, ...more });
test.each<[string, string, ReturnType<typeof readWindow>]>([
  [
    'a window',
    window('2026-12-01T00:00:00Z', '2026-12-03T00:00:00+09:00'),
    { startMs: Date.parse('2026-12-01T00:00:00Z'), endMs: Date.parse('2026-12-02T15:00:00Z') },
  ],
  [
    'with a reason',
    window('2026-12-01T00:00:00Z', '2026-12-01T00:00:00Z', { explanationURL: 'https://ca.example/why' }),
    { startMs: Date.parse('2026-12-01'), endMs: Date.parse('2026-12-01'), explanation: 'https://ca.example/why' },
  ],
  [
    'with a reason that is none',
    window('2026-12-01T00:00:00Z', '2026-12-02T00:00:00Z', { explanationURL: 'https://x\u001b[31m' }),
    { startMs: Date.parse('2026-12-01'), endMs: Date.parse('2026-12-02') },
  ],
  ['backwards', window('2026-12-03T00:00:00Z', '2026-12-01T00:00:00Z'), undefined],
  ['a number', window(0, 1), undefined],
  ['no time', window('soon', '2026-12-01T00:00:00Z'), undefined],
  ['a time that is none', window('2026-13-45T00:00:00Z', '2026-12-01T00:00:00Z'), undefined],
  ['half a window', window('2026-12-01T00:00:00Z', undefined), undefined],
  ['null', 'null', undefined],
  ['a list', '[]', undefined],
  ['no JSON', '<h1>', undefined],
])('an answer: %s', (_title, body, expected) => {
  expect(readWindow(body)).toEqual(expected);
});

const held = { name: 'app.hoge.com', notBefore: NOW - 10 * DAY, notAfter: NOW + 80 * DAY, fingerprint256: 'ab' };
test('whatever is suggested: not before a thirtieth of the life, not outside the window beyond that, and always the same', () => {
  const time = fc.integer({ min: -8.64e15, max: 8.64e15 });
  fc.assert(
    fc.property(time, time, fc.domain(), fc.nat(400), (a, b, name, lifeDays) => {
      const [startMs, endMs] = [Math.min(a, b), Math.max(a, b)];
      const certificate = { ...held, name, notAfter: held.notBefore + lifeDays * DAY };
      const atMs = suggestedMs({ startMs, endMs }, certificate);
      const youngMs = held.notBefore + (lifeDays * DAY) / 30;
      expect(atMs).toBeGreaterThanOrEqual(youngMs);
      expect(atMs).toBeLessThanOrEqual(Math.max(endMs, youngMs));
      expect(suggestedMs({ startMs, endMs }, certificate)).toBe(atMs);
    }),
  );
});

test('a thousand names are spread over the window', () => {
  const wide = { startMs: NOW, endMs: NOW + 10 * HOUR };
  const hours = Array.from({ length: 1_000 }, (_each, index) =>
    Math.floor((suggestedMs(wide, { ...held, name: `n${index}.hoge.com` }) - NOW) / HOUR),
  );
  for (let hour = 0; hour < 10; hour += 1) {
    const count = hours.filter((each) => each === hour).length;
    expect(count).toBeGreaterThan(50);
    expect(count).toBeLessThan(200);
  }
});

test.each<[string, string | undefined, number]>([
  ['nothing', undefined, 6 * HOUR],
  ['seconds', '21600', 6 * HOUR],
  ['less than a minute', '1', 60_000],
  ['more than a day', '999999999', DAY],
  ['a date', new Date(NOW + 2 * HOUR).toUTCString(), 2 * HOUR],
  ['a date that is over', new Date(NOW - DAY).toUTCString(), 60_000],
  ['words', 'tomorrow', 6 * HOUR],
])('asked again after %s', (_title, header, expected) => {
  expect(askAgainMs(header, NOW)).toBe(expected);
});
