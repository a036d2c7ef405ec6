// One HTTP request and its whole answer, bounded in every direction: time to connect, time to answer, time and bytes of the body.
// Law: no redirect is followed, and what went wrong is a short value that holds nothing of the request.
import type { IncomingMessage, Agent as PlainAgent } from 'node:http';
import { request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { createGunzip } from 'node:zlib';

const HEADER_BYTES_MAX = 16 * 1024;
const REASON_CHARACTERS_MAX = 200;

export interface Exchange {
  url: URL;
  /** For http or https, as the URL says. */
  agent: PlainAgent;
  method: 'GET' | 'POST';
  headers: Record<string, string>;
  body?: string;
  /** Of the answer, after decompression. */
  bytesMax: number;
  times: ExchangeTimes;
  signal?: AbortSignal | undefined;
}

export interface ExchangeTimes {
  /** Name, TCP and TLS. */
  connectMs: number;
  /** From the connection to the answer's headers: the long poll and what comes on top. */
  answerMs: number;
  /** From the headers to the end of the body. */
  bodyMs: number;
}

export type Reply =
  | { kind: 'reply'; status: number; headers: IncomingMessage['headers']; body: Buffer }
  | { kind: 'failed'; reason: string };

/** Sends it, once more when a kept connection turns out to be closed. Never throws. */
export async function exchange(exchange: Exchange): Promise<Reply> {
  const first = await attempt(exchange);
  return 'stale' in first ? withoutStale(await attempt(exchange)) : first;
}

type Attempt = Reply | { stale: true; reason: string };

function withoutStale(attempt: Attempt): Reply {
  return 'stale' in attempt ? { kind: 'failed', reason: attempt.reason } : attempt;
}

function attempt({ url, agent, method, headers, body, bytesMax, times, signal }: Exchange): Promise<Attempt> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve({ kind: 'failed', reason: 'stopped' });
    const start = url.protocol === 'https:' ? tlsRequest : plainRequest;
    const request = start(url, {
      agent,
      method,
      headers: { ...headers, 'Accept-Encoding': 'gzip', ...(body && { 'Content-Length': Buffer.byteLength(body) }) },
      maxHeaderSize: HEADER_BYTES_MAX,
    });

    let timer: NodeJS.Timeout | undefined;
    const stop = () => finish({ kind: 'failed', reason: 'stopped' });
    const within = (ms: number, what: string) => {
      clearTimeout(timer);
      timer = setTimeout(() => finish({ kind: 'failed', reason: `no ${what} within ${ms} ms` }), ms);
    };
    const finish = (result: Attempt) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
      resolve(result);
      if ('stale' in result || result.kind === 'failed') request.destroy();
    };
    signal?.addEventListener('abort', stop, { once: true });

    within(times.connectMs, 'connection');
    request.on('socket', (socket) => {
      const connected = () => within(times.answerMs, 'answer');
      if (request.reusedSocket || !socket.connecting) connected();
      else socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', connected);
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      // A server may close a kept connection just as it is used again: nothing was answered, so asking again is right.
      const stale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      finish(stale ? { stale: true, reason: reasonOf(error) } : { kind: 'failed', reason: reasonOf(error) });
    });
    request.on('response', (response) => {
      within(times.bodyMs, 'end of the answer');
      readBody(response, bytesMax).then(
        (bytes) => finish({ kind: 'reply', status: response.statusCode ?? 0, headers: response.headers, body: bytes }),
        (error: NodeJS.ErrnoException) => finish({ kind: 'failed', reason: reasonOf(error) }),
      );
    });
    request.end(body);
  });
}

async function readBody(response: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const encoding = response.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity' && encoding !== 'gzip') throw new Error('an unknown content encoding');
  const length = Number(response.headers['content-length'] ?? 0);
  if (length > bytesMax) throw new Error(`an answer of ${length} bytes, at most ${bytesMax} are read`);
  // The raw stream's errors have to reach the reader of the unpacked one.
  const unpacked = encoding === 'gzip' ? createGunzip() : undefined;
  if (unpacked) response.on('error', (error) => unpacked.destroy(error)).pipe(unpacked);
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of (unpacked ?? response) as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > bytesMax) throw new Error(`an answer of more than ${bytesMax} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function reasonOf(error: NodeJS.ErrnoException): string {
  const text = error.code ?? error.message;
  return text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, REASON_CHARACTERS_MAX);
}
