// One HTTP client for Cloudflare's API: the official library sends, we read. Law: every request ends in time, no answer is larger than the cap,
// no redirect is followed, nothing is asked twice, and what comes back is of the expected shape, or a KokoaError without the token in it.
import { APIError, Cloudflare } from 'cloudflare';
import { KokoaError } from '../../bundle/error.ts';
import { refusalError } from './dns-cloudflare-error.ts';
import { failureCode, fetchWhole, responseOf } from './fetch-whole.ts';
import type { Shape } from './github-answers.ts';

const BASE_URL = 'https://api.cloudflare.com/client/v4';
const REQUEST_MS_MAX = 10_000;
const TOKEN = /^[\x21-\x7e]{8,1000}$/;

export interface CloudflareClientOptions {
  token: string;
  /** Default: Cloudflare's. Plain http only on loopback. */
  baseUrl?: string;
  /** Default: 10 s, from the question to the last byte of the answer. */
  requestMsMax?: number;
}

export interface CloudflareClient {
  /**
   * Sends one request and answers its body, of the shape given. `what`: for people, such as "list the records".
   * @throws KokoaError dns_unreachable, dns_refused, dns_credentials, dns_throttled (a ZoneThrottled)
   */
  ask<T>(question: { what: string; shape: Shape<T>; send: Send; signal: AbortSignal }): Promise<T>;
}

type Send = (api: Cloudflare, options: { signal: AbortSignal }) => { asResponse(): Promise<Response> };

/** @throws KokoaError dns_credentials */
export function createCloudflareClient(options: CloudflareClientOptions): CloudflareClient {
  const { token, requestMsMax = REQUEST_MS_MAX } = options;
  if (!TOKEN.test(token))
    throw new KokoaError('dns_credentials', 'what should be a token of Cloudflare is none: expected one word');
  const api = new Cloudflare({
    apiToken: token,
    // Without these the library looks for other credentials in the environment.
    apiKey: null,
    apiEmail: null,
    userServiceKey: null,
    baseURL: judgeBaseUrl(options.baseUrl ?? BASE_URL),
    maxRetries: 0,
    timeout: requestMsMax,
    logLevel: 'off',
    // Its own time ends with the headers, and it has no cap.
    fetch: async (url, init) => responseOf(await fetchWhole(url, init)),
  });

  return {
    async ask({ what, shape, send, signal }) {
      const refusal = { token, nowMs: Date.now() };
      // One signal for each request, because the library never takes its listeners from it.
      const ends = AbortSignal.any([signal, AbortSignal.timeout(requestMsMax)]);
      let status: number;
      let body: unknown;
      try {
        ends.throwIfAborted();
        const response = await send(api, { signal: ends }).asResponse();
        status = response.status;
        body = jsonOf(await response.text());
      } catch (error) {
        // An error of the library holds the whole answer: only these few parts of it go on.
        if (error instanceof APIError && error.status !== undefined) {
          const retryAfter = error.headers?.get('retry-after') ?? null;
          throw refusalError({ ...refusal, status: error.status, retryAfter, body: error.error });
        }
        const failure = failureCode(error) ?? 'the connection failed';
        const why = signal.aborted ? 'it was stopped' : ends.aborted ? 'no answer in time' : failure;
        throw new KokoaError('dns_unreachable', `cannot ${what} at Cloudflare: ${why}`);
      }
      const success = (body as { success?: unknown } | undefined)?.success;
      if (success === false) throw refusalError({ ...refusal, status, retryAfter: null, body });
      if (success === true && shape.holds(body)) return body;
      throw new KokoaError(
        'dns_unreachable',
        `cannot ${what} at Cloudflare: it answered ${status} with something else than ${shape.name}`,
      );
    },
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @throws KokoaError dns_unreachable */
function judgeBaseUrl(baseUrl: string): string {
  const url = URL.parse(baseUrl);
  const isLoopback = url !== null && /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/.test(url.hostname);
  const isSafe = url !== null && (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback));
  if (isSafe && url.username + url.password + url.search + url.hash === '') return url.href.replace(/\/+$/, '');
  throw new KokoaError('dns_unreachable', 'the address of Cloudflare’s API is refused: expected https://HOST/PATH');
}
