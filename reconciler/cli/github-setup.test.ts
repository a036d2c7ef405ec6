// The two steps of the App manifest flow. GitHub's answer is the example of its own description, with a real key in it; the request is held
// against that description.
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { answerProblems, exampleOf, operationOf, requestProblems } from '../adapters/github-contract.fixture.ts';
import type { Json } from '../adapters/github-description.fixture.ts';
import { appManifest, appPage, codeIn } from '../core/github-app.ts';
import { registerGithub } from './github-setup.ts';
import { runCommand } from './run-command.fixture.ts';

const OPERATION = 'post /app-manifests/{code}/conversions';
const CODE = 'a180b1a3d263c81bc6441d7b990bae27d4c10679';
const ADDRESS = `http://localhost:8976/kokoa-github-app?code=${CODE}`;
const MAIN = join(import.meta.dirname, '..', 'main.ts');
const PEM = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs1', format: 'pem' });
const SECRET = 'e340154128314309424b7c8e90325147d99fdafa';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'kokoa-github-setup-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const setup = (...args: string[]) => runCommand(registerGithub, ['github', 'setup', '--dir', dir, ...args]);

test('the first step prints the manifest and writes a page that posts it', async () => {
  const ran = await setup('--url', 'https://control.hoge.com:8443/', '--organization', 'octo-org');
  const manifest = JSON.parse(ran.stdout) as Record<string, unknown>;
  expect(manifest).toEqual({
    name: 'Kokoa control.hoge.com',
    url: 'https://control.hoge.com:8443',
    description: expect.any(String),
    hook_attributes: { url: 'https://control.hoge.com:8443/webhooks/github', active: true },
    redirect_url: 'http://localhost:8976/kokoa-github-app',
    public: false,
    default_permissions: {
      ...{ checks: 'write', contents: 'write', deployments: 'write', metadata: 'read' },
      ...{ pull_requests: 'write', statuses: 'write' },
    },
    default_events: ['push', 'pull_request'],
  });
  const page = readFileSync(join(dir, 'kokoa-app.html'), 'utf8');
  expect(page).toContain('action="https://github.com/organizations/octo-org/settings/apps/new" method="post"');
  const value = /name="manifest" value="([^"]*)"/.exec(page)![1]!;
  expect(JSON.parse(value.replace(/&#(\d+);/g, (_, number) => String.fromCharCode(number)))).toEqual(manifest);
});

test('in an account of its own the page leads there, and no value ends an attribute', () => {
  const manifest = { ...appManifest('https://control.hoge.com'), description: `"><script>alert('x')</script>&` };
  const page = appPage(manifest, undefined);
  expect(page).toContain('action="https://github.com/settings/apps/new"');
  expect(page).not.toContain('<script>');
});

interface Github {
  url: string;
  problems: string[];
  server: Server;
  requests: number;
}

/** Answers as the description says, or as told. */
async function startGithub(told?: { status: number; body: Json }): Promise<Github> {
  const github: Github = { url: '', problems: [], requests: 0, server: createServer() };
  const made = {
    ...exampleOf(OPERATION, 201),
    id: 4711,
    slug: 'kokoa-hoge',
    pem: PEM as string,
    webhook_secret: SECRET,
  };
  github.server.on('request', (request, response) => {
    github.requests += 1;
    const url = new URL(request.url!, 'http://double');
    const asked = operationOf(request.method!, url.pathname);
    if (asked?.name !== OPERATION || asked.parameters.code !== CODE)
      github.problems.push(`${request.method} ${url.pathname}`);
    else github.problems.push(...requestProblems(asked, url.searchParams, undefined));
    if (request.headers.authorization !== undefined) github.problems.push('a credential');
    const { status, body } = told ?? { status: 201, body: made };
    if (told === undefined) github.problems.push(...answerProblems(OPERATION, status, body));
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => github.server.listen(0, '127.0.0.1', resolve));
  github.url = `http://127.0.0.1:${(github.server.address() as AddressInfo).port}`;
  return github;
}

/** As a program of its own, because it reads standard input. */
async function finish(github: Github, input: string, into = dir) {
  const argv = [MAIN, 'github', 'setup', '--code', '--dir', into, '--github-api', github.url];
  const ran = await execa(process.execPath, argv, { input, reject: false, timeout: 50_000 });
  github.server.close();
  expect(github.problems).toEqual([]);
  return { exitCode: ran.exitCode, stdout: ran.stdout, stderr: ran.stderr, all: `${ran.stdout}\n${ran.stderr}` };
}

test('the second step writes key and secret for nobody else, and says how to go on', async () => {
  const into = join(dir, 'new');
  const { exitCode, stderr, all } = await finish(await startGithub(), `${ADDRESS}\n`, into);
  expect([exitCode, readFileSync(join(into, 'app-key.pem'), 'utf8')]).toEqual([0, PEM]);
  expect(readFileSync(join(into, 'webhook-secret'), 'utf8')).toBe(`${SECRET}\n`);
  for (const name of readdirSync(into)) expect(statSync(join(into, name)).mode & 0o777).toBe(0o600);
  expect(stderr).toContain('--github-app-id 4711 ');
  expect(stderr).toContain('https://github.com/apps/kokoa-hoge/installations/new');
  for (const secret of [CODE, SECRET, 'PRIVATE KEY']) expect(all).not.toContain(secret);
});

test('a code that was copied in part is said to be so, and is neither used nor repeated', async () => {
  const github = await startGithub();
  const { exitCode, stderr } = await finish(github, ADDRESS.replace(CODE, 'abc123'));
  expect([exitCode, github.requests]).toEqual([2, 0]);
  expect(stderr).toMatch(
    /^error: found a code of 6 characters, which seems to be cut off .*\n {2}Copy the whole address: http/,
  );
  expect(stderr).not.toContain('abc123');
});

test.each<[string, { status: number; body: Json }]>([
  ['the code was used', { status: 404, body: { message: `no ${CODE}` } }],
  ['GitHub is down', { status: 502, body: {} }],
  [
    'the answer holds no key',
    { status: 201, body: { id: 1, slug: 'x', html_url: 'x', pem: 'x', webhook_secret: SECRET } },
  ],
])('when %s nothing is written, and the code is in no error', async (_, told) => {
  const { exitCode, all } = await finish(await startGithub(told), CODE);
  expect([exitCode, readdirSync(dir)]).toEqual([1, []]);
  for (const secret of [CODE, SECRET]) expect(all).not.toContain(secret);
});

test('a key that is there stays, and the code is not spent', async () => {
  writeFileSync(join(dir, 'app-key.pem'), 'mine');
  const github = await startGithub();
  const { exitCode, stderr } = await finish(github, CODE);
  expect([exitCode, github.requests, readFileSync(join(dir, 'app-key.pem'), 'utf8')]).toEqual([1, 0, 'mine']);
  expect(stderr).toContain('(file_exists)');
});

test.each([
  [[]],
  [['--url', 'https://c.hoge.com', '--code']],
  [['--url', 'http://c.hoge.com']],
  [['--url', 'https://c.hoge.com/x']],
  [['--url', 'https://c.hoge.com', '--organization', '../x']],
])('%j is wrong usage', async (args) => {
  expect(await setup(...args)).toMatchObject({ exitCode: 2 });
  expect(existsSync(join(dir, 'kokoa-app.html'))).toBe(false);
});

test.each([
  [CODE, CODE],
  [` ${ADDRESS}\n`, CODE],
  [`https://elsewhere.example/?state=x&code=${CODE}`, CODE],
])('the code in %j is found', (pasted, code) => {
  expect(codeIn(pasted)).toBe(code);
});

test.each(['', 'short', '../../user', 'http://localhost:8976/kokoa-github-app', `${CODE}/../x`])(
  'in %j there is none, and it is not repeated',
  (pasted) => {
    expect(() => codeIn(pasted)).toThrow(/^found no code, expected the address/);
  },
);
