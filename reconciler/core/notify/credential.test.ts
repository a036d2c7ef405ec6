// Where channels find their credentials, what counts as one, and which places a message may go to.
import { expect, it } from 'vitest';
import { notifyCredentialPlace, readNotifyCredential } from './credential.ts';
import { readMailServer } from './mail-server.ts';
import { targetUrl } from './target-url.ts';

it('a place is below _notify, which no team can be called', () => {
  expect(notifyCredentialPlace({ file: 'ops-chat' })).toEqual({ kind: 'file', team: '_notify', name: 'ops-chat' });
  expect(notifyCredentialPlace({ credential: 'ops' })).toEqual({ kind: 'credential', name: '_notify.ops' });
  for (const name of ['../x', '/etc/passwd', '..', '', 'a/b', 'A', 'a\n', '.hidden', 'a'.repeat(65)]) {
    expect(notifyCredentialPlace({ file: name })).toBeUndefined();
    expect(notifyCredentialPlace({ credential: name })).toBeUndefined();
  }
});

it.each<[Parameters<typeof readNotifyCredential>[0], string, object]>([
  ['webhook', 'sixteen-characters\n', { kind: 'webhook', key: 'sixteen-characters' }],
  ['smtp', 'kokoa\r\npass word\r\n', { kind: 'smtp', user: 'kokoa', password: 'pass word' }],
  [
    'slack',
    'https://hooks.example/services/T/B/x\n',
    { kind: 'slack', url: new URL('https://hooks.example/services/T/B/x') },
  ],
  ['discord', 'http://127.0.0.1:9/x', { kind: 'discord', url: new URL('http://127.0.0.1:9/x') }],
])('a credential of %s is read', (kind, text, expected) => {
  expect(readNotifyCredential(kind, text)).toEqual(expected);
});

it.each<[Parameters<typeof readNotifyCredential>[0], string]>([
  ['webhook', 'canary'],
  ['webhook', ''],
  ['webhook', 'canary-canary-canary\nanother'],
  ['smtp', 'canary'],
  ['smtp', 'canary\n\n'],
  ['smtp', 'canary\nb\nc'],
  ['smtp', 'can\u0000ary\npassword'],
  ['slack', 'http://hooks.example/canary'],
  ['slack', 'https://canary@hooks.example/x'],
  ['discord', 'canary'],
  ['discord', `https://hooks.example/canary${'x'.repeat(3_000)}`],
])('for %s %j is of no use, and no word of it is said', (kind, text) => {
  const found = readNotifyCredential(kind, text);
  expect(Object.keys(found)).toEqual(['problem']);
  expect(JSON.stringify(found)).not.toContain('canary');
});

it.each([
  ['https://alerts.hoge.com/kokoa', true],
  ['http://127.0.0.1:9000/kokoa', true],
  ['http://[::1]:9000/', true],
  ['http://localhost/x', true],
  ['http://alerts.hoge.com/', false],
  ['http://127.0.0.1.evil.example/', false],
  ['http://localhost.evil.example/', false],
  ['ftp://hoge.com/', false],
  ['file:///etc/passwd', false],
  ['https://user:pass@hoge.com/', false],
  ['https://hoge.com/#x', false],
  ['https://hoge.com/\nx', false],
  ['', false],
])('%j is posted to: %s', (text, isTarget) => {
  expect(targetUrl(text) !== undefined).toBe(isTarget);
});

it.each([
  ['mail.hoge.com', { host: 'mail.hoge.com', port: 587, isLoopback: false }],
  ['mail.hoge.com:465', { host: 'mail.hoge.com', port: 465, isLoopback: false }],
  ['[2001:db8::25]:25', { host: '2001:db8::25', port: 25, isLoopback: false }],
  ['127.0.0.1:1025', { host: '127.0.0.1', port: 1025, isLoopback: true }],
  ['[::1]', { host: '::1', port: 587, isLoopback: true }],
  ['127.0.0.1.evil.example', { host: '127.0.0.1.evil.example', port: 587, isLoopback: false }],
  ['2001:db8::25', undefined],
  ['mail.hoge.com:0', undefined],
  ['mail.hoge.com:70000', undefined],
  ['smtp://mail.hoge.com', undefined],
  ['mail hoge', undefined],
  ['a\nb', undefined],
  ['', undefined],
])('%j is the server %j', (text, server) => {
  expect(readMailServer(text)).toEqual(server);
});
