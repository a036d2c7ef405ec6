// A visitor who speaks HTTP/2: many requests on one connection, and what the edge says when it wants the connection to end.
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from 'node:http2';
import { connectTls, type Door, type Visitor } from './door.ts';
import type { Ask } from './raw-visit.ts';

export interface Http2Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

export interface Http2Connection {
  readonly session: ClientHttp2Session;
  /** Rejects with the stream's error code when it is reset. */
  ask(ask: Omit<Ask, 'sni' | 'from' | 'chunked'>): Promise<Http2Answer>;
  /** Resolves when the edge sends GOAWAY: its error code. */
  readonly goaway: Promise<number>;
  readonly closed: Promise<void>;
  end(): void;
}

/** One request on a connection of its own. */
export async function visitHttp2(door: Door, ask: Omit<Ask, 'chunked' | 'plain'>): Promise<Http2Answer> {
  const { sni = ask.host, from, ...rest } = ask;
  const connection = await connectHttp2(door, { sni, ...(from !== undefined && { from }) });
  try {
    return await connection.ask(rest);
  } finally {
    connection.end();
  }
}

/** Rejects when the handshake is refused or HTTP/2 is not offered. */
export async function connectHttp2(door: Door, visitor: Omit<Visitor, 'alpn'>): Promise<Http2Connection> {
  const socket = await connectTls(door, { ...visitor, alpn: 'h2' });
  if (socket.alpnProtocol !== 'h2') throw new Error('the edge does not offer HTTP/2');
  const session = connect(`https://${visitor.sni}`, { createConnection: () => socket });
  session.on('error', () => undefined);
  return {
    session,
    ask: (ask) => ask2(session, ask),
    goaway: new Promise((resolve) => session.once('goaway', (code) => resolve(code))),
    closed: new Promise((resolve) => session.once('close', () => resolve())),
    end: () => session.destroy(),
  };
}

function ask2(
  session: ClientHttp2Session,
  { host, path = '/', method = 'GET', headers = [], body }: Parameters<Http2Connection['ask']>[0],
): Promise<Http2Answer> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':authority': host, ':path': path, ':method': method, ...grouped(headers) });
    let answered: { status: number; headers: Record<string, string> } | undefined;
    let text = '';
    stream.setEncoding('utf8');
    stream.on('response', (fields) => {
      answered = { status: Number(fields[':status']), headers: flat(fields) };
    });
    stream.on('data', (part: string) => {
      text += part;
    });
    stream.on('error', reject);
    stream.on('close', () => {
      if (answered) resolve({ ...answered, body: text });
      else reject(new Error(`the stream ended without an answer, code ${stream.rstCode}`));
    });
    stream.end(body);
  });
}

function grouped(headers: NonNullable<Ask['headers']>): Record<string, string[]> {
  const groups: Record<string, string[]> = {};
  for (const [name, value] of Array.isArray(headers) ? headers : Object.entries(headers)) {
    const key = name.toLowerCase();
    groups[key] = [...(groups[key] ?? []), value];
  }
  return groups;
}

function flat(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
