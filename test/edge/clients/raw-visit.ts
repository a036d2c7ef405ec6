// A visitor who speaks HTTP/1.1 byte by byte: nothing of the request line or the headers is corrected on the way out.
import type { Socket } from 'node:net';
import type { Seen } from '../origins/seen.ts';
import { AnswerReader, type Head } from './answer-reader.ts';
import { connectPlain, connectTls, type Door } from './door.ts';

export interface Ask {
  host: string;
  /** Default: the host. Empty: no name in the handshake. */
  sni?: string;
  /** As it stands in the request line, default `/`. */
  path?: string;
  method?: string;
  /** In this order, after Host; a name may come twice. */
  headers?: readonly (readonly [string, string])[] | Readonly<Record<string, string>>;
  body?: string | Buffer;
  /** The body with Transfer-Encoding instead of Content-Length. */
  chunked?: boolean;
  /** The visitor's address. */
  from?: string;
  /** Without TLS, to the port that redirects. */
  plain?: boolean;
}

export interface Answer extends Head {
  body: string;
}

/** One request on a connection of its own. */
export async function visit(door: Door, ask: Ask): Promise<Answer> {
  const connection = await connectRaw(door, ask);
  try {
    return await connection.ask(ask);
  } finally {
    connection.end();
  }
}

/** What the echo origin says it saw; an answer by HTTP/2 tells it too. @throws Error when somebody else answered */
export function seenBy({ status, headers, body }: Pick<Answer, 'status' | 'headers' | 'body'>): Seen {
  if (headers['x-echo'] === undefined) throw new Error(`no echo but ${status}: ${body.slice(0, 200)}`);
  return JSON.parse(body) as Seen;
}

export interface RawConnection {
  readonly socket: Socket;
  readonly reader: AnswerReader;
  write(bytes: string | Buffer): void;
  /** Sends a request and reads the whole answer; the connection stays open for the next one unless the edge closes it. */
  ask(ask: Ask): Promise<Answer>;
  /** The next whole answer. */
  answer(): Promise<Answer>;
  end(): void;
}

/** Rejects when the handshake is refused. */
export async function connectRaw(door: Door, { host, sni = host, from, plain, method }: Ask): Promise<RawConnection> {
  const visitor = { sni, ...(from !== undefined && { from }) };
  const socket = plain ? await connectPlain(door, visitor) : await connectTls(door, visitor);
  const reader = new AnswerReader(socket, method);
  const answer = async (): Promise<Answer> => {
    const head = await reader.head();
    return { ...head, body: await reader.text(head) };
  };
  return {
    socket,
    reader,
    write: (bytes) => void socket.write(bytes),
    async ask(ask) {
      socket.write(requestHead(ask));
      const { body, chunked } = ask;
      if (body !== undefined) socket.write(chunked ? chunk(body) : body);
      if (chunked) socket.write(LAST_CHUNK);
      return answer();
    },
    answer,
    end: () => socket.destroy(),
  };
}

/** Everything up to and with the empty line. */
export function requestHead({ host, path = '/', method = 'GET', headers = [], body, chunked }: Ask): string {
  const fields = Array.isArray(headers) ? headers : Object.entries(headers);
  const length = chunked
    ? 'Transfer-Encoding: chunked'
    : body !== undefined && `Content-Length: ${Buffer.byteLength(body)}`;
  const lines = [
    ...[`${method} ${path} HTTP/1.1`, `Host: ${host}`],
    ...fields.map(([name, value]) => `${name}: ${value}`),
    ...(length ? [length] : []),
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

export const LAST_CHUNK = '0\r\n\r\n';

export function chunk(data: string | Buffer): Buffer {
  const bytes = Buffer.from(data);
  return bytes.length === 0
    ? bytes
    : Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
}
