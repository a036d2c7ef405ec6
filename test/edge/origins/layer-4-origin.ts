// Services that see connections and datagrams, not requests: each says its name before whatever it was told, and remembers it.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { type Listening, listen } from './listening.ts';

export interface Layer4Origin extends Pick<Listening, 'address' | 'port' | 'end'> {
  /** What each connection said, or each datagram, in order. With `headed`: the first line of each connection. */
  readonly heard: string[];
}

/** Answers `NAME: TEXT` to every piece, until the other side ends. */
export async function startTcp(address: string, name: string): Promise<Layer4Origin> {
  const heard: string[] = [];
  const server = createServer((socket) => {
    const index = heard.push('') - 1;
    socket.on('data', (data) => {
      heard[index] += String(data);
      socket.write(`${name}: ${data}`);
    });
  });
  return { ...(await listen(server, address)), heard };
}

/** Has a certificate of its own. `headed`: expects one line of PROXY protocol before the handshake, and answers only then. */
export async function startTls(
  address: string,
  name: string,
  files: { certFile: string; keyFile: string },
  { headed = false } = {},
): Promise<Layer4Origin> {
  const heard: string[] = [];
  const pair = { cert: readFileSync(files.certFile), key: readFileSync(files.keyFile) };
  const tls = createTlsServer(pair, (socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (data) => socket.write(`${name}: ${data}`));
  });
  tls.on('tlsClientError', () => undefined);
  if (!headed) return { ...(await listen(tls, address)), heard };
  const server = createServer((socket) => {
    takeLine(socket, (line) => {
      heard.push(line);
      tls.emit('connection', socket);
    });
  });
  return { ...(await listen(server, address)), heard };
}

/** Answers `NAME PORT: TEXT`, PORT being that of the sender as the service sees it. */
export async function startUdp(address: string, name: string): Promise<Layer4Origin> {
  const heard: string[] = [];
  const socket = createSocket('udp4', (data, sender) => {
    heard.push(String(data));
    socket.send(`${name} ${sender.port}: ${data}`, sender.port, sender.address);
  });
  socket.bind(0, address);
  await once(socket, 'listening');
  return { address, port: socket.address().port, heard, end: async () => void socket.close() };
}

/** The rest stays unread. */
function takeLine(socket: Socket, then: (line: string) => void): void {
  socket.once('readable', () => {
    const first = socket.read() as Buffer | null;
    if (first === null) return;
    const end = first.indexOf('\r\n');
    if (end < 0) return void socket.destroy();
    socket.unshift(first.subarray(end + 2));
    then(first.subarray(0, end).toString('latin1'));
  });
}
