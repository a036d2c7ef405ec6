// Every secret of a whole lab, looked for wherever it must not be: logs, answers, metrics, arguments, environments, git, store, bundles,
// files that others can read, core dumps. What is looked for is read from where each secret lives, so none is forgotten silently.
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import bcrypt from 'bcryptjs';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUNDLE_MEDIA_TYPE } from '../../bundle/api.ts';
import { answered, askControl, bundleOf } from '../../lab/ask.ts';
import { joining } from '../../lab/chapter-joining.ts';
import { routeFile } from '../../lab/example-data.ts';
import { type Fleet, startFleet } from '../../lab/fleet.ts';
import { kokoa, startReconciler } from '../../lab/kokoa-command.ts';
import { labMode } from '../../lab/prerequisites.ts';
import type { Proc } from '../../lab/proc.ts';
import { processesIn } from '../../lab/process-table.ts';
import { createRun, type Run } from '../../lab/run.ts';
import { eventually } from '../../lab/story.ts';
import { WEBHOOK_SECRET } from '../../lab/world.ts';
import { type ProgramCalls, watchPrograms } from './program-calls.ts';
import { filesBelow, findSecrets, type Hit, pemSecrets, type Secret, secretText } from './secret-scan.ts';

const PLAY_MS = 240_000;
const INSPECTOR_PORT = 9229;
const PASSWORD = `canary-${randomBytes(12).toString('hex')}`;
const HASH = bcrypt.hashSync(PASSWORD, 4);
const AUTHORIZATION = `Basic ${Buffer.from(`x-access-token:${randomBytes(15).toString('hex')}`).toString('base64')}`;
const HOST = 'app.hoge.com';
const NODES = { 'edge-1': 'tokyo-1', 'edge-2': 'osaka-1', 'origin-1': 'home', 'origin-2': 'office' } as const;

/** Not of the product: programs and caches of the lab, and its servers' own files. Git's objects are read by git. */
const NOT_LOOKED_AT =
  /^(unit|calls|compile-cache|kokoa-agent\.mjs|offline-root|pki|hosts\/(ca|client|dns)|hosts\/control\/compile-cache|hosts\/git\/(github\.json|git\/server\.json))$|\/objects$/;
/** Where a secret may be, by its name. Everything else is a leak. */
const HOMES: readonly (readonly [secret: RegExp, home: RegExp])[] = [
  [/^token /, /^hosts\/[\w-]+\/(state\/)?token$/],
  [/^(signing|identity|wireguard) /, /^hosts\/[\w-]+\/state\/(signing|identity|wireguard)\.key$/],
  [/^pool identity /, /^hosts\/edge-\d\/state\/pool\.key$/],
  [/^ACME account /, /^hosts\/edge-\d\/state\/acme\/account-[0-9a-f]+\/accounts\/.*\/private_key\.json$/],
  [/^certificate /, /^hosts\/edge-\d\/state\/certs\/\.versions\/[^/]+\/[0-9a-f]+\/key\.pem$/],
  [/^password hash$/, /^hosts\/edge-\d\/state\/users\/[0-9a-f]+\.htpasswd$/],
  [/^online key/, /^keys\/online\.json$/],
  [/^sealing key$/, /^hosts\/control\/data\/sealing\.key$/],
  [/^webhook secret$/, /^hosts\/control\/webhook-secret$/],
  [/^git authorization$/, /^hosts\/control\/git-authorization$/],
  [/^App key/, /^hosts\/git\/github-app\.pem$/],
];
const mayLiveIn = ({ secret, where }: Hit) => HOMES.some(([name, home]) => name.test(secret) && home.test(where));

describe('what the search finds', () => {
  const secret = secretText('canary', 'SqUeAmIsH/+ossifrage?');
  const inside = Buffer.from(`xSqUeAmIsH/+ossifrage?y`);
  it.each([
    ['as it is, over two lines', 'a SqUeAmIsH/+ossi\n  frage? b'],
    ['as base64', inside.toString('base64')],
    ['as base64url, at another offset', Buffer.concat([Buffer.from('z'), inside]).toString('base64url')],
    ['as base64 in lines', inside.toString('base64').replace(/(.{9})/g, '$1\n')],
    ['as hex', inside.toString('hex')],
    ['as hex in capitals', inside.toString('hex').toUpperCase()],
    ['in a URL', `/?q=${encodeURIComponent(inside.toString())}`],
  ])('%s', (_how, text) => {
    expect(findSecrets([secret], 'here', `before ${text} after`)).toEqual([{ secret: 'canary', where: 'here' }]);
    expect(findSecrets([secretText('another', 'SqUeAmIsH/+ossifrage!')], 'here', text)).toEqual([]);
  });
});

const lab = labMode();
if (lab.mode === 'loopback' && process.env.CI === 'true') throw new Error(`this needs the full lab: ${lab.why}`);

describe.runIf(lab.mode === 'full')('the secrets of a whole lab', () => {
  let run: Run;
  let calls: ProgramCalls;
  let fleet: Fleet;
  let reconciler: Proc;
  let secrets: Secret[];

  beforeAll(async () => {
    run = createRun();
    calls = watchPrograms(join(run.directory, 'calls'), [
      'git',
      'wg',
      'wireguard-go',
      'certbot',
      'nft',
      'ss',
      'tee',
      'openssl',
    ]);
    fleet = await startFleet(run);
    reconciler = await withAuthorization(fleet);
    for (const scene of joining.slice(0, 3)) await scene.play(fleet);
    await login(fleet);
    secrets = harvest(fleet);
  }, PLAY_MS);

  afterAll(async () => {
    calls?.stop();
    expect((await run?.end()) ?? []).toEqual([]);
  }, 30_000);

  it('are all there, each in its home, where others cannot read it', () => {
    const hits = [...filesBelow(run.directory, NOT_LOOKED_AT)].flatMap(({ path, mode, content }) =>
      findSecrets(secrets, path, content).map((hit) => ({ ...hit, mode })),
    );
    expect(hits.filter((hit) => !mayLiveIn(hit))).toEqual([]);
    expect(hits.filter(({ mode }) => (mode & 0o007) !== 0)).toEqual([]);
    const found = new Set(hits.map(({ secret }) => secret));
    const nowhere = secrets.map(({ name }) => name).filter((name) => !found.has(name));
    expect(nowhere.filter((name) => !name.startsWith('root key '))).toEqual(['password', 'installation token']);
  });

  it('are in no object of any git repository', async () => {
    const repositories = ['git/git/fleet.git', 'git/fork.git', 'control/data/mirror', 'control/data/pulls'];
    for (const path of repositories) {
      const args = ['-c', 'safe.directory=*', '--git-dir', join(run.directory, 'hosts', path), 'cat-file'];
      const options = { encoding: 'buffer', maxBuffer: 256 * 1024 * 1024 } as const;
      const { stdout } = await execa('git', [...args, '--batch-all-objects', '--batch', '--unordered'], options);
      const content = Buffer.from(stdout);
      if (!/fork|pulls/.test(path)) expect(content.includes('hostname: app.hoge.com')).toBe(true);
      expect(findSecrets(secrets, path, content)).toEqual([]);
    }
  });

  it('are in nothing that the control plane serves, nor in what it answers to nonsense', async () => {
    const { token } = fleet.agents['tokyo-1'];
    const foreign = `${token.slice(0, -4)}AAAA`;
    const bundles = await Promise.all((['tokyo-1', 'osaka-1'] as const).map((edge) => bundleOf(fleet, edge)));
    expect(JSON.stringify(bundles)).toContain('sealed');
    const lists = [
      '/metrics',
      '/openapi.json',
      '/healthz',
      '/readyz',
      ...['routes', 'origins', 'edges'].map((list) => `/api/v1/${list}`),
    ];
    const answers = await Promise.all([
      ...lists.map((path) => askControl(fleet, path, token)),
      ...[token, foreign].map((one) => askControl(fleet, '/api/v1/edge-nodes/me/config', one, BUNDLE_MEDIA_TYPE)),
      ...hostileRequests(token, foreign).map((request) => answered(fleet, { ...fleet.control, ...request })),
    ]);
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status >= 500)).toEqual([]);
    expect(statuses.filter((status) => status >= 400).length).toBeGreaterThan(5);
    // What one sends back to oneself is no leak; a token that is wrong by four characters must not come back either.
    const said = answers.map(({ status, headers, body }) => `${status} ${JSON.stringify(headers)} ${body}`);
    expect(
      findSecrets(
        [...secrets, secretText('foreign', foreign)],
        'answers',
        [...said, JSON.stringify(bundles)].join('\n'),
      ),
    ).toEqual([]);
  });

  it('are in nothing that the commands print', async () => {
    const { directory } = fleet.developer;
    const state = fleet.agents['tokyo-1'];
    const torn = ['--cert', join(state.stateDir, 'signing.key'), '--key', join(state.stateDir, 'token')];
    const said = [
      await kokoa(run, fleet.operator, ['validate', directory]),
      await kokoa(run, fleet.operator, ['plan', directory, '--from', 'HEAD~1', '-o', 'json']),
      await kokoa(run, fleet.operator, ['keys', 'status', '--dir', fleet.keysDir]),
      await state.command(['status']),
      await state.command(['certs', 'import', HOST, ...torn]),
    ];
    expect(said.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0, 1]);
    expect(findSecrets(secrets, 'commands', said.map(({ stdout, stderr }) => stdout + stderr).join('\n'))).toEqual([]);
  });

  it('are in no arguments and no environment, of what runs and of what ran for a moment', async () => {
    const seen = calls.seen();
    const programs = new Set(seen.map(({ program }) => program));
    expect([...programs].sort()).toEqual(expect.arrayContaining(['certbot', 'git', 'nft', 'wg', 'wireguard-go']));
    expect(findSecrets(secrets, 'arguments', seen.map(({ args }) => args).join('\n'))).toEqual([]);
    // The git that fetches takes its header from there; only its own account and root can read it.
    const [ofFetches, ofOthers] = [true, false].map((fetches) =>
      seen.filter(({ args }) => /^fetch /.test(args) === fetches),
    );
    const environments = (list: typeof seen) => list.map(({ environment }) => environment).join('\n');
    expect(findSecrets(secrets, 'environment', environments(ofFetches!)).map(({ secret }) => secret)).toEqual([
      'git authorization',
    ]);
    expect(findSecrets(secrets, 'environment', environments(ofOthers!))).toEqual([]);
    const running = productProcesses(fleet).filter(
      ({ title }) => !/git(-remote-https)? .*\b(fetch|origin)\b/.test(title),
    );
    expect(running.length).toBeGreaterThan(10);
    expect(running.flatMap(({ title, text }) => findSecrets(secrets, title, text))).toEqual([]);
  });

  it('are dumped by no crash: not by an agent, nginx, the tunnel or the reconciler', async () => {
    const running = productProcesses(fleet).filter(({ title }) => !/ join /.test(title));
    expect(running.filter(({ limits, filter }) => !/^Max core file size +0 +0 /m.test(limits) || filter !== 0)).toEqual(
      [],
    );
    const agent = fleet.agents['osaka-1'].agent();
    for (const { pid } of running.filter(({ title }) => /^nginx: worker/.test(title)).slice(0, 1))
      process.kill(pid, 'SIGSEGV');
    agent.signal('SIGSEGV');
    expect(await agent.ended()).toMatchObject({ signal: 'SIGSEGV' });
    const dumps = [...filesBelow(run.directory, /^unit$|\/objects$/)].filter(({ path, content }) => {
      return /(^|\/)(core|report|Heap)[^/]*$/.test(path) || content.subarray(0, 4).equals(Buffer.from('\x7fELF'));
    });
    expect(dumps.map(({ path }) => path)).toEqual([]);
  });

  it('are opened to no debugger by a signal', async () => {
    const asked = [fleet.agents['tokyo-1'].agent(), reconciler];
    for (const proc of asked) proc.signal('SIGUSR1');
    await delay(300);
    for (const proc of asked) {
      expect(proc.alive()).toBe(true);
      expect(proc.log()).not.toContain('Debugger listening');
      expect(readFileSync(`/proc/${proc.pid}/net/tcp`, 'utf8')).not.toContain(
        `:${INSPECTOR_PORT.toString(16).toUpperCase()} `,
      );
    }
  });
});

/** The reconciler again, with a header for git beside everything else that it was told. */
async function withAuthorization(fleet: Fleet): Promise<Proc> {
  const first = fleet.reconciler();
  const words = readFileSync(`/proc/${first.pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  await first.stop();
  const host = fleet.network.hosts.control;
  const file = join(host.directory, 'git-authorization');
  writeFileSync(file, `${AUTHORIZATION}\n`, { mode: 0o600 });
  const args = [...words.slice(words.indexOf('serve') + 1), '--git-authorization-file', file];
  return startReconciler(fleet.run, host, { args, port: fleet.control.port!, caFile: fleet.pki.caFile });
}

/** A sealed password in git; then it is asked for, and given, at the door. */
async function login(fleet: Fleet): Promise<void> {
  const { body } = await askControl(fleet, '/api/v1/sealing-key', undefined);
  const { recipient } = JSON.parse(body) as { recipient: string };
  const seal = ['seal', '--team', 'hoge', '--to', recipient, '--users'];
  const sealed = await kokoa(fleet.run, fleet.operator, seal, `alice:${HASH}\n`);
  const route = `${routeFile(HOST, 'home', 8080)}${sealed.stdout}`;
  await fleet.developer.commit({ [`routes/hoge/${HOST}.yaml`]: route }, 'ask for a password');
  const authorization = `Basic ${Buffer.from(`alice:${PASSWORD}`).toString('base64')}`;
  for (const name of ['tokyo-1', 'osaka-1'] as const) {
    const { address, httpsPort } = fleet.doors[name];
    const target = { hostname: HOST, address, port: httpsPort, ca: await fleet.publicRoot() };
    let last: unknown;
    await eventually({
      expected: `401 without, 200 with the password at ${name}`,
      async look() {
        const without = await fleet.client.request(target);
        last = await fleet.client.request({ ...target, headers: { authorization } });
        return isStatus(without, 401) && isStatus(last, 200) ? true : undefined;
      },
      found: () => last,
      timeoutMs: 60_000,
    });
  }
}

function isStatus(result: unknown, status: number): boolean {
  return (result as { status?: number }).status === status;
}

/** Read from where they live. @throws Error when one is not there */
function harvest({ run }: Fleet): Secret[] {
  const read = (path: string) => readFileSync(join(run.directory, path), 'utf8');
  const nodes = Object.entries(NODES).flatMap(([host, node]) => [
    // The signature; what stands before it is no secret.
    secretText(`token ${node}`, read(`hosts/${host}/state/token`).trim().split('.').at(-1)!),
    ...pemSecrets(`signing ${node}`, read(`hosts/${host}/state/signing.key`)),
    secretText(`identity ${node}`, read(`hosts/${host}/state/identity.key`)),
    { name: `wireguard ${node}`, bytes: Buffer.from(read(`hosts/${host}/state/wireguard.key`), 'base64') },
  ]);
  const edges = ['edge-1', 'edge-2'].flatMap((host) => {
    const state = join(run.directory, 'hosts', host, 'state');
    const files = [...filesBelow(state, /^(run|releases|bundles)$/)].map(({ path, content }) => ({
      path,
      text: content.toString(),
    }));
    const accounts = files.filter(({ path }) => path.endsWith('/private_key.json'));
    const keys = files.filter(({ path }) => path.endsWith('/key.pem'));
    if (accounts.length === 0 || keys.length === 0) throw new Error(`${host} has no account or no certificate`);
    return [
      secretText(
        `pool identity of ${host}`,
        (JSON.parse(read(`hosts/${host}/state/pool.key`)) as { identity: string }).identity,
      ),
      ...accounts.map(({ text }) => ({
        name: `ACME account of ${host}`,
        bytes: Buffer.from((JSON.parse(text) as { d: string }).d, 'base64url'),
      })),
      ...keys.flatMap(({ path, text }) => pemSecrets(`certificate ${path.split('/').at(-3)} on ${host}`, text)),
    ];
  });
  return [
    ...[...nodes, ...edges, secretText('password', PASSWORD), secretText('password hash', HASH.slice(7))],
    ...pemSecrets('online key', read('keys/online.json')),
    secretText('sealing key', read('hosts/control/data/sealing.key').match(/AGE-SECRET-KEY-\S+/)![0]),
    secretText('webhook secret', WEBHOOK_SECRET),
    secretText('git authorization', AUTHORIZATION.slice('Basic '.length)),
    ...pemSecrets('App key', read('hosts/git/github-app.pem')),
    secretText('installation token', `ghs_0${'s'.repeat(36)}`),
    ...readdirSync(join(run.directory, 'offline-root')).flatMap((name) =>
      pemSecrets(`root key ${name}`, read(`offline-root/${name}`)),
    ),
  ];
}

/** What nobody should send: wrong shapes, with a token in every place where one could be repeated. */
function hostileRequests(token: string, foreign: string) {
  const authorization = `Bearer ${token}`;
  const json = { 'content-type': 'application/json', authorization };
  const hook = {
    'content-type': 'application/json',
    'x-github-event': 'push',
    'x-hub-signature-256': `sha256=${foreign}`,
  };
  const status = '/api/v1/edge-nodes/me/status';
  return [
    { path: `/api/v1/edges?token=${foreign}` },
    { path: `/${foreign}` },
    { path: '/api/v1/edges', headers: { authorization: `Bearer ${foreign}` } },
    { path: '/api/v1/edges', headers: { authorization: `Basic ${foreign}` } },
    { path: status, method: 'POST', headers: json, body: `{"state": "${foreign}"` },
    {
      path: status,
      method: 'POST',
      headers: json,
      body: JSON.stringify({ state: foreign, enrolment: { [foreign]: foreign } }),
    },
    {
      path: '/api/v1/routes',
      method: 'POST',
      headers: json,
      body: JSON.stringify({ hostname: foreign, token: foreign }),
    },
    { path: '/api/v1/routes', method: 'POST', headers: { ...json, authorization: `Bearer ${foreign}` }, body: '{}' },
    { path: '/webhooks/github', method: 'POST', headers: hook, body: JSON.stringify({ ref: foreign }) },
    { path: '/webhooks/github', method: 'POST', headers: { ...hook, 'x-github-event': foreign }, body: foreign },
  ];
}

/** Agents, reconciler, and all they started. */
function productProcesses({ network }: Fleet) {
  const names = ['control', ...Object.keys(NODES)] as const;
  const namespaces = names.map((name) => network.hosts[name as keyof typeof network.hosts].namespace!);
  return processesIn(namespaces).flatMap(({ pid }) => {
    const of = (file: string) => readFileSync(`/proc/${pid}/${file}`, 'latin1');
    try {
      const title = of('cmdline').split('\0').join(' ');
      if (/origin-app|probe-/.test(title)) return [];
      return [
        {
          pid,
          title,
          text: `${title}\n${of('environ')}`,
          limits: of('limits'),
          filter: Number(`0x${of('coredump_filter')}`),
        },
      ];
    } catch {
      // It has ended.
      return [];
    }
  });
}
