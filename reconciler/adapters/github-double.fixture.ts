// GitHub on loopback, or wherever a lab lets it listen. Law: every request it gets and every answer it gives are held against GitHub's own
// description, and what does not fit is in `problems`, for the caller to assert; it misbehaves when told to, as GitHub and what lies between do.
import { generateKeyPairSync } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { jwtVerify } from 'jose';
import { answerProblems, exampleOf, operationOf, requestProblems } from './github-contract.fixture.ts';
import type { Json, JsonObject, OperationName } from './github-description.fixture.ts';
import type { GithubEvent } from './github-event.fixture.ts';
import { type Answer, notFound, refused } from './github-handler.fixture.ts';
import { handlerOf } from './github-handlers.fixture.ts';
import { createMemoryRepository, type GithubRepository } from './github-repository.fixture.ts';
import { APP_ID, createGithubState, type GithubNames, type Who } from './github-state.fixture.ts';

export { APP_ID } from './github-state.fixture.ts';

export type Mischief =
  /** Refused, or broken, without being done. */
  | { kind: 'answer'; status: number; headers?: Record<string, string>; body?: string }
  /** Done, but the answer never comes. */
  | { kind: 'late' }
  /** Done, and the connection is cut before the answer. */
  | { kind: 'cut' };

export const TOKEN = 'github_pat_11AAAAAAA0secretsecretsecret';
/** Whose token it is. */
export const USER: Who = { kind: 'user', id: 5000 };
const app = generateKeyPairSync('rsa', { modulusLength: 2048 });
/** As GitHub hands it out. */
export const APP_KEY = app.privateKey.export({ type: 'pkcs1', format: 'pem' }) as string;

export interface GithubDoubleOptions {
  names?: GithubNames;
  /** Where commits are. Default: in memory. */
  repository?: GithubRepository;
  /** What it posts to webhooks. */
  tell?(event: GithubEvent): void;
  /** Default: any free port of 127.0.0.1. */
  listen?: { address: string; port: number };
  tls?: { cert: string; key: string };
  /** Before every path of the API, as `/api/v3` on a GitHub Enterprise Server. */
  basePath?: string;
}

export type GithubDouble = Awaited<ReturnType<typeof startGithubDouble>>;

export async function startGithubDouble(options: GithubDoubleOptions = {}) {
  const { names, tell = () => undefined, listen = { address: '127.0.0.1', port: 0 }, tls, basePath = '' } = options;
  const state = createGithubState(names);
  const repository = options.repository ?? createMemoryRepository(state);
  const problems: string[] = [];
  const asked: OperationName[] = [];
  const mischief: { on: OperationName; how: Mischief }[] = [];
  const issued = new Map<string, number>();
  const hanging = new Set<ServerResponse>();
  let outage: number | undefined;

  async function whoIs(name: OperationName, request: IncomingMessage): Promise<Who | undefined> {
    const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    const isForApp = name.endsWith('/installation') || name.includes('/app/');
    if (isForApp) return (await isAppJwt(token)) ? { kind: 'app', id: APP_ID } : undefined;
    if (token === TOKEN) return USER;
    return (issued.get(token) ?? 0) > Date.now() ? { kind: 'app', id: APP_ID } : undefined;
  }

  function issueToken(): Answer {
    const token = `ghs_${issued.size}${'s'.repeat(36)}`;
    const expiresMs = Date.now() + 3_600_000;
    issued.set(token, expiresMs);
    const example = exampleOf('post /app/installations/{installation_id}/access_tokens', 201);
    return { status: 201, body: { ...example, token, expires_at: new Date(expiresMs).toISOString() } };
  }

  async function answer(request: IncomingMessage, text: string): Promise<{ answer: Answer; how?: Mischief }> {
    const url = new URL(request.url!, 'http://double');
    const isOfApi = url.pathname.startsWith(`${basePath}/`);
    const found = isOfApi ? operationOf(request.method!, url.pathname.slice(basePath.length)) : undefined;
    if (found === undefined) {
      problems.push(`GitHub has no ${request.method} ${url.pathname}`);
      return { answer: notFound() };
    }
    const { name, parameters } = found;
    asked.push(name);
    const body = text === '' ? undefined : (JSON.parse(text) as Json);
    problems.push(...requestProblems(found, url.searchParams, body), ...headerProblems(name, request));
    if (outage !== undefined) return { answer: { status: outage, body: { message: 'told to be down' } } };
    const at = mischief.findIndex(({ on }) => on === name);
    const how = at < 0 ? undefined : mischief.splice(at, 1)[0]!.how;
    if (how?.kind === 'answer') return { how, answer: { status: how.status, body: null } };
    const who = await whoIs(name, request);
    if (who === undefined) return { answer: refused(401, 'Bad credentials') };
    const isElsewhere = parameters.owner !== state.names.owner || parameters.repo !== state.names.repository;
    if ('owner' in parameters && isElsewhere) return { answer: notFound() };
    const given = { who, parameters, query: url.searchParams, body: (body ?? {}) as JsonObject };
    const isForToken = name.includes('access_tokens');
    const done = isForToken ? issueToken() : await handlerOf(name)({ state, repository, tell }, given);
    problems.push(...answerProblems(name, done.status, done.body));
    return { answer: done, ...(how === undefined ? {} : { how }) };
  }

  const onRequest: RequestListener = (request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', async () => {
      try {
        const { answer: done, how } = await answer(request, Buffer.concat(parts).toString());
        if (how?.kind === 'cut') return void request.socket.destroy();
        if (how?.kind === 'late') return void hanging.add(response);
        const own = how?.kind === 'answer' ? how : undefined;
        response.writeHead(done.status, { 'content-type': 'application/json; charset=utf-8', ...own?.headers });
        response.end(own === undefined ? JSON.stringify(done.body) : (own.body ?? '{"message":"told to"}'));
      } catch (error) {
        problems.push(`the double itself failed: ${error}`);
        request.socket.destroy();
      }
    });
  };
  const server = tls === undefined ? createServer(onRequest) : createTlsServer(tls, onRequest);
  await new Promise<void>((resolve) => server.listen(listen.port, listen.address, resolve));
  const { port } = server.address() as AddressInfo;

  return {
    state,
    repository,
    tell,
    url: `${tls === undefined ? 'http' : 'https'}://${listen.address}:${port}${basePath}`,
    /** Names of what was asked, in order. */
    asked,
    changes: () => asked.filter((name) => !name.startsWith('get ') && !name.includes('access_tokens')),
    /** The next requests of this name go wrong. */
    misbehave(on: OperationName, how: Mischief, times = 1) {
      for (let i = 0; i < times; i += 1) mischief.push({ on, how });
    },
    /** From now on everything is answered with this status and nothing is done; undefined ends it. */
    setOutage(status: number | undefined) {
      outage = status;
    },
    /** As when somebody removes the App, or an hour passes. */
    revokeTokens: () => issued.clear(),
    problems,
    /** Mischief that nothing asked for. */
    unspent: () => mischief.map(({ on }) => on),
    async close() {
      for (const response of hanging) response.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function isAppJwt(token: string): Promise<boolean> {
  try {
    const { payload } = await jwtVerify(token, app.publicKey, { issuer: String(APP_ID), algorithms: ['RS256'] });
    return payload.exp! - payload.iat! <= 600;
  } catch {
    return false;
  }
}

/** https://docs.github.com/en/rest/using-the-rest-api/getting-started-with-the-rest-api */
function headerProblems(name: OperationName, { headers }: IncomingMessage): string[] {
  const wanted = { 'user-agent': /kokoa/, accept: /json/, 'x-github-api-version': /^2022-11-28$/ };
  const wrong = Object.entries(wanted).filter(([header, form]) => !form.test(String(headers[header] ?? '')));
  return wrong.map(([header]) => `${name}: header ${header} is ${headers[header]}`);
}
