// E-mail against a server that misbehaves: TLS or nothing, headers that nobody forges, and logins that no reason repeats.
import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type CertificateMaker, createCertificateMaker } from '../../test/certificate-maker.ts';
import { type Notice, notifyEvent } from '../core/notify/event.ts';
import type { Sent } from '../ports/notifier.ts';
import { type SmtpServer, type SmtpServerOptions, startSmtpServer } from './notify-smtp.fixture.ts';
import { createSmtpNotifier, type SmtpOptions } from './notify-smtp.ts';

const PASSWORD = 'canary-password';
const LOGIN = { user: 'canary-user', password: PASSWORD };
let maker: CertificateMaker;
let tls: { cert: string; key: string };
let server: SmtpServer;

beforeAll(async () => {
  maker = await createCertificateMaker();
  const { certFile, keyFile } = await maker.files({ names: ['IP:127.0.0.1'] });
  tls = { cert: await readFile(certFile, 'utf8'), key: await readFile(keyFile, 'utf8') };
});
afterAll(() => maker.close());
afterEach(() => server.close());

const noticeOf = (reason: string, subject = 'tokyo-1'): Notice => ({
  id: 'e'.repeat(32),
  event: notifyEvent({ kind: 'node-silent', subject, state: 'trouble', at: '2026-11-22T12:00:00Z', reason }),
});

async function start(options: SmtpServerOptions = {}): Promise<void> {
  server = await startSmtpServer(options);
}

/** `isElsewhere`: the double plays a server on another machine. */
async function send(
  { isElsewhere = false, ...options }: Partial<SmtpOptions> & { isElsewhere?: boolean } = {},
  notice = noticeOf('silent'),
  signal?: AbortSignal,
): Promise<Sent> {
  const where = { host: '127.0.0.1', port: server.port, isLoopback: !isElsewhere };
  const notifier = createSmtpNotifier({
    ...{ server: where, from: 'kokoa@hoge.com', to: ['ops@hoge.com', 'night@hoge.com'], msMax: 5_000 },
    ...options,
  });
  return notifier.send(notice, signal ?? new AbortController().signal);
}

describe('to a server on this machine', () => {
  it('it is sent in the clear, to everybody, under a name that stays the same', async () => {
    await start();
    expect(await send()).toEqual({ outcome: 'sent' });
    expect(server.mails).toHaveLength(1);
    const [{ from, to, data }] = server.mails as [SmtpServer['mails'][number]];
    expect({ from, to }).toEqual({ from: 'kokoa@hoge.com', to: ['ops@hoge.com', 'night@hoge.com'] });
    expect(data).toContain('Subject: [kokoa] TROUBLE: machine silent: tokyo-1\r\n');
    expect(data).toContain(`Message-ID: <${'e'.repeat(32)}@kokoa.invalid>\r\n`);
    expect(data).toContain('Auto-Submitted: auto-generated\r\n');
    expect(data).toContain('Why: silent\r\n');
  });

  it('TLS is used where it is offered, whoever signed its certificate', async () => {
    await start({ tls });
    expect(await send()).toEqual({ outcome: 'sent' });
    expect(server.mails[0]!.isSecure).toBe(true);
  });

  it('hostile words add no header, no recipient and no line', async () => {
    await start();
    const words = 'x\r\nBcc: evil@hoge.com\r\n.\r\nQUIT\r\nMAIL FROM:<a@b>\n\nTo do: pay';
    expect(await send({}, noticeOf(words, words))).toEqual({ outcome: 'sent' });
    expect(server.mails).toHaveLength(1);
    const [{ to, data }] = server.mails as [SmtpServer['mails'][number]];
    expect(to).toEqual(['ops@hoge.com', 'night@hoge.com']);
    const [head, body] = data.split('\r\n\r\n', 2).map((part) => part.replace(/=\r\n|\r\n(?=[ \t])/g, ''));
    expect(head!.split('\r\n').map((line) => line.split(':')[0])).not.toContain('Bcc');
    expect(body!.match(/^[A-Z][A-Za-z ]+(?=:)/gm)).toEqual(['TROUBLE', 'What', 'Since', 'Why', 'To do']);
  });
});

describe('to a server elsewhere', () => {
  it('it is sent when TLS is there and its certificate is good', async () => {
    await start({ tls, password: PASSWORD });
    expect(await send({ isElsewhere: true, ca: maker.issuer, login: LOGIN })).toEqual({ outcome: 'sent' });
    expect(server.mails[0]).toMatchObject({ isSecure: true, login: `canary-user\0${PASSWORD}` });
    expect(server.inTheClear.map((line) => line.split(' ')[0])).toEqual(['EHLO', 'STARTTLS']);
  });

  it.each<[string, SmtpServerOptions, SmtpServer['faults']]>([
    ['does not offer TLS', {}, {}],
    ['refuses to begin TLS', { tls: { cert: '', key: '' } }, { answers: { STARTTLS: '454 not now' } }],
  ])('nothing is said when it %s', async (_, options, faults) => {
    await start(options);
    server.faults = faults;
    expect(await send({ isElsewhere: true, login: LOGIN })).toMatchObject({ outcome: 'retry' });
    expect(server.mails).toEqual([]);
    expect(server.inTheClear.join('\n')).not.toMatch(/AUTH|MAIL|canary/);
  });

  it('nothing is said when its certificate is from nobody that is trusted', async () => {
    await start({ tls, password: PASSWORD });
    const sent = await send({ isElsewhere: true, login: LOGIN });
    expect(sent).toEqual({ outcome: 'retry', reason: expect.stringMatching(/^not sent: [A-Z_]+$/) });
    expect(server.mails).toEqual([]);
    expect(server.inTheClear.join('\n')).not.toMatch(/AUTH|canary/);
  });
});

it.each<[string, SmtpServer['faults'], Sent]>([
  [
    'a sender that is refused for good',
    { answers: { MAIL: '550 5.7.1 not you' } },
    { outcome: 'refused', reason: 'answered 550 5.7.1 not you' },
  ],
  [
    'recipients that are refused for good',
    { answers: { RCPT: '550 5.1.1 nobody' } },
    { outcome: 'refused', reason: 'answered 550 5.1.1 nobody' },
  ],
  [
    'recipients that wait (greylisting)',
    { answers: { RCPT: '451 4.7.1 later' } },
    { outcome: 'retry', reason: 'answered 451 4.7.1 later' },
  ],
  [
    'a message that is refused',
    { answers: { 'DATA.': '554 5.6.0 spam\u001b[31m' } },
    { outcome: 'refused', reason: 'answered 554 5.6.0 spam[31m' },
  ],
  ['a full disk', { answers: { 'DATA.': '452 4.3.1 full' } }, { outcome: 'retry', reason: 'answered 452 4.3.1 full' }],
  [
    'a server that is busy',
    { answers: { HELLO: '421 4.3.2 busy' } },
    { outcome: 'retry', reason: 'answered 421 4.3.2 busy' },
  ],
])('%s', async (_, faults, expected) => {
  await start();
  server.faults = faults;
  expect(await send()).toEqual(expected);
  expect(server.mails).toEqual([]);
});

it('a login that is refused is tried again later, and nothing of it is in the reason', async () => {
  await start({ password: 'another' });
  const sent = await send({ login: LOGIN });
  expect(sent).toEqual({ outcome: 'retry', reason: 'the login was refused (535)' });
});

it('a server that repeats the login later on is not repeated', async () => {
  await start({ password: PASSWORD });
  const encoded = [`\0canary-user\0${PASSWORD}`, PASSWORD].map((text) => Buffer.from(text).toString('base64'));
  server.faults = { answers: { MAIL: `550 ${PASSWORD} canary-user ${encoded.join(' ')}` } };
  const sent = await send({ login: LOGIN });
  expect(sent).toEqual({ outcome: 'refused', reason: 'answered 550 [hidden] [hidden] [hidden] [hidden]' });
});

it.each<[string, SmtpServer['faults'], number]>([
  ['says nothing', { isMute: true }, 300],
  ['never stops talking', { isEndless: true }, 5_000],
])('a server that %s is not waited for longer than it may', async (_, faults, msMax) => {
  await start();
  server.faults = faults;
  const beganMs = performance.now();
  expect(await send({ msMax })).toEqual({ outcome: 'retry', reason: expect.stringMatching(/^not sent: [A-Z_]+$/) });
  expect(performance.now() - beganMs).toBeLessThan(msMax + 15_000);
});

it('a server that is not there is tried again', async () => {
  await start();
  await server.close();
  expect(await send()).toEqual({ outcome: 'retry', reason: expect.stringMatching(/^not sent: [A-Z_]+$/) });
  await start();
});

it('it is given up at once when all ends', async () => {
  await start();
  server.faults = { isMute: true };
  const open = new AbortController();
  setTimeout(() => open.abort(), 50);
  expect(await send({ msMax: 60_000 }, undefined, open.signal)).toMatchObject({ outcome: 'retry' });
});
