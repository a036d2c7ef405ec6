// The way to the reconciler: bearer token, several servers, CAs. Law: the token goes over TLS to a server that the pinned or the
// system's CAs vouch for, or to loopback; anything but an answer is a value, and holds no token.
import { Agent as PlainAgent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { KokoaError } from '../../bundle/error.ts';
import { POST_BYTES_MAX } from '../../bundle/limits.ts';
import { parseControlPlaneUrl } from '../core/control-plane-url.ts';
import { authorities, type GivenAuthorities } from './control-plane-authorities.ts';
import { type Answer, JSON_MEDIA_TYPE, judgeReply, serverMs, unreachable } from './control-plane-reply.ts';
import { type ExchangeTimes, exchange } from './http-exchange.ts';

const PATH = '/api/v1/edge-nodes/me';
const SOCKETS_MAX = 16;
/** Then the first is tried again: a URL that a thief of the online keys brought in must not keep a node to himself for ever. */
const PREFER_MS = 300_000;

const TIMES: ExchangeTimes = { connectMs: 5_000, answerMs: 10_000, bodyMs: 45_000 };

export interface ChannelOptions extends GivenAuthorities {
  /** Base URLs in force, asked anew for every request; tried from the one that answered last, and now and then from the first. */
  urls: () => readonly string[];
  /** The node's bearer token. */
  token: () => Promise<string>;
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
    'https:': new TlsAgent({ ...pool, ca: authorities(options) }),
  };
  const times = options.times ?? TIMES;
  let preferred = '';
  let preferredUntil = 0;
  let heard: { ms: number; at: number } | undefined;

  const askOne = async (base: string, request: Ask, body: string | undefined, token: string): Promise<Answer> => {
    const root = parseControlPlaneUrl(base);
    const url = new URL(`${root.pathname.replace(/\/$/, '')}${PATH}${request.path}`, root);
    const accept = request.accept ?? JSON_MEDIA_TYPE;
    const reply = await exchange({
      url,
      agent: agents[url.protocol as keyof typeof agents],
      method: request.method,
      headers: {
        Authorization: `Bearer ${token}`,
        Accept: accept,
        ...(request.etag && { 'If-None-Match': request.etag }),
        ...(body !== undefined && { 'Content-Type': JSON_MEDIA_TYPE }),
      },
      ...(body !== undefined && { body }),
      bytesMax: request.bytesMax,
      times: { ...times, answerMs: times.answerMs + (request.waitSeconds ?? 0) * 1000 },
      signal: request.signal,
    });
    const ms = serverMs(reply);
    if (ms !== undefined) heard = { ms, at: performance.now() };
    return judgeReply(reply, url.host, accept, token);
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

function serialise(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const body = JSON.stringify(value);
  const bytes = Buffer.byteLength(body);
  if (bytes <= POST_BYTES_MAX) return body;
  throw new KokoaError('post_too_large', `${bytes} bytes to post, at most ${POST_BYTES_MAX}`, {
    hint: 'report fewer hosts at once',
  });
}
