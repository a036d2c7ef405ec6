// A publisher on loopback for a sweep: the real `kokoa serve` over a real repository, and two nodes that verify everything they are told.
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { trustedDir } from '../../../agent/adapters/trusted-dir.ts';
import { freePort } from '../../../agent/one-file.fixture.ts';
import { BUNDLE_MEDIA_TYPE, type BundleResponse } from '../../../bundle/api.ts';
import { mintToken } from '../../../reconciler/adapters/token-mint.ts';
import { pushDelivery, WEBHOOK_SECRET, withToken } from '../../../reconciler/running-site.fixture.ts';
import { FLEET, route } from '../../../reconciler/site.fixture.ts';
import { startProgram } from './started-program.ts';

const PROGRAM = fileURLToPath(new URL('../../../reconciler/main.ts', import.meta.url));
const NODES = ['e1', 'e2'] as const;
/** Pushes are announced; after runs that failed, announcements wait longer than this. */
const POLL_SECONDS = '1';
const ANSWER_MS_MAX = 5_000;

/** A repository with two edges and two origins; nothing is served yet. */
export async function openSweptPublisher() {
  const top = await realpath(await mkdtemp(join(tmpdir(), 'kokoa-publisher-')));
  const repository = join(top, 'repository');
  const tokens = {
    e1: await mintToken({ node: 'e1', generation: 1 }),
    e2: await mintToken({ node: 'e2', generation: 1 }),
  };
  const env = {
    NODE_COMPILE_CACHE: join(top, 'compiled'),
    PATH: `${dirname(process.execPath)}:/usr/bin:/bin`,
    HOME: top,
  };
  const secretFile = join(top, 'webhook-secret');
  await writeFile(secretFile, WEBHOOK_SECRET, { mode: 0o600 });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;

  async function git(...args: string[]): Promise<string> {
    const given = { PATH: env.PATH, HOME: top, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' };
    const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.com'];
    const { stdout } = await execa('git', [...identity, ...args], { cwd: repository, env: given, extendEnv: false });
    return stdout;
  }
  /** Answers the commit. */
  async function commit(files: Record<string, string>): Promise<string> {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(repository, path)), { recursive: true });
      await writeFile(join(repository, path), text);
    }
    await git('add', '-A');
    await git('commit', '--quiet', '--allow-empty', '-m', 'change');
    return git('rev-parse', 'HEAD');
  }
  async function ask(node: (typeof NODES)[number], accept: string): Promise<unknown> {
    const headers = { authorization: `Bearer ${tokens[node].token}`, accept };
    const response = await fetch(`${url}/api/v1/edge-nodes/me/config`, {
      headers,
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    });
    if (response.status !== 200) throw new Error(`${node} is answered ${response.status}: ${await response.text()}`);
    return response.json();
  }

  async function portOf(node: (typeof NODES)[number]): Promise<number> {
    const { routes } = (await ask(node, 'application/json')) as { routes: Record<string, string> };
    return Number(routes['app.hoge.com']?.split(':')[1]);
  }

  await mkdir(repository);
  await git('init', '--quiet', '-b', 'main');
  const files = Object.entries(FLEET).map(([path, text]) => [path, text ?? ''] as const);
  const edges = { 'edges/e1.yaml': withToken('e1', tokens.e1), 'edges/e2.yaml': withToken('e2', tokens.e2) };
  await commit({ ...Object.fromEntries(files), ...edges });

  return {
    ...{ top, env, commit, repository },
    /** The one route that changes goes to this port. Answers the commit. */
    routeTo: (backendPort: number) => commit({ 'routes/hoge/app.yaml': route('app.hoge.com', 'o1', backendPort) }),
    kokoa: (args: readonly string[], hold?: string) =>
      startProgram([PROGRAM, ...args], { env, cwd: top, ...(hold && { hold }) }),
    serve: (dataDir: string, hold?: string) =>
      startProgram(
        [
          ...[PROGRAM, 'serve', '--repository', repository, '--data', dataDir, '--listen', `127.0.0.1:${port}`],
          ...['--webhook-secret-file', secretFile, '--poll-seconds', POLL_SECONDS, '--log-format', 'json'],
        ],
        { env, cwd: top, ...(hold && { hold }) },
      ),
    /** False: nobody is there. */
    async announce(commitId: string): Promise<boolean> {
      const delivery = { method: 'POST', ...pushDelivery(commitId), signal: AbortSignal.timeout(ANSWER_MS_MAX) };
      return fetch(`${url}/webhooks/github`, delivery).then(
        ({ ok }) => ok,
        () => false,
      );
    },
    /** Where each node is told that the route leads. @throws Error when it is not told */
    ports: () => Promise.all(NODES.map(portOf)),
    /** The same, each asked when the one before has its answer, all of them twice. @throws Error when one is not told */
    async portsInTurn(): Promise<number[]> {
      const told: number[] = [];
      for (const node of [...NODES, ...NODES]) told.push(await portOf(node));
      return told;
    },
    /** Nodes that remember in `memory` what they accepted, as agents do. Answers the hash of each config. @throws Error when one refuses */
    async accepted(memory: string, fingerprint: string): Promise<string[]> {
      return Promise.all(
        NODES.map(async (node) => {
          const directory = join(memory, node);
          await mkdir(directory, { recursive: true });
          const bundle = (await ask(node, BUNDLE_MEDIA_TYPE)) as BundleResponse;
          const acceptance = await trustedDir({ directory, node, fingerprint }).accept(bundle, Date.now());
          if (acceptance.kind === 'refused')
            throw new Error(`${node} refuses: ${acceptance.code} ${acceptance.detail}`);
          return acceptance.verified.configHash;
        }),
      );
    },
    close: () => rm(top, { recursive: true, force: true }),
  };
}
