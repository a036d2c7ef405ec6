// Route 53's API: the official SDK signs and reads, we send. Law: every request ends in time, nothing is asked twice, nobody but the one address is
// asked, and what fails is a KokoaError without a part of the access key in it.
import { Route53Client, Route53ServiceException } from '@aws-sdk/client-route-53';
import PQueue from 'p-queue';
import { KokoaError } from '../../bundle/error.ts';
import type { AwsCredentials } from '../core/dns/aws-credentials.ts';
import { refusalError } from './dns-route53-error.ts';
import { boundedSender } from './dns-route53-send.ts';
import { failureCode } from './fetch-whole.ts';

const ENDPOINT = 'https://route53.amazonaws.com';
const REQUEST_MS_MAX = 10_000;
const CONCURRENCY = 4;
/** An account has 5, and is not ours alone. */
const REQUESTS_PER_SECOND = 4;

export interface Route53ClientOptions {
  credentials: AwsCredentials;
  /** Default: AWS's, in its ordinary partition. Plain http only on loopback. */
  endpoint?: string;
  /** Default: 10 s, from the question to the last byte of the answer. */
  requestMsMax?: number;
  /** Default: 4. */
  requestsPerSecond?: number;
}

export interface Route53Asker {
  /**
   * One request. `what`: for people, such as "list the records of hoge.com".
   * @throws KokoaError dns_unreachable, dns_refused, dns_credentials, dns_throttled (a ZoneThrottled)
   */
  ask<T>(what: string, send: Send<T>, signal: AbortSignal): Promise<T>;
}

type Send<T> = (api: Route53Client, options: { abortSignal: AbortSignal }) => Promise<T>;

/** @throws KokoaError dns_unreachable for an `endpoint` that is not safe */
export function createRoute53Client(options: Route53ClientOptions): Route53Asker {
  const { credentials, requestMsMax = REQUEST_MS_MAX, requestsPerSecond = REQUESTS_PER_SECOND } = options;
  // All that the SDK would otherwise look for in the environment, in files and at the metadata service of a machine.
  const api = new Route53Client({
    credentials: { ...credentials },
    endpoint: judgeEndpoint(options.endpoint ?? ENDPOINT),
    region: 'us-east-1',
    authSchemePreference: ['sigv4'],
    useDualstackEndpoint: false,
    useFipsEndpoint: false,
    defaultsMode: 'standard',
    retryMode: 'standard',
    maxAttempts: 1,
    userAgentAppId: '',
    defaultUserAgentProvider: async () => [['kokoa', '1']],
    requestHandler: boundedSender,
  });
  const queue = new PQueue({
    concurrency: CONCURRENCY,
    interval: 1_000,
    intervalCap: requestsPerSecond,
    strict: true,
  });

  async function once<T>(what: string, send: Send<T>, signal: AbortSignal): Promise<T> {
    const ends = AbortSignal.any([signal, AbortSignal.timeout(requestMsMax)]);
    try {
      ends.throwIfAborted();
      return await send(api, { abortSignal: ends });
    } catch (error) {
      // An error of the SDK holds the whole answer: only these few parts of it go on.
      const refusal = signal.aborted ? undefined : refusalOf(error);
      if (refusal !== undefined) throw refusalError({ ...refusal, credentials, nowMs: Date.now() });
      const failure = failureCode(error) ?? 'there was no answer of its kind';
      const why = signal.aborted ? 'it was stopped' : ends.aborted ? 'no answer in time' : failure;
      throw new KokoaError('dns_unreachable', `cannot ${what} at Route 53: ${why}`);
    }
  }

  return {
    async ask(what, send, signal) {
      try {
        return await queue.add(() => once(what, send, signal), { signal });
      } catch (error) {
        if (error instanceof KokoaError) throw error;
        throw new KokoaError('dns_unreachable', `cannot ${what} at Route 53: it was stopped`);
      }
    },
  };
}

/** Undefined: what came was no answer of Route 53, whatever its status. */
function refusalOf(error: unknown) {
  if (!(error instanceof Route53ServiceException)) return undefined;
  const status = error.$metadata?.httpStatusCode ?? error.$response?.statusCode;
  if (status === undefined) return undefined;
  const { messages, Messages } = error as { messages?: unknown; Messages?: { Message?: unknown } };
  // InvalidChangeBatch comes in two forms, and the SDK knows one of them.
  const listed = [messages ?? Messages?.Message ?? []].flat();
  const hasCode = error.name !== 'Unknown' && error.name !== 'NotFound';
  if (!hasCode && listed.length === 0 && status < 500 && status !== 429) return undefined;
  const retryAfter = error.$response?.headers['retry-after'];
  return { code: error.name, status, said: listed.length > 0 ? listed : [error.message], retryAfter };
}

/** @throws KokoaError dns_unreachable */
function judgeEndpoint(endpoint: string): string {
  const url = URL.parse(endpoint);
  const isLoopback = url !== null && /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/.test(url.hostname);
  const isSafe = url !== null && (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback));
  if (isSafe && url.username + url.password + url.search + url.hash === '' && url.pathname === '/') return url.href;
  throw new KokoaError('dns_unreachable', 'the address of Route 53’s API is refused: expected https://HOST');
}
