// The whole reconciler on loopback for tests: a real repository that is changed with git, a real store, real keys, a real port.
import { createHmac } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { createDevelopmentKeys } from './adapters/key-files.ts';
import { type MintedToken, mintToken } from './adapters/token-mint.ts';
import { edge, type Files, FLEET } from './site.fixture.ts';
import { type ReconcilerOptions, type RunningReconciler, startReconciler } from './wiring.ts';

export const WEBHOOK_SECRET = 'a webhook secret';
/** No test waits for it: what happens was announced, or is not due to git. */
const POLL_MS = 60_000;

export interface RunningSite {
  top: string;
  repository: string;
  dataDir: string;
  /** The tokens of FLEET's edges. */
  tokens: Record<'e1' | 'e2', MintedToken>;
  /** What the reconcilers logged. */
  lines: string[];
  git(...args: string[]): Promise<string>;
  /** Commits on what is checked out; undefined removes a file. Answers the commit. */
  commit(files: Files): Promise<string>;
  start(change?: Partial<ReconcilerOptions>): Promise<RunningReconciler>;
  /** Stops what was started and removes everything. */
  end(): Promise<void>;
}

/** FLEET on branch main, with tokens that can be used. */
export async function createRunningSite(): Promise<RunningSite> {
  const top = await mkdtemp(join(tmpdir(), 'kokoa-running-'));
  const [repository, dataDir, keysDir] = [join(top, 'repository'), join(top, 'data'), join(top, 'keys')];
  const running: RunningReconciler[] = [];
  const lines: string[] = [];
  const [e1, e2] = await Promise.all(['e1', 'e2'].map((node) => mintToken({ node, generation: 1 })));
  const tokens = { e1: e1!, e2: e2! };
  await createDevelopmentKeys(keysDir, new Date());
  await runGit(top, 'init', '--quiet', '-b', 'main', repository);
  const site: RunningSite = {
    ...{ top, repository, dataDir, tokens, lines },
    git: (...args) => runGit(repository, ...args),
    async commit(files) {
      for (const [path, text] of Object.entries(files)) {
        await mkdir(dirname(join(repository, path)), { recursive: true });
        if (text === undefined) await rm(join(repository, path));
        else await writeFile(join(repository, path), text);
      }
      await site.git('add', '-A');
      await site.git('commit', '--quiet', '--allow-empty', '-m', 'change');
      return site.git('rev-parse', 'HEAD');
    },
    async start(change = {}) {
      const one = await startReconciler({
        ...{ repository, branch: 'main', dataDir, keysDir, listen: { host: '127.0.0.1', port: 0 } },
        secrets: { secretsDir: undefined, credentialsDir: undefined, env: {} },
        ...{ tls: undefined, behindProxy: false, gitCaFile: undefined, gitAuthorization: undefined },
        ...{ webhookSecret: WEBHOOK_SECRET, pollMs: POLL_MS, logFormat: 'text' },
        writeLog: (line) => void lines.push(line),
        ...change,
      });
      running.push(one);
      return one;
    },
    async end() {
      for (const one of running.splice(0)) await one.stop();
      await rm(top, { recursive: true, force: true });
    },
  };
  await site.commit({ ...FLEET, 'edges/e1.yaml': withToken('e1', e1!), 'edges/e2.yaml': withToken('e2', e2!) });
  return site;
}

/** The file of an edge whose token is this one. */
export function withToken(name: string, token: Pick<MintedToken, 'sha256'>, more: Parameters<typeof edge>[1] = {}) {
  return edge(name, more).replace(/^token: .*$/m, `token: sha256:${token.sha256}`);
}

/** The status, or for 200 the routes of the config as any HTTP client reads them. */
export async function configOver({ url }: RunningReconciler, token: string): Promise<number | Record<string, string>> {
  const response = await fetch(`${url}/api/v1/edge-nodes/me/config`, { headers: { authorization: `Bearer ${token}` } });
  const body = (await response.json()) as { routes: Record<string, string> };
  return response.status === 200 ? body.routes : response.status;
}

/** A push of the branch as GitHub signs and posts it. */
export function pushDelivery(after: string, delivery = 'd'): { body: string; headers: Record<string, string> } {
  const body = JSON.stringify({ ref: 'refs/heads/main', after, deleted: /^0+$/.test(after) });
  return {
    body,
    headers: {
      'content-type': 'application/json',
      'x-github-event': 'push',
      'x-github-delivery': delivery,
      'x-hub-signature-256': `sha256=${createHmac('sha256', WEBHOOK_SECRET).update(body).digest('hex')}`,
    },
  };
}

/** The status of the answer. */
export async function announcePush({ url }: RunningReconciler, after: string, delivery?: string): Promise<number> {
  const response = await fetch(`${url}/webhooks/github`, { method: 'POST', ...pushDelivery(after, delivery) });
  await response.arrayBuffer();
  return response.status;
}

async function runGit(cwd: string, ...args: string[]): Promise<string> {
  const env = { PATH: process.env.PATH!, HOME: cwd, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' };
  const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.com'];
  return (await execa('git', [...identity, ...args], { cwd, env, extendEnv: false, stdin: 'ignore' })).stdout;
}
