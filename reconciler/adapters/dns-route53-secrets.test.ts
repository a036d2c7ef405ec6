// The access key stays where it was put, and nobody is asked but the one address.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect, it, onTestFinished, test, vi } from 'vitest';
import type { Mischief } from './dns-route53.fixture.ts';
import { createRoute53Zone } from './dns-route53.ts';
import { CREDENTIALS, never, openRoute53, ZONE } from './dns-route53-open.fixture.ts';
import { errorXml, invalidBatchXml } from './dns-route53-xml.fixture.ts';

const EACH = Object.values(CREDENTIALS);
const ALL = EACH.join(' ');

function expectNoSecret(found: unknown): void {
  const error = found as { message?: string; stack?: string; hint?: string };
  const texts = [
    inspect(found, { depth: 10, showHidden: true }),
    JSON.stringify(found),
    error?.message,
    error?.stack,
    error?.hint,
  ];
  for (const secret of EACH) expect(texts.join('\n')).not.toContain(secret);
}

it.each<[string, Mischief]>([
  ['a refusal that repeats them', { kind: 'answer', status: 403, body: errorXml('SignatureDoesNotMatch', ALL) }],
  ['a refusal whose code they are', { kind: 'answer', status: 400, body: errorXml(CREDENTIALS.secretAccessKey, ALL) }],
  ['a refusal in its other form', { kind: 'answer', status: 400, body: invalidBatchXml(EACH) }],
  ['throttling', { kind: 'answer', status: 400, body: errorXml('Throttling', ALL) }],
  ['an error of the server', { kind: 'answer', status: 500, body: errorXml('InternalFailure', ALL) }],
  ['a page that repeats them', { kind: 'answer', status: 200, body: `<html>${ALL}</html>` }],
  ['a redirect', { kind: 'answer', status: 302, headers: { location: `http://127.0.0.1:1/?${encodeURI(ALL)}` } }],
  ['a cut connection', { kind: 'cut' }],
  ['silence', { kind: 'late' }],
])('no error after %s has a part of the key in it', async (_, how) => {
  const { access, double } = await openRoute53({ requestMsMax: how.kind === 'late' ? 300 : 5_000 });
  double.misbehave('list', how);
  const error = await access.list(never).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Error);
  expectNoSecret(error);
  double.misbehave('batch', how);
  const name = `a.${ZONE}`;
  const written = await access.write(
    [[{ name, before: [], after: [{ type: 'A', ttl: 60, values: ['203.0.113.1'] }] }]],
    never,
  );
  expect(written.outcomes[0]?.kind).toMatch(/unknown|refused/);
  expectNoSecret(written);
});

test('whoever looks at the zone in a log sees no part of the key', async () => {
  const { access } = await openRoute53();
  await access.list(never);
  expectNoSecret(access);
});

it.each([
  [
    'another secret',
    { secretAccessKey: CREDENTIALS.secretAccessKey.replace('canary', 'Canary') },
    /SignatureDoesNotMatch/,
  ],
  ['another key', { accessKeyId: 'AKIACANARYCANARY0002' }, /InvalidClientTokenId/],
  ['another session', { sessionToken: 'x'.repeat(32) }, /InvalidClientTokenId/],
])('%s is refused', async (_, other, message) => {
  const { access } = await openRoute53({ credentials: { ...CREDENTIALS, ...other } });
  await expect(access.list(never)).rejects.toMatchObject({
    code: 'dns_credentials',
    message: expect.stringMatching(message),
  });
});

test('a redirect is not followed, wherever it leads', async () => {
  const { access, double } = await openRoute53();
  const location = `${double.endpoint}/2013-04-01/hostedzonesbyname`;
  double.misbehave('list', { kind: 'answer', status: 307, headers: { location } });
  await expect(access.list(never)).rejects.toMatchObject({ code: 'dns_unreachable' });
  expect(double.asked).toEqual(['zones', 'list']);
});

it.each([
  'http://203.0.113.1',
  'https://user:word@hoge.example',
  'https://hoge.example/path',
  'https://hoge.example/?a=b',
  'file:///etc/passwd',
  'none',
])('the key is not sent to %s', (endpoint) => {
  const create = () => createRoute53Zone({ zone: ZONE, credentials: CREDENTIALS, endpoint });
  expect(create).toThrow(expect.objectContaining({ code: 'dns_unreachable' }));
});

test('environment and files of other AWS tools change nothing, and nobody else is asked', async () => {
  const { access, double } = await openRoute53();
  const folder = await mkdtemp(join(tmpdir(), 'kokoa-route53-'));
  const trap = 'http://127.0.0.2:9';
  const config = join(folder, 'config');
  await writeFile(
    config,
    `[default]\nregion = cn-north-1\nendpoint_url = ${trap}\nuse_fips_endpoint = true\nretry_mode = none\n`,
  );
  const keys = join(folder, 'credentials');
  await writeFile(keys, '[default]\naws_access_key_id = OTHER\naws_secret_access_key = OTHER\n');
  const environment = {
    HOME: folder,
    AWS_CONFIG_FILE: config,
    AWS_SHARED_CREDENTIALS_FILE: keys,
    AWS_ACCESS_KEY_ID: 'OTHER',
    AWS_SECRET_ACCESS_KEY: 'OTHER',
    AWS_SESSION_TOKEN: 'OTHER',
    AWS_PROFILE: 'other',
    AWS_REGION: 'cn-north-1',
    AWS_ENDPOINT_URL: trap,
    AWS_ENDPOINT_URL_ROUTE_53: trap,
    AWS_EC2_METADATA_SERVICE_ENDPOINT: trap,
    AWS_CONTAINER_CREDENTIALS_FULL_URI: trap,
    AWS_DEFAULTS_MODE: 'auto',
    AWS_USE_FIPS_ENDPOINT: 'true',
    AWS_USE_DUALSTACK_ENDPOINT: 'true',
    AWS_MAX_ATTEMPTS: '5',
    AWS_AUTH_SCHEME_PREFERENCE: 'none',
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  const tried = new Set<string>();
  const look = (message: unknown) => {
    const { socket } = message as { socket: Socket };
    socket.on('connectionAttempt', (address: string, port: number) => tried.add(`http://${address}:${port}`));
  };
  subscribe('net.client.socket', look);
  onTestFinished(async () => {
    unsubscribe('net.client.socket', look);
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true });
  });

  const here = createRoute53Zone({ zone: ZONE, credentials: CREDENTIALS, endpoint: double.endpoint });
  expect((await here.list(never))?.size).toBe(1);
  double.misbehave('list', { kind: 'answer', status: 503 });
  await expect(here.list(never)).rejects.toMatchObject({ code: 'dns_unreachable' });
  expect(double.asked).toEqual(['zones', 'list', 'list']);
  expect([...tried]).toEqual([double.endpoint]);
  expect((await access.list(never))?.size).toBe(1);
});
