// Cloudflare on loopback, for the official library to talk to: a server with the part of the API that we use. It knows who may do what and what
// stands where; what was asked for that the API does not have is in `problems`, for the caller to assert; and it misbehaves when told to.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RecordBatchParams } from 'cloudflare/resources/dns/records';
import { createCloudflareState, type KeptZone, RefusedError } from './dns-cloudflare-state.fixture.ts';
import { startLoopbackServer } from './loopback-server.fixture.ts';

export type Asked = 'zones' | 'list' | 'batch';
// biome-ignore lint/suspicious/noExplicitAny: what is told may be anything
export type Body = any;

export type Mischief =
  /** Refused, or broken, without being done. */
  | { kind: 'answer'; status: number; headers?: Record<string, string>; body?: string }
  /** Done; the answer is another one. */
  | { kind: 'lie'; told(body: Body): unknown }
  /** Done, but the answer never comes. */
  | { kind: 'late' }
  /** Done, and the connection is cut before the answer. */
  | { kind: 'cut' }
  /** The answer begins, and its end never comes. */
  | { kind: 'trickle' }
  /** The answer has no end. */
  | { kind: 'flood' };

/** `mayWrite`: whether the token has DNS:Edit. `perPageMax`: what it gives at once, whatever is asked for. */
export async function startCloudflareDouble({ token, mayWrite = true, perPageMax = 5_000 }: DoubleOptions) {
  const state = createCloudflareState();
  const problems: string[] = [];
  const asked: Asked[] = [];
  const mischief: { on: Asked; how: Mischief }[] = [];

  function page(all: readonly object[], query: URLSearchParams, most: number): object {
    const at = Number(query.get('page') ?? 1);
    const per_page = Math.min(Number(query.get('per_page') ?? 100), most);
    const result = all.slice((at - 1) * per_page, at * per_page);
    const counts = { count: result.length, total_count: all.length, total_pages: Math.ceil(all.length / per_page) };
    return { ...said(result), result_info: { page: at, per_page, ...counts } };
  }

  function unknown(query: URLSearchParams, ...names: string[]): void {
    for (const name of query.keys()) if (!names.includes(name)) problems.push(`there is no parameter ${name}`);
  }

  function answer(request: IncomingMessage, on: Asked, zone: KeptZone | undefined, url: URL, text: string): Answer {
    if (request.headers.authorization !== `Bearer ${token}`) return refused(403, 9109, 'Invalid access token');
    if (on === 'zones') {
      unknown(url.searchParams, 'name', 'page', 'per_page');
      const wanted = url.searchParams.get('name');
      const seen = state.zones.filter(({ name }) => wanted === null || name === wanted);
      return { status: 200, body: page(seen, url.searchParams, 50) };
    }
    if (zone === undefined) return refused(404, 7003, 'Could not route to the zone, perhaps its identifier is invalid');
    if (on === 'list') {
      unknown(url.searchParams, 'name.exact', 'page', 'per_page');
      const wanted = url.searchParams.get('name.exact');
      const found = state.of(zone).filter(({ name }) => wanted === null || name === wanted.toLowerCase());
      return { status: 200, body: page(found, url.searchParams, perPageMax) };
    }
    if (!mayWrite) return refused(403, 10000, 'Authentication error');
    try {
      return { status: 200, body: said(state.batch(zone, JSON.parse(text) as Omit<RecordBatchParams, 'zone_id'>)) };
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      return refused(400, error.code, error.message, error.chain);
    }
  }

  function respond(request: IncomingMessage, response: ServerResponse, sent: Buffer): void {
    const url = new URL(request.url!, 'http://double');
    const path = /^\/client\/v4\/zones(?:\/([0-9a-f]{32})\/dns_records(\/batch)?)?$/.exec(url.pathname);
    const [, id, batch] = path ?? [];
    const on: Asked = id === undefined ? 'zones' : batch === undefined ? 'list' : 'batch';
    if (path === null || request.method !== (on === 'batch' ? 'POST' : 'GET'))
      problems.push(`there is no ${request.method} ${url.pathname}`);
    for (const name of Object.keys(request.headers))
      if (name.startsWith('x-auth-')) problems.push(`${name} was sent, and only the token should be`);
    asked.push(on);
    const at = mischief.findIndex((one) => one.on === on);
    const how = at < 0 ? undefined : mischief.splice(at, 1)[0]!.how;
    if (how?.kind === 'answer') {
      response.writeHead(how.status, { 'content-type': 'application/json', ...how.headers });
      return void response.end(how.body ?? '{}');
    }
    const zone = state.zones.find((one) => one.id === id);
    const { status, body } = answer(request, on, zone, url, sent.toString());
    if (how?.kind === 'cut') return void request.socket.destroy();
    if (how?.kind === 'late') return;
    response.writeHead(status, { 'content-type': 'application/json' });
    if (how?.kind === 'trickle') return void response.write('{"success":true,');
    if (how?.kind === 'flood') return void flood(response);
    response.end(JSON.stringify(how?.kind === 'lie' ? how.told(body) : body));
  }

  const server = await startLoopbackServer(respond, problems);

  return {
    state,
    baseUrl: `${server.origin}/client/v4`,
    /** What was asked, in order. */
    asked,
    problems,
    /** The next requests of this kind go wrong. */
    misbehave(on: Asked, how: Mischief, times = 1) {
      for (let i = 0; i < times; i += 1) mischief.push({ on, how });
    },
    /** Mischief that nothing asked for. */
    unspent: () => mischief.length,
    close: server.close,
  };
}

interface DoubleOptions {
  token: string;
  mayWrite?: boolean;
  perPageMax?: number;
}

interface Answer {
  status: number;
  body: object;
}

function said(result: unknown): object {
  return { success: true, errors: [], messages: [], result };
}

function refused(status: number, code: number, message: string, error_chain?: readonly object[]): Answer {
  const error = { code, message, ...(error_chain?.length && { error_chain }) };
  return { status, body: { success: false, errors: [error], messages: [], result: null } };
}

function flood(response: ServerResponse): void {
  const part = Buffer.alloc(1024 * 1024, ' ');
  const more = () => {
    while (!response.destroyed && response.write(part));
  };
  response.on('drain', more);
  more();
}
