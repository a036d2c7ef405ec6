// The way to the reconciler: bearer token, several servers, CAs. Law: the token goes over TLS to a server that the pinned or the
// system's CAs vouch for, or to loopback; anything but an answer is a value, and holds no token.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent as PlainAgent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { getCACertificates } from 'node:tls';
import { KokoaError } from '../../bundle/error.ts';
import { POST_BYTES_MAX } from '../../bundle/limits.ts';
import type { CertificateDates } from '../core/clock-doubt.ts';
import { parseControlPlaneUrl } from '../core/control-plane-url.ts';
import type { Unavailable } from '../ports/control-plane.ts';
import { asErrorMessage, RETRY_AFTER_MS_MAX } from './control-plane-answers.ts';
import { type ExchangeTimes, exchange, type Reply } from './http-exchange.ts';

const PATH = '/api/v1/edge-nodes/me';
const JSON_MEDIA_TYPE = 'application/json';
const SOCKETS_MAX = 16;
const RETRY_MS = 5_000;
/** Then the first is tried again: a URL that a thief of the online keys brought in must not keep a node to himself for ever. */
const PREFER_MS = 300_000;

const TIMES: ExchangeTimes = { connectMs: 5_000, answerMs: 10_000, bodyMs: 45_000 };

export interface ChannelOptions {
  /** Base URLs in force, asked anew for every request; tried from the one that answered last, and now and then from the first. */
  urls: () => readonly string[];
  /** The node's bearer token. */
  token: () => Promise<string>;
  /** PEM file of the only CAs to trust; absent: the system's. */
  caFile?: string;
  /** Bounds in ms, before a long poll is added. */
  times?: ExchangeTimes;
  /** How long the one that answered last is asked before the first. Default 5 minutes. */
  preferMs?: number;
}

export interface Ask {
  method: 'GET' | 'POST';
  /** Below `/api/v1/edge-nodes/me`. */
  path: string;
  /** Default: JSON. */
  accept?: string;
  etag?: string;
  body?: unknown;
  /** Of the answer. */
  bytesMax: number;
  waitSeconds?: number;
  signal?: AbortSignal | undefined;
}

/** `value` is parsed JSON of the type that was asked for; undefined when there was no content. */
export type Answer = { kind: 'answer'; value: unknown; etag: string } | { kind: 'unchanged' } | Unavailable;

export interface Channel {
  /** Asks every server in turn until one says something definite. @throws KokoaError post_too_large, and what `token` throws */
  ask(request: Ask): Promise<Answer>;
  /** @see ControlPlane */
  serverTime(): { ms: number; ageMs: number } | undefined;
  close(): void;
}

/** @throws KokoaError bad_ca, and bad_control_plane_url when one of the first URLs is malformed */
export function openChannel(options: ChannelOptions): Channel {
  for (const url of options.urls()) parseControlPlaneUrl(url);
  const pool = { keepAlive: true, maxSockets: SOCKETS_MAX };
  const agents = {
    'http:': new PlainAgent(pool),
    'https:': new TlsAgent({ ...pool, ca: authorities(options.caFile) }),
  };
  const times = options.times ?? TIMES;
  let preferred = '';
  let preferredUntil = 0;
  let heard: { ms: number; at: number } | undefined;

  const askOne = async (base: string, request: Ask, body: string | undefined, token: string): Promise<Answer> => {
    const root = parseControlPlaneUrl(base);
    const url = new URL(`${root.pathname.replace(/\/$/, '')}${PATH}${request.path}`, root);
    const reply = await exchange({
      url,
      agent: agents[url.protocol as keyof typeof agents],
      method: request.method,
      headers: {
        Authorization: `Bearer ${token}`,
        Accept: request.accept ?? JSON_MEDIA_TYPE,
        ...(request.etag && { 'If-None-Match': request.etag }),
        ...(body !== undefined && { 'Content-Type': JSON_MEDIA_TYPE }),
      },
      ...(body !== undefined && { body }),
      bytesMax: request.bytesMax,
      times: { ...times, answerMs: times.answerMs + (request.waitSeconds ?? 0) * 1000 },
      signal: request.signal,
    });
    const ms = reply.kind === 'reply' ? dateMs(reply.headers.date) : undefined;
    if (ms !== undefined) heard = { ms, at: performance.now() };
    return judge(reply, url.host, request, token);
  };

  function prefer(base: string): void {
    if (base === preferred) return;
    preferred = base;
    preferredUntil = performance.now() + (options.preferMs ?? PREFER_MS);
  }

  return {
    async ask(request) {
      const token = await options.token();
      const body = serialise(request.body);
      const urls = [...options.urls()];
      if (performance.now() >= preferredUntil) preferred = '';
      const first = Math.max(0, urls.indexOf(preferred));
      let last: Answer = unreachable('no control plane is configured');
      for (const base of [...urls.slice(first), ...urls.slice(0, first)]) {
        last = await askOne(base, request, body, token);
        if (last.kind !== 'unreachable') prefer(base);
        if (last.kind !== 'unreachable' || request.signal?.aborted) break;
      }
      return last;
    },
    serverTime() {
      if (!heard) return undefined;
      const ageMs = performance.now() - heard.at;
      return { ms: heard.ms + ageMs, ageMs };
    },
    close() {
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

export function unreachable(message: string, retry = RETRY_MS): Unavailable & { kind: 'unreachable' } {
  return { kind: 'unreachable', message, retryAfterMs: retry };
}

/** What OpenSSL says of a certificate that is good at another time, by Node's names. */
const DATES: Readonly<Record<string, CertificateDates>> = {
  CERT_HAS_EXPIRED: 'has ended',
  CERT_NOT_YET_VALID: 'is not valid yet',
};

function failed(reason: string, host: string): Answer {
  const certificate = DATES[reason];
  return { ...unreachable(`${host}: ${reason}`), ...(certificate && { certificate }) };
}

function judge(reply: Reply, host: string, request: Ask, token: string): Answer {
  if (reply.kind === 'failed') return failed(reply.reason, host);
  const { status, headers, body } = reply;
  if (status === 304) return { kind: 'unchanged' };
  if (status === 204) return { kind: 'answer', value: undefined, etag: '' };
  const type = (headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase();
  const wanted = status === 200 ? (request.accept ?? JSON_MEDIA_TYPE) : JSON_MEDIA_TYPE;
  const value = type === wanted ? parseJson(body, wanted === JSON_MEDIA_TYPE ? token : undefined) : undefined;
  if (status === 200) {
    if (value === undefined) {
      const found = type === wanted ? 'what is no JSON' : plain(type) || 'something else';
      return unreachable(`${host}: expected ${wanted}, found ${found}`);
    }
    return { kind: 'answer', value, etag: etagOf(headers.etag) };
  }
  const words = asErrorMessage(value);
  const message = `${host}: status ${status}${words && `, ${words}`}`;
  if (status === 401) return { kind: 'unauthorized', message };
  if (status === 403) return { kind: 'suspended', message };
  return unreachable(message, retryAfterMs(headers['retry-after']));
}

/** The one form that is sent (RFC 9110, section 5.6.7). */
function dateMs(header: string | undefined): number | undefined {
  const ms = /^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT$/.test(header ?? '')
    ? Date.parse(header!)
    : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

/** Seconds or a date (RFC 9110, section 10.2.3), bounded. */
function retryAfterMs(header: string | undefined): number {
  if (header === undefined) return RETRY_MS;
  const ms = /^[0-9]{1,9}$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? RETRY_MS : Math.min(Math.max(ms, 0), RETRY_AFTER_MS_MAX);
}

/** Undefined for what is no JSON; the JSON `null` has no use here either. A server may echo the `secret` in its words. */
function parseJson(body: Buffer, secret: string | undefined): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    return JSON.parse(secret === undefined ? text : text.replaceAll(secret, '[token]')) ?? undefined;
  } catch {
    return undefined;
  }
}

function etagOf(header: string | undefined): string {
  return header !== undefined && /^(W\/)?"[\x21\x23-\x7e]{0,200}"$/.test(header) ? header : '';
}

function plain(text: string): string {
  return text.replace(/[^a-z0-9/+.-]/g, '').slice(0, 60);
}

function serialise(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const body = JSON.stringify(value);
  const bytes = Buffer.byteLength(body);
  if (bytes <= POST_BYTES_MAX) return body;
  throw new KokoaError('post_too_large', `${bytes} bytes to post, at most ${POST_BYTES_MAX}`, {
    hint: 'report fewer hosts at once',
  });
}

function authorities(caFile: string | undefined): string[] | string {
  if (caFile === undefined) return [...new Set([...getCACertificates('default'), ...getCACertificates('system')])];
  try {
    const pem = readFileSync(caFile, 'utf8');
    new X509Certificate(pem);
    return pem;
  } catch (cause) {
    throw new KokoaError('bad_ca', `${caFile} holds no certificate that could be read`, {
      hint: 'give a PEM file with the certificate of the CA that vouches for the control plane',
      cause,
    });
  }
}
