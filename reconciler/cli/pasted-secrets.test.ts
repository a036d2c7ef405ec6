// A password that somebody pasted into the data stands in nothing that is printed about it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { judgeDir, renderJudgement } from './validate.ts';

const PASSWORD = 'hunter2hunter2';
const ROUTE = 'hostname: app.hoge.com\norigin: home\nport: 8080\n';
const KOKOA = `controlPlane: {urls: ['https://control.hoge.com:8443']}
acme: {server: 'https://ca.example/dir'}
teams: [{name: hoge, hostnames: ['*.hoge.com']}]
network: {wireguard: 10.100.0.0/16}
pools: [{name: default}]
`;
const ORIGIN = `name: home\nteams: [hoge]\nwireguard: {address: 10.100.1.1}\n`;
const TOKEN = `token: sha256:${'1'.repeat(64)}\n`;

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'kokoa-pasted-'));
  for (const folder of ['routes/hoge', 'origins']) mkdirSync(join(dir, folder), { recursive: true });
  put('kokoa.yaml', KOKOA);
  put('origins/home.yaml', ORIGIN + TOKEN);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function put(path: string, text: string): void {
  writeFileSync(join(dir, path), text);
}

/** All that can be printed, and logged, about the folder. */
function printed(): string {
  const judgement = judgeDir(dir);
  expect(judgement.problems).not.toEqual([]);
  const outputs = (['text', 'json', 'github'] as const).map((format) => renderJudgement(judgement, dir, format));
  return [...outputs, JSON.stringify(judgement.problems)].join('\n');
}

it.each([
  `auth:\n  basic:\n    users:\n      alice: ${PASSWORD}`,
  `auth:\n  basic:\n    users:\n      ${PASSWORD}: x\n      ${PASSWORD}: y`,
  `auth:\n  basic:\n    password: ${PASSWORD}`,
  `auth:\n  basic:\n    users:\n      - alice:$2y$05$${PASSWORD}`,
  `auth:\n  basic:\n    users: |\n      alice:${PASSWORD}\n      bob:${PASSWORD}`,
  `auth:\n  basic:\n    users: |\n    alice:${PASSWORD}\n  bob: [${PASSWORD}\n`,
  `auth: {basic: {users: {alice: ${PASSWORD}}}}`,
  `auth: {basic: {users: {alice: ${PASSWORD}}}`,
  `auth: ["${PASSWORD}", ${PASSWORD}]`,
  `auth:\n  users:\n    alice: '${PASSWORD}'`,
  `auth:\n  basic:\n    users: {sealed: ${PASSWORD}, file: ${PASSWORD}}`,
  `auth:\n  basic:\n    users:\n      alice: &${PASSWORD}`,
  `auth:\n  basic:\n\t  users: ${PASSWORD}`,
  `paths:\n  - prefix: /a\n    auth:\n      basic:\n        users: [[${PASSWORD}]]`,
  `basicAuth:\n  - {name: alice, password: ${PASSWORD}}\n  - ${PASSWORD}\n`,
  `headers:\n  request:\n    set:\n      X-Thing: '${PASSWORD}\\'\n`,
  `headers:\n  request:\n    set: {Authorization: Basic ${PASSWORD}}\n`,
  `redirect: {to: 'https://alice:${PASSWORD}@hoge.com'}`,
  `redirect: https://alice:${PASSWORD}@hoge.com`,
  `pool: https://alice:${PASSWORD}@hoge.com`,
  `pool: sk_live_${PASSWORD}`,
  `sk_live_${PASSWORD}: 1`,
  `# sk_live_${PASSWORD}`,
  `originTls:\n  verify: ca\n  ca: |\n    -----BEGIN PRIVATE KEY-----\n    ${PASSWORD}\n    -----END PRIVATE KEY-----`,
  `originTls:\n  verify: ca\n  ca: -----BEGIN EC PRIVATE KEY-----\n${PASSWORD}\n-----END EC PRIVATE KEY-----`,
])('of a route with %j', (lines) => {
  put('routes/hoge/app.yaml', `${ROUTE}${lines}\n`);
  expect(printed()).not.toContain(PASSWORD);
});

it.each([
  ['origins/home.yaml', `${ORIGIN}token: ${PASSWORD}\n`],
  ['origins/home.yaml', `${ORIGIN}${TOKEN}privateKey: ${PASSWORD}\n`],
  ['origins/home.yaml', `${ORIGIN}${TOKEN}# PrivateKey = ${PASSWORD}${'a'.repeat(29)}=\n`],
  ['kokoa.yaml', KOKOA.replace('control.hoge', `alice:${PASSWORD}@control.hoge`).replace('https:', 'http:')],
  ['kokoa.yaml', KOKOA.replace('https://ca', `https://alice:${PASSWORD}@[ca`)],
])('of %s: %j', (path, text) => {
  put(path, text);
  expect(printed()).not.toContain(PASSWORD);
});

it('shows the lines around it that hold none', () => {
  put('routes/hoge/app.yaml', `${ROUTE}prot: 1\nauth: {basic: {users: {alice: ${PASSWORD}}}}\n`);
  expect(printed()).toContain('4 | prot: 1\n');
});

it('is told with the command that helps', () => {
  put('routes/hoge/app.yaml', `${ROUTE}auth: {basic: {users: {alice: ${PASSWORD}}}}\n`);
  expect(printed()).toContain('run kokoa seal --team hoge, and paste all of what it prints');
});
