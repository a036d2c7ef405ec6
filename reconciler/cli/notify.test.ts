// `kokoa notify test` against servers on loopback that take messages, refuse them, or are not there.
import { createHmac } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type NotifyServer, startNotifyServer } from '../adapters/notify-http.fixture.ts';
import { type SmtpServer, startSmtpServer } from '../adapters/notify-smtp.fixture.ts';
import { registerNotify } from './notify.ts';
import { runCommand } from './run-command.fixture.ts';

const KEY = 'canary-key-of-the-pager';
const PASSWORD = 'canary-password';

let folder: string;
let http: NotifyServer;
let smtp: SmtpServer;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kokoa-notify-'));
  http = await startNotifyServer();
  smtp = await startSmtpServer({ password: PASSWORD });
  await put('secrets/_notify/pager', `${KEY}\n`);
  await put('secrets/_notify/chat', `${http.origin}/slack/canary-T000\n`);
  await put('secrets/_notify/games', `${http.origin}/discord/canary-T000\n`);
  await put('secrets/_notify/mail', `canary-user\n${PASSWORD}\n`);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all([http.close(), smtp.close()]);
  await rm(folder, { recursive: true });
});

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), text);
}

const declare = (...channels: string[]) =>
  put(
    'git/kokoa.yaml',
    `controlPlane: {urls: ['https://control.hoge.com']}
acme: {server: 'https://acme-v02.api.letsencrypt.org/directory'}
teams: [{name: hoge, hostnames: ['*.hoge.com']}]
network: {wireguard: 10.100.0.0/16}
pools: [{name: default}]
${channels.length === 0 ? '' : `notify:\n${channels.map((channel) => `  - ${channel}\n`).join('')}`}`,
  );

const pager = () => `{name: pager, kind: webhook, url: '${http.origin}/in', credentials: {file: pager}}`;
const chat = "{name: chat, kind: slack, credentials: {file: chat}, on: ['dns-write']}";
const games = '{name: games, kind: discord, credentials: {file: games}}';
const mail = () =>
  `{name: mail, kind: smtp, server: '127.0.0.1:${smtp.port}', from: k@hoge.com, to: [o@hoge.com], credentials: {file: mail}}`;

/** Whatever happens, no secret is printed, and no line is too wide. */
async function notifyTest(...args: string[]) {
  const ran = await runCommand(registerNotify, ['notify', 'test', join(folder, 'git'), ...args]);
  const all = ran.stdout + ran.stderr;
  expect(all).not.toContain('canary');
  // A path may be longer than a line.
  expect(all.split('\n').filter((line) => line.length > 80 && !line.includes(folder))).toEqual([]);
  return ran;
}

const secrets = () => ['--secrets', join(folder, 'secrets')];

describe('kokoa notify test', () => {
  test('sends a test through every channel, also to one that asks for few kinds', async () => {
    await declare(pager(), chat, games, mail());
    expect(await notifyTest(...secrets())).toEqual({
      ...{ exitCode: 0, stderr: '' },
      stdout: 'pager (webhook): sent\nchat (slack): sent\ngames (discord): sent\nmail (smtp): sent\n',
    });
    const byPath = new Map(http.posted.map((posted) => [posted.path.split('/')[1], posted]));
    expect([...byPath.keys()].sort()).toEqual(['discord', 'in', 'slack']);
    const { body, headers } = byPath.get('in')!;
    const signature = createHmac('sha256', KEY).update(body).digest('hex');
    expect(headers['x-kokoa-signature-256']).toBe(`sha256=${signature}`);
    expect(JSON.parse(body)).toMatchObject({
      ...{ version: 1, kind: 'test', state: 'told', subject: 'pager', title: 'this is a test, nothing is wrong' },
      ...{ flapping: false, todo: 'nothing' },
    });
    for (const words of [byPath.get('slack')!.body, byPath.get('discord')!.body, smtp.mails[0]!.data])
      expect(words).toContain('NEWS: this is a test, nothing is wrong');
    expect(smtp.mails[0]).toMatchObject({ to: ['o@hoge.com'], login: `canary-user\0${PASSWORD}` });
    expect(headers['x-kokoa-notice-id']).toMatch(/^[0-9a-f]{32}$/);
  });

  test('says which channel refuses, why, and what to do; the others get theirs', async () => {
    await declare(pager(), chat, mail());
    http.answer = (response, { path, body }) =>
      path === '/in' ? response.writeHead(403).end(`no: ${KEY} ${body.length}`) : response.end('ok');
    smtp.faults = { answers: { RCPT: '550 5.1.1 nobody' } };
    const ran = await notifyTest(...secrets());
    expect(ran).toMatchObject({ exitCode: 1, stderr: '' });
    expect(ran.stdout).toMatch(
      /^pager \(webhook\): not sent: answered 403: no: \[hidden\] \d+\n {2}to do: see the log of what answers at its url:/,
    );
    expect(ran.stdout).toContain('\nchat (slack): sent\n');
    // Where a line breaks depends on how long the port is.
    expect(ran.stdout.replace(/\s+/g, ' ')).toContain(
      `mail (smtp): not sent: answered 550 5.1.1 nobody to do: see whether 127.0.0.1:${smtp.port}` +
        ' takes mail from k@hoge.com to each address of "to" in kokoa.yaml 1 of 3 sent ',
    );
  });

  test('says which secret is missing, and where it belongs', async () => {
    await declare(pager(), chat);
    await rm(join(folder, 'secrets/_notify/pager'));
    const ran = await notifyTest(...secrets());
    expect(ran.exitCode).toBe(1);
    expect(ran.stdout.replace(/\s+/g, ' ')).toBe(
      'pager (webhook): not sent: its credentials are of no use: there is no such file' +
        ' to do: put the key, 16 characters or more on one line, into' +
        ` ${folder}/secrets/_notify/pager, a file that this account can read chat (slack): sent 1 of 2 sent `,
    );
    expect(http.posted.map(({ path }) => path)).toEqual(['/slack/canary-T000']);
  });

  test('without --secrets says that it is needed', async () => {
    await declare(chat);
    const ran = await notifyTest();
    expect(ran.exitCode).toBe(1);
    expect(ran.stdout).toBe(
      [
        'chat (slack): not sent: its credentials are of no use: the reconciler was',
        '  started without --secrets DIR',
        '  to do: put the URL of the incoming webhook, on one line, into',
        '    DIR/_notify/chat, a file that this account can read; DIR is the --secrets of',
        '    kokoa serve, to be named here too',
        '0 of 1 sent',
        '',
      ].join('\n'),
    );
  });

  test('reads the credentials of systemd', async () => {
    await declare('{name: chat, kind: slack, credentials: {credential: chat}}');
    vi.stubEnv('CREDENTIALS_DIRECTORY', undefined);
    const without = await notifyTest();
    expect(without.exitCode).toBe(1);
    expect(without.stdout.replace(/\s+/g, ' ')).toContain('CREDENTIALS_DIRECTORY=/run/credentials/UNIT');
    await put('credentials/_notify.chat', `${http.origin}/slack/canary-T000\n`);
    vi.stubEnv('CREDENTIALS_DIRECTORY', join(folder, 'credentials'));
    expect(await notifyTest()).toEqual({ exitCode: 0, stderr: '', stdout: 'chat (slack): sent\n' });
  });

  test('tries one channel alone, and a server that is not there is no reason to wait', async () => {
    await declare(pager(), chat);
    expect(await notifyTest(...secrets(), '--channel', 'chat')).toMatchObject({ stdout: 'chat (slack): sent\n' });
    expect(http.posted).toHaveLength(1);
    await http.close();
    const dead = await notifyTest(...secrets(), '--channel', 'pager');
    http = await startNotifyServer();
    expect(dead.exitCode).toBe(1);
    expect(dead.stdout).toContain('pager (webhook): not sent: not reached: ECONNREFUSED\n');
  });

  test('says once that e-mail was not sent', async () => {
    await declare(mail());
    await smtp.close();
    const ran = await notifyTest(...secrets());
    smtp = await startSmtpServer();
    expect(ran.exitCode).toBe(1);
    expect(ran.stdout).toMatch(
      /^mail \(smtp\): not sent: [A-Z_]+\n {2}to do: see whether 127\.0\.0\.1:\d+ answers this/,
    );
  });

  test('knows no other channel than those of kokoa.yaml', async () => {
    await declare(pager(), chat);
    const ran = await notifyTest(...secrets(), '--channel', 'chta\u001b[31m');
    expect(ran).toEqual({
      ...{ exitCode: 1, stdout: '' },
      stderr: [
        'error: chta\\u{1b}[31m is no notification channel of kokoa.yaml (channel_unknown)',
        '  its channels: pager, chat',
        '',
      ].join('\n'),
    });
    expect(http.posted).toEqual([]);
  });

  test('where nobody is told anything, that is no success', async () => {
    await declare();
    const ran = await notifyTest(...secrets());
    expect(ran).toMatchObject({ exitCode: 1, stdout: '' });
    expect(ran.stderr).toBe(
      [
        'error: kokoa.yaml has no notification channel (no_channels)',
        '  write notify: into kokoa.yaml (docs/operate.md, Notifications)',
        '',
      ].join('\n'),
    );
  });

  test('errors of kokoa.yaml are said instead, those of other files are not', async () => {
    await declare(chat);
    await put('git/routes/hoge/app.yaml', 'hostname: 1\n');
    expect(await notifyTest(...secrets())).toMatchObject({ exitCode: 0, stderr: '', stdout: 'chat (slack): sent\n' });
    await declare('{name: chat, kind: slack}');
    const ran = await notifyTest(...secrets());
    expect(ran).toMatchObject({ exitCode: 1, stdout: '' });
    expect(ran.stderr).toContain('KK420');
    expect(ran.stderr).toContain('nothing is sent for a kokoa.yaml with errors');
    expect(ran.stderr).not.toContain('app.yaml');
    expect(http.posted).toHaveLength(1);
  });
});
