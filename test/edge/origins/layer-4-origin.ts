// Services that see connections and datagrams, not requests: each says its name before whatever it was told, and remembers it.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { type Listening, listen } from './listening.ts';

const LINE_BYTES_MAX = 1024;

export interface Layer4Origin extends Pick<Listening, 'address' | 'port' | 'end'> {
  /** What each connection said so far, or each datagram, in order. With `headed`: the first line of each connection. */
  heard(): string[];
  clear(): void;
}

export interface Headed {
  /** Expects one line of PROXY protocol before anything else, and says nothing before it. */
  headed?: boolean;
}

/** Answers `NAME: TEXT` to every piece, until the other side ends. */
export async function startTcp(address: string, name: string, { headed = false }: Headed = {}): Promise<Layer4Origin> {
  const { note, ...memory } = createMemory();
  const converse = (socket: Socket, add: (text: string) => void) => {
    socket.on('data', (data) => {
      add(String(data));
      socket.write(`${name}: ${data}`);
    });
  };
  const server = createServer((socket) => {
    if (!headed) return converse(socket, note());
    takeLine(socket, (line) => {
      note()(line);
      converse(socket, () => undefined);
    });
  });
  return { ...(await listen(server, address)), ...memory };
}

/** Has a certificate of its own. Remembers nothing but the lines of `headed`. */
export async function startTls(
  address: string,
  name: string,
  files: { certFile: string; keyFile: string },
  { headed = false }: Headed = {},
): Promise<Layer4Origin> {
  const { note, ...memory } = createMemory();
  const pair = { cert: readFileSync(files.certFile), key: readFileSync(files.keyFile) };
  const tls = createTlsServer(pair, (socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (data) => socket.write(`${name}: ${data}`));
  });
  tls.on('tlsClientError', () => undefined);
  if (!headed) return { ...(await listen(tls, address)), ...memory };
  const server = createServer((socket) => {
    takeLine(socket, (line) => {
      note()(line);
      tls.emit('connection', socket);
    });
  });
  return { ...(await listen(server, address)), ...memory };
}

/** Answers `NAME PORT: TEXT`, PORT being that of the sender as the service sees it. */
export async function startUdp(address: string, name: string): Promise<Layer4Origin> {
  const { note, ...memory } = createMemory();
  const socket = createSocket('udp4', (data, sender) => {
    note()(String(data));
    socket.send(`${name} ${sender.port}: ${data}`, sender.port, sender.address);
  });
  socket.bind(0, address);
  await once(socket, 'listening');
  return { address, port: socket.address().port, ...memory, end: async () => void socket.close() };
}

/** `note` begins an entry, to which what it answers adds. */
function createMemory(): Pick<Layer4Origin, 'heard' | 'clear'> & { note(): (text: string) => void } {
  let entries: { text: string }[] = [];
  return {
    heard: () => entries.map(({ text }) => text),
    clear() {
      entries = [];
    },
    note() {
      const entry = { text: '' };
      entries.push(entry);
      return (text) => {
        entry.text += text;
      };
    },
  };
}

/** What follows the line stays unread. A connection whose beginning is no line is ended. */
function takeLine(socket: Socket, then: (line: string) => void): void {
  let bytes = Buffer.alloc(0);
  const look = () => {
    for (let piece = socket.read(); piece !== null; piece = socket.read()) bytes = Buffer.concat([bytes, piece]);
    const end = bytes.indexOf('\r\n');
    if (end < 0) {
      if (bytes.length > LINE_BYTES_MAX) socket.destroy();
      return;
    }
    socket.off('readable', look);
    socket.unshift(bytes.subarray(end + 2));
    then(bytes.subarray(0, end).toString('latin1'));
  };
  socket.on('readable', look);
}
