// certbot for real, against a CA that does what it should not. Law: whatever it does, nothing wrong is taken for a certificate, the error says
// which and why, no more orders and validations reach the CA than were asked for, and the time is bounded.
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { judgeCertificate } from '../../bundle/certificate.ts';
import { type AcmeTestServer, startAcmeServer } from '../../test/fakes/acme-server.ts';
import type { CertificateFault, Fault, RequestKind } from '../../test/fakes/acme-server-faults.ts';
import { startLoopbackPebble } from '../../test/loopback-pebble.ts';
import { certificateId } from '../core/renewal-info.ts';
import type { CertificateAuthority } from '../ports/certificate-authority.ts';
import { createCertbot } from './certbot.ts';
import { createRenewalInfo } from './renewal-info.ts';

/** A CA that the edges answer for with `thumbprint`. */
interface Place {
  server: string;
  caFile: string;
  answerWith(thumbprint: string): void;
  issued(): number;
  close(): Promise<void>;
}

async function ownServer(): Promise<Place & { acme: AcmeTestServer }> {
  let thumbprint = 'nobody';
  const acme = await startAcmeServer({
    validate: ({ type, token, value }) => type === 'http-01' && value === `${token}.${thumbprint}`,
  });
  return {
    ...{ acme, server: acme.server, caFile: acme.caFile, close: acme.close },
    answerWith: (wanted) => {
      thumbprint = wanted;
    },
    issued: () => acme.issued().length,
  };
}

async function clientOf({ caFile }: Place): Promise<{ ca: CertificateAuthority; stateDir: string }> {
  const stateDir = await mkdtemp(join(tmpdir(), 'kokoa-hostile-ca-'));
  return { ca: createCertbot({ binary: 'certbot', stateDir, caFile }), stateDir };
}

const settled = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe.each([
  ['Pebble', () => startLoopbackPebble() as Promise<Place>],
  ['the server of the tests', ownServer],
])('the same certbot at %s', (_name, start) => {
  test('registers, orders, is refused a name that others answer for, and orders on', async () => {
    const place = await start();
    const { ca, stateDir } = await clientOf(place);
    const { server } = place;
    try {
      const thumbprint = await ca.account({ server });
      place.answerWith(thumbprint);
      const pair = await ca.order({ server }, 'app.hoge.com');
      expect(judgeCertificate({ ...pair, hostname: 'app.hoge.com', now: Date.now() })).toMatchObject({ ok: true });
      place.answerWith('another-account');
      expect(await settled(ca.order({ server }, 'stolen.hoge.com'))).toMatchObject({
        code: 'acme_validation_failed',
        message: expect.stringContaining('stolen.hoge.com'),
        hint: expect.stringContaining('port 80'),
      });
      place.answerWith(thumbprint);
      await ca.order({ server }, 'wiki.fuga.com');
      expect(place.issued()).toBe(2);
    } finally {
      await place.close();
      await rm(stateDir, { recursive: true, force: true });
    }
  });
});

describe('a CA that is hostile', () => {
  let place: Place & { acme: AcmeTestServer };
  let client: { ca: CertificateAuthority; stateDir: string };
  let acme: AcmeTestServer;
  let before: { finalised: number; failed: number };

  beforeAll(async () => {
    place = await ownServer();
    acme = place.acme;
    client = await clientOf(place);
    place.answerWith(await client.ca.account({ server: place.server }));
  });
  afterAll(async () => {
    await place.close();
    await rm(client.stateDir, { recursive: true, force: true });
  });
  beforeEach(() => {
    acme.misbehave();
    acme.misissue();
    before = { finalised: acme.finalised.length, failed: acme.failedValidations.length };
  });

  const order = (name: string) => client.ca.order({ server: place.server }, name);
  /** What the CA saw since the test began. */
  const seen = () => ({
    finalised: acme.finalised.length - before.finalised,
    failed: acme.failedValidations.length - before.failed,
  });
  const on =
    (wanted: RequestKind, fault: Fault) =>
    (kind: RequestKind): Fault | undefined =>
      kind === wanted ? fault : undefined;

  test('rejects one nonce in twenty: every order succeeds, each is finalised once', async () => {
    let posts = 0;
    acme.misbehave((kind) => {
      if (kind === 'directory' || kind === 'newNonce') return undefined;
      posts += 1;
      return posts % 20 === 0 ? { kind: 'badNonce' } : undefined;
    });
    const names = Array.from({ length: 12 }, (_each, index) => `n${index}.hoge.com`);
    const pairs = await Promise.all(names.map(order));
    for (const [index, hostname] of names.entries())
      expect(judgeCertificate({ ...pairs[index]!, hostname, now: Date.now() })).toMatchObject({ ok: true });
    expect(posts).toBeGreaterThan(60);
    expect(acme.finalised.slice(before.finalised).sort()).toEqual([...names].sort());
  });

  const inTenMinutes = () => new Date(Date.now() + 600_000).toUTCString();
  test.each<[string, () => Fault, string, number]>([
    [
      '429 and seconds',
      () => ({ kind: 'refuse', status: 429, problem: 'rateLimited', retryAfter: '3600' }),
      'acme_rate_limited',
      3_600_000,
    ],
    [
      '429 and a date',
      () => ({ kind: 'refuse', status: 429, problem: 'rateLimited', retryAfter: inTenMinutes() }),
      'acme_rate_limited',
      600_000,
    ],
    [
      '429 and a page for people',
      () => ({ kind: 'refuse', status: 429, retryAfter: '77' }),
      'acme_rate_limited',
      77_000,
    ],
    [
      '503 and seconds',
      () => ({ kind: 'refuse', status: 503, problem: 'serverInternal', retryAfter: '120' }),
      'acme_unavailable',
      120_000,
    ],
    [
      '503, a page and a date',
      () => ({ kind: 'refuse', status: 503, retryAfter: inTenMinutes() }),
      'acme_unavailable',
      600_000,
    ],
  ])('answers %s to an order: what it asks is told to the second', async (title, fault, code, retryAfterMs) => {
    const wanted = fault();
    acme.misbehave(on('newOrder', wanted));
    const error = (await settled(order('limited.hoge.com'))) as { code: string; cause: { retryAfterMs: number } };
    expect(error).toMatchObject({ code, message: expect.stringContaining('the CA asks to wait') });
    // A date is compared with the Date of the same answer, a few seconds after it was chosen here.
    const slackMs = title.includes('date') ? 20_000 : 0;
    expect(error.cause.retryAfterMs).toBeLessThanOrEqual(retryAfterMs);
    expect(error.cause.retryAfterMs).toBeGreaterThanOrEqual(retryAfterMs - slackMs);
    expect(seen()).toEqual({ finalised: 0, failed: 0 });
    // certbot itself does not try again at once.
    expect(
      acme.requests.slice(acme.requests.lastIndexOf('directory')).filter((kind) => kind === 'newOrder'),
    ).toHaveLength(1);
  });

  test('answers 503 to a new account: what it asks is told, and nothing half registered stays', async () => {
    acme.misbehave(on('newAccount', { kind: 'refuse', status: 503, retryAfter: '90' }));
    const { ca, stateDir } = await clientOf(place);
    expect(await settled(ca.account({ server: place.server }))).toMatchObject({
      code: 'acme_account_failed',
      cause: { retryAfterMs: 90_000 },
    });
    expect(await readdir(join(stateDir, 'acme'))).toEqual([]);
    await rm(stateDir, { recursive: true });
  });

  test.each<[string, CertificateFault, string]>([
    ['whose issuer did not sign it', 'broken_chain', 'broken_chain'],
    ['for another name', 'other_name', 'wrong_name'],
    ['for another key', 'other_key', 'key_mismatch'],
    ['that is not valid yet', 'not_yet_valid', 'not_yet_valid'],
    ['that has ended', 'ended', 'expired'],
  ])('gives a certificate %s: it is refused, and one order was finalised', async (_title, fault, code) => {
    acme.misissue(fault);
    const hostname = `${fault.replaceAll('_', '-')}.hoge.com`;
    const outcome = await order(hostname).then(
      (pair) => judgeCertificate({ ...pair, hostname, now: Date.now() }),
      (error: unknown) => error,
    );
    expect(outcome).toMatchObject({ code });
    expect(seen()).toEqual({ finalised: 1, failed: 0 });
  });

  test('drops an order after it was finalised: one was, and the reason is told', async () => {
    acme.misissue('order_invalid');
    expect(await settled(order('dropped.hoge.com'))).toMatchObject({
      code: 'acme_unavailable',
      message: expect.stringContaining('the order was dropped'),
    });
    expect(seen()).toEqual({ finalised: 1, failed: 0 });
  });

  test.each<[RequestKind, number]>([
    ['newOrder', 0],
    ['authorization', 0],
    ['certificate', 1],
  ])('closes the connection in the middle of its answer to %s', async (kind, finalised) => {
    acme.misbehave(on(kind, { kind: 'close' }));
    expect(await settled(order(`closed-${kind.toLowerCase()}.hoge.com`))).toMatchObject({
      code: 'acme_unavailable',
      hint: expect.stringContaining('in the middle'),
    });
    expect(seen()).toEqual({ finalised, failed: 0 });
  });

  test('closes the connection in the middle of its answer to finalize: certbot asks for the order, and has it', async () => {
    acme.misbehave(on('finalize', { kind: 'close' }));
    const pair = await order('closed-late.hoge.com');
    expect(judgeCertificate({ ...pair, hostname: 'closed-late.hoge.com', now: Date.now() })).toMatchObject({
      ok: true,
    });
    expect(seen()).toEqual({ finalised: 1, failed: 0 });
  });

  test('answers an order with ten megabytes: the certificate is taken all the same', async () => {
    acme.misbehave(on('order', { kind: 'swell', bytes: 10_000_000 }));
    const pair = await order('swollen.hoge.com');
    expect(judgeCertificate({ ...pair, hostname: 'swollen.hoge.com', now: Date.now() })).toMatchObject({ ok: true });
    expect(seen()).toEqual({ finalised: 1, failed: 0 });
  });

  test.each<RequestKind>(['directory', 'newOrder'])(
    'never answers %s: the order ends within a minute',
    async (kind) => {
      acme.misbehave(on(kind, { kind: 'hang' }));
      const started = performance.now();
      expect(await settled(order(`hanging-${kind.toLowerCase()}.hoge.com`))).toMatchObject({
        code: 'acme_unavailable',
      });
      expect(performance.now() - started).toBeLessThan(75_000);
      expect(seen()).toEqual({ finalised: 0, failed: 0 });
    },
  );

  test('is asked about what it issued by the id that openssl reads in it', async () => {
    const { fullchain } = await order('asked.hoge.com');
    const { certId } = acme.issued().at(-1)!;
    const suggestedWindow = { start: '2026-12-01T00:00:00Z', end: '2026-12-02T00:00:00Z' };
    acme.suggest((asked) => (asked === certId ? { suggestedWindow } : undefined));
    const id = certificateId(new X509Certificate(fullchain).raw)!;
    const source = createRenewalInfo({ caFile: place.caFile });
    expect(await source.ask(place.server, id, new AbortController().signal)).toMatchObject({
      kind: 'answered',
      window: { startMs: Date.parse(suggestedWindow.start), endMs: Date.parse(suggestedWindow.end) },
    });
  });

  test('is good again: nothing of all that is left', async () => {
    await order('last.hoge.com');
    expect(seen()).toEqual({ finalised: 1, failed: 0 });
    const left = await readdir(join(client.stateDir, 'acme'), { recursive: true });
    expect(left.filter((path) => path.includes('.com'))).toEqual([]);
  });
});
