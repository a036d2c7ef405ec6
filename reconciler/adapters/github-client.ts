// One HTTP client for GitHub's API. Law: every request ends in time, no answer is larger than the cap, no redirect is followed, what comes
// back has the expected shape, and whatever goes wrong is a ForgeError without a credential in it. It never asks twice.
import { Octokit } from '@octokit/rest';
import { ForgeError } from '../ports/forge.ts';
import { fetchWhole, responseOf } from './fetch-whole.ts';
import type { Shape } from './github-answers.ts';
import { refusalError } from './github-error.ts';
import { oneLine } from './github-text.ts';

const API_VERSION = '2022-11-28';
const MESSAGE_CHARACTERS_MAX = 200;
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

export interface GithubClientOptions {
  /** `https://api.github.com`, or `https://HOST/api/v3` of a GitHub Enterprise Server. Plain http only on loopback. */
  apiUrl: string;
  requestMsMax: number;
  clock(): Date;
  /** Ends requests that are under way. */
  closed: AbortSignal;
  /** What the Authorization header should say; empty: there is none. Asked before each request. */
  authorization(): Promise<string>;
}

export type GithubApi = Octokit['rest'];

export interface GithubClient {
  /** Sends one request and answers its body, of the shape given. @throws ForgeError */
  ask<T>(shape: Shape<T>, send: (api: GithubApi) => Promise<{ status: number; data: unknown }>): Promise<T>;
}

export function createGithubClient(options: GithubClientOptions): GithubClient {
  const octokit = new Octokit({
    baseUrl: judgeApiUrl(options.apiUrl),
    userAgent: 'kokoa-proxy',
    log: SILENT,
    request: { fetch: boundedFetch(options), log: SILENT },
  });
  let sent = '';
  octokit.hook.before('request', async (request) => {
    sent = await options.authorization();
    request.headers['x-github-api-version'] = API_VERSION;
    if (sent !== '') request.headers.authorization = sent;
  });

  return {
    async ask(shape, send) {
      const { status, data } = await send(octokit.rest).catch((error: unknown) => {
        throw translated(error, { sent, nowMs: options.clock().getTime() });
      });
      if (status >= 300) throw refusalError({ request: 'a request', status, headers: {}, text: 'moved' }, 0);
      if (shape.holds(data)) return data;
      throw new ForgeError('forge_down', `GitHub answered ${status} with something else than ${shape.name}`);
    },
  };
}

/** @throws ForgeError forge_invalid */
function judgeApiUrl(apiUrl: string): string {
  const url = URL.parse(apiUrl);
  const isLoopback = url !== null && /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/.test(url.hostname);
  const isFine =
    url !== null &&
    (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback)) &&
    url.username + url.password + url.search + url.hash === '';
  if (isFine) return url.href.replace(/\/+$/, '');
  throw new ForgeError(
    'forge_invalid',
    'the address of GitHub’s API is refused: expected https://HOST or https://HOST/api/v3',
  );
}

/** Fetches, and reads the whole answer within the time and the cap. */
function boundedFetch({ requestMsMax, closed }: Pick<GithubClientOptions, 'requestMsMax' | 'closed'>): typeof fetch {
  return async (url, init) => {
    const signal = AbortSignal.any([closed, AbortSignal.timeout(requestMsMax)]);
    return responseOf(await fetchWhole(url, { ...init, signal }));
  };
}

/** Octokit's error holds the whole request: only these few words of it go on. */
function translated(error: unknown, { sent, nowMs }: { sent: string; nowMs: number }): ForgeError {
  if (error instanceof ForgeError) return error;
  const { request, response, message, cause } = error as Partial<OctokitError>;
  const what = request === undefined ? 'GitHub' : `${request.method} ${pathOf(request.url)}`;
  if (response !== undefined) {
    const { status, headers } = response;
    return refusalError({ request: what, status, headers, text: without(sent, textOf(response.data)) }, nowMs);
  }
  // Of fetch and of the wrapper above: a name that tells a timeout, or what the system said.
  const why = cause instanceof Error && cause.name === 'TimeoutError' ? 'no answer in time' : String(message);
  return new ForgeError('forge_down', `${what} failed: ${oneLine(without(sent, why), MESSAGE_CHARACTERS_MAX)}`);
}

/** Who answers may repeat what was sent. */
function without(authorization: string, text: string): string {
  const secret = authorization.split(' ').at(-1);
  return secret ? text.replaceAll(secret, '[hidden]') : text;
}

interface OctokitError {
  message: string;
  cause: unknown;
  request: { method: string; url: string };
  response: { status: number; headers: Record<string, unknown>; data: unknown };
}

function pathOf(url: string): string {
  return oneLine(URL.parse(url)?.pathname ?? '', MESSAGE_CHARACTERS_MAX);
}

/** `{message, errors: [{message} | text]}`, or what a proxy on the way says as text. */
function textOf(data: unknown): string {
  if (typeof data !== 'object' || data === null) return typeof data === 'string' ? data : 'no text';
  const { message, errors } = data as { message?: unknown; errors?: unknown };
  const details = Array.isArray(errors)
    ? errors.map((error) => (typeof error === 'string' ? error : error?.message))
    : [];
  return [message, ...details].filter((part) => typeof part === 'string').join('; ') || 'no text';
}
