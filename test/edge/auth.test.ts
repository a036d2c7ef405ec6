// Who may come in: passwords that the edge knows, and login services that it asks.
import { genSaltSync, hashSync } from 'bcryptjs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { seenBy, visit } from './clients/raw-visit.ts';
import { type OneEdge, startOneEdge } from './one-edge.ts';
import { type EchoOrigin, startEcho } from './origins/echo-origin.ts';
import { LOGIN_PATHS, type LoginService, PORTAL, SIGN_IN_PATH, startLogin } from './origins/login-service.ts';

const BCRYPT_COST = 4;
const HASH = hashSync('open sesame', genSaltSync(BCRYPT_COST));
/** Names of a list that is nearly as long as it may be, and the parts of a site that take it over. */
const MANY = Array.from({ length: 55 }, (_, n) => `visitor${n}`);
const PARTS = Array.from({ length: 31 }, (_, n) => `/part-${n}`);

let edge: OneEdge;
let home: EchoOrigin;
let proxy: LoginService;
let portal: LoginService;

beforeAll(async () => {
  edge = await startOneEdge();
  home = await startEcho(edge.origins.home);
  proxy = await startLogin(edge.origins.login, 'oauth2-proxy');
  portal = await startLogin(edge.origins.login, 'authelia');
  const to = `origin: home\nport: ${home.port}\n`;
  const forward = (service: LoginService, more: string) =>
    `auth:\n  forward:\n    origin: login\n    port: ${service.port}\n    ${more}\n`;
  await edge.publish(
    {
      'routes/hoge/basic.yaml': `hostname: basic.hoge.com\n${to}auth:\n  basic:\n    users: {file: door}\n`,
      'routes/hoge/parts.yaml': `hostname: parts.hoge.com\n${to}auth:\n  basic:\n    users: {file: many}\npaths:\n${PARTS.map((prefix) => `  - prefix: ${prefix}\n    deny: [192.0.2.1]\n`).join('')}  - prefix: /open\n    public: true\n`,
      'routes/hoge/unsent.yaml': `hostname: unsent.hoge.com\n${to}auth:\n  basic:\n    users: {file: missing}\n`,
      'routes/hoge/oauth.yaml': `hostname: oauth.hoge.com\n${to}${forward(
        proxy,
        `path: ${LOGIN_PATHS['oauth2-proxy']}\n    signIn: ${SIGN_IN_PATH}\n    identityHeaders: [X-Auth-Request-User, X-Auth-Request-Email]`,
      )}`,
      'routes/hoge/portal.yaml': `hostname: portal.hoge.com\n${to}${forward(
        portal,
        `path: ${LOGIN_PATHS.authelia}\n    identityHeaders: [Remote-User]`,
      )}`,
    },
    { secrets: { 'hoge/door': `alice:${HASH}\n`, 'hoge/many': MANY.map((name) => `${name}:${HASH}\n`).join('') } },
  );
});
afterAll(async () => {
  await edge?.end();
  await Promise.all([home?.end(), proxy?.end(), portal?.end()]);
});
beforeEach(() => {
  home.clear();
  proxy.questions.splice(0);
});

const credentials = (text: string) => ({ Authorization: `Basic ${Buffer.from(text).toString('base64')}` });

describe('basic', () => {
  test.each([
    ['basic.hoge.com', 'nothing', {}],
    ['basic.hoge.com', 'a wrong password', credentials('alice:open')],
    ['basic.hoge.com', 'an unknown name', credentials('bob:open sesame')],
    ['unsent.hoge.com', 'the right name where the users are not there yet', credentials('alice:open sesame')],
  ])('%s with %s does not let in', async (host, _title, headers) => {
    const answer = await visit(edge, { host, headers });
    expect([401, 403]).toContain(answer.status);
    expect(home.seen).toEqual([]);
  });

  test('the right name and password let in', async () => {
    expect(seenBy(await visit(edge, { host: 'basic.hoge.com', headers: credentials('alice:open sesame') })).url).toBe(
      '/',
    );
  });
});

describe('a login that every path of a route takes over', () => {
  const ask = (path: string, headers = {}) => visit(edge, { host: 'parts.hoge.com', path, headers });

  test('lets nobody into any of them without the password, and none but those that are public', async () => {
    const answers = await Promise.all(
      ['/', ...PARTS].flatMap((path) => [ask(path), ask(path, credentials('visitor7:x'))]),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
    expect(home.seen).toEqual([]);
    expect(seenBy(await ask('/open')).url).toBe('/open');
  });

  test('lets into each of them with it', async () => {
    const paths = ['/', ...PARTS];
    const known = credentials(`${MANY.at(-1)}:open sesame`);
    const answers = await Promise.all(paths.map((path) => ask(path, known)));
    expect(answers.map((answer) => seenBy(answer).url)).toEqual(paths);
  });
});

describe('forward', () => {
  const host = 'oauth.hoge.com';

  test('who is known to the login service comes in, and the service is told who it is', async () => {
    const headers = { Cookie: 'session=alice', 'X-Auth-Request-User': 'root', x_auth_request_email: 'root@hoge.com' };
    const seen = seenBy(await visit(edge, { host, path: '/a?b', method: 'POST', body: 'body', headers }));
    expect(seen.headers).toMatchObject({
      'x-auth-request-user': 'alice',
      'x-auth-request-email': 'alice@hoge.com',
    });
    expect(seen.rawHeaders.join('\n')).not.toMatch(/root/);
    expect(seen).toMatchObject({ url: '/a?b', bodyBytes: 4 });
    expect(proxy.questions).toHaveLength(1);
    expect(proxy.questions[0]).toMatchObject({ bodyBytes: 0 });
    expect(JSON.stringify(proxy.questions[0])).not.toContain('x_auth');
  });

  test('who is not known sees the page of the login service, and the service nothing', async () => {
    const answer = await visit(edge, { host });
    expect(answer.body).toContain('Sign in');
    expect(home.seen).toEqual([]);
  });

  test('where the login service leads elsewhere, the visitor goes there', async () => {
    const answer = await visit(edge, { host: 'portal.hoge.com' });
    expect([answer.status, answer.headers.location]).toEqual([302, `${PORTAL}?rd=here`]);
    const known = await visit(edge, { host: 'portal.hoge.com', headers: { Cookie: 'session=bob' } });
    expect(seenBy(known).headers['remote-user']).toBe('bob');
  });

  test('nobody asks the login service past the edge, not even somebody it knows', async () => {
    const answer = await visit(edge, { host, path: '/.kokoa/login', headers: { Cookie: 'session=alice' } });
    expect(answer.status).toBe(404);
    expect(proxy.questions.map(({ url }) => url)).toEqual([]);
  });

  test.each([403, 404, 500])('a login service that answers %i lets nobody in', async (status) => {
    proxy.answerWith(status);
    const answer = await visit(edge, { host, headers: { Cookie: 'session=alice' } });
    proxy.answerWith(undefined);
    expect(answer.status).toBeGreaterThanOrEqual(status === 403 ? 403 : 500);
    expect(home.seen).toEqual([]);
  });
});
