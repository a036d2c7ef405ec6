// Visitors that speak HTTP/2: several requests at once on one connection, and a new one as soon as GOAWAY came. What the server says it has
// not begun is asked again (RFC 9113 §6.8, §8.7); everything else that fails is lost.
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2, constants } from 'node:http2';
import { connect } from 'node:tls';
import { keepAsking, newTally, note, type Place, type Tally, VISIT_TIMEOUT_MS } from './bench-changes-tally.ts';

export interface Http2Options {
  connections: number;
  /** Requests at once on each. */
  streams: number;
  everyMs: number;
}

export interface Http2Visitors {
  readonly tally: Tally;
  /** How many GOAWAY came. */
  goaways(): number;
  end(): Promise<void>;
}

type Asked = { ok: true } | { ok: false; untouched: boolean; reason: string };

const TRIES_MAX = 3;
/** Node's own words for a request that never left this process. */
const NOT_SENT: readonly string[] = ['ERR_HTTP2_GOAWAY_SESSION', 'ERR_HTTP2_INVALID_SESSION'];

export function startHttp2(place: Place, { connections, streams, everyMs }: Http2Options): Http2Visitors {
  const tally = newTally();
  const lines = Array.from({ length: connections }, (_, index) => openLine(place, index));
  const visitors = keepAsking(tally, connections * streams, everyMs, async (index) => {
    const line = lines[index % connections]!;
    tally.asked += 1;
    let asked = await ask(line.session(), line.hostname);
    if (asked.ok) return;
    tally.failed += 1;
    note(tally, asked.reason);
    for (let tries = 1; !asked.ok && asked.untouched && tries < TRIES_MAX; tries += 1)
      asked = await ask(line.session(), line.hostname);
    if (!asked.ok) tally.lost += 1;
  });
  return {
    tally,
    goaways: () => lines.reduce((sum, line) => sum + line.goaways(), 0),
    async end() {
      await visitors.end();
      for (const line of lines) line.end();
    },
  };
}

interface Session {
  readonly http2: ClientHttp2Session;
  /** From GOAWAY; undefined before. */
  lastStream?: number;
}

/** One visitor: its connection of the moment. */
function openLine({ port, ca, hostnames }: Place, index: number) {
  const hostname = hostnames[index % hostnames.length]!;
  let goaways = 0;
  let current: Session | undefined;
  const open = (): Session => {
    const socket = () => connect({ host: '127.0.0.1', port, ca, servername: hostname, ALPNProtocols: ['h2'] });
    const session: Session = { http2: connectHttp2(`https://${hostname}`, { createConnection: socket }) };
    // The requests on it fail as well, and say so.
    session.http2.on('error', () => undefined);
    session.http2.on('goaway', (_code, lastStream) => {
      goaways += 1;
      session.lastStream = lastStream;
    });
    return session;
  };
  return {
    hostname,
    goaways: () => goaways,
    session: (): Session => {
      const usable = current && current.lastStream === undefined && !current.http2.closed && !current.http2.destroyed;
      if (!usable) current = open();
      return current!;
    },
    end: () => current?.http2.destroy(),
  };
}

function ask(session: Session, hostname: string): Promise<Asked> {
  return new Promise((resolve) => {
    let stream: ClientHttp2Stream;
    try {
      stream = session.http2.request({ ':authority': hostname, accept: 'text/plain' });
    } catch (error) {
      resolve({ ok: false, untouched: true, reason: (error as NodeJS.ErrnoException).code ?? String(error) });
      return;
    }
    let status: number | undefined;
    let ended = false;
    let last: string | undefined;
    let reason = 'closed without an answer';
    stream.setTimeout(VISIT_TIMEOUT_MS, () => {
      reason = 'timeout';
      stream.close(constants.NGHTTP2_CANCEL);
    });
    stream.on('response', (headers) => {
      status = headers[':status'];
    });
    stream.setEncoding('latin1');
    stream.on('data', (part: string) => {
      last = part.at(-1);
    });
    stream.on('end', () => {
      ended = true;
    });
    stream.on('error', (error: NodeJS.ErrnoException) => {
      reason = error.code ?? error.message;
    });
    stream.on('close', () => {
      // Also what was cut off ends: every answer of the services is one line.
      const whole = ended && status !== undefined && last === '\n';
      if (whole && status === 200) resolve({ ok: true });
      else if (whole) resolve({ ok: false, untouched: false, reason: `status ${status}` });
      else resolve({ ok: false, untouched: isUntouched(session, stream, reason), reason: told(stream, reason) });
    });
  });
}

function isUntouched({ lastStream }: Session, stream: ClientHttp2Stream, reason: string): boolean {
  if (NOT_SENT.includes(reason) || stream.rstCode === constants.NGHTTP2_REFUSED_STREAM) return true;
  return lastStream !== undefined && (stream.id === undefined || stream.id > lastStream);
}

function told({ rstCode }: ClientHttp2Stream, reason: string): string {
  return rstCode === constants.NGHTTP2_REFUSED_STREAM ? 'not begun' : reason;
}
