// What an edge that was taken over may try, as one program in its namespace: connections and datagrams to every place it can think of,
// from every address, with no regard for answers.
//   node hostile-edge-storm.fixture.ts once|all|endless
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const ORIGIN = '10.100.1.1';
/** Of the origin, its LAN, its containers, its loopback, the other edge, and everybody. */
const ADDRESSES = [
  ...[ORIGIN, '192.168.7.7', '198.51.101.7', '172.17.0.1', '127.0.0.1', '127.0.0.53'],
  ...['192.168.7.2', '172.17.0.2', '10.100.0.2', '198.51.101.2', '10.100.255.255', '192.168.7.255', '255.255.255.255'],
  ...['fd00:100::7', 'ff02::1'],
];
const PORTS = [22, 53, 68, 80, 2375, 3000, 5353, 8080, 8081, 8082, 8088, 9100, 20_001, 20_002, 20_003];
/** The edge’s own, and four that become others’ on the way out. */
const SOURCES = ['10.100.0.1', '10.200.0.2', '10.200.0.3', '10.200.0.4', '10.200.0.5'];
/** Full-size datagrams are cut into fragments on the way. */
const SMALL = Buffer.from('?');
const LARGE = Buffer.alloc(4_000, '?');
/** So many at once, then a breath: what overflows a queue would prove nothing. */
const BURST = 100;

/** Of all ports these are tried by UDP. */
const UDP_EVERY = 13;

let sent = 0;

async function breathe(): Promise<void> {
  sent += 1;
  if (sent % BURST === 0) await delay(1);
}

/** The kernel sends the first packet within the call; nobody waits for an answer. */
async function knock(host: string, port: number, localAddress?: string): Promise<void> {
  const socket = connect({ host, port, ...(localAddress && { localAddress }) });
  socket.on('error', () => undefined);
  setImmediate(() => socket.destroy());
  await breathe();
}

async function open(source?: string): Promise<UdpSocket> {
  const socket = createSocket(source?.includes(':') ? 'udp6' : 'udp4');
  socket.on('error', () => undefined);
  await new Promise<void>((resolve) => socket.bind({ ...(source && { address: source }) }, resolve));
  if (!source?.includes(':')) socket.setBroadcast(true);
  return socket;
}

async function throwAt(socket: UdpSocket, host: string, port: number, data = SMALL): Promise<void> {
  socket.send(data, port, host, () => undefined);
  await breathe();
}

async function round(): Promise<void> {
  for (const source of SOURCES) {
    const socket = await open(source);
    for (const address of ADDRESSES.filter((one) => !one.includes(':'))) {
      for (const port of PORTS) {
        await knock(address, port, source);
        await throwAt(socket, address, port);
      }
      await throwAt(socket, address, 5353, LARGE);
      await throwAt(socket, address, 22, LARGE);
    }
    socket.close();
  }
  const socket = await open('fd00:100::1');
  for (const address of ADDRESSES.filter((one) => one.includes(':'))) {
    for (const port of PORTS) {
      await knock(address, port);
      await throwAt(socket, address, port);
    }
  }
  socket.close();
}

async function everyPort(): Promise<void> {
  const socket = await open('10.100.0.1');
  for (let port = 1; port <= 65_535; port += 1) {
    await knock(ORIGIN, port);
    if (port % UDP_EVERY === 0) await throwAt(socket, ORIGIN, port);
  }
  socket.close();
}

/** For whoever starts it. */
export const STORM = import.meta.filename;

async function main(what: string | undefined): Promise<void> {
  process.on('SIGTERM', () => process.exit());
  process.stdout.write('storming\n');
  if (what === 'all') await everyPort();
  do await round();
  while (what === 'endless');
}

if (process.argv[1] === STORM) await main(process.argv[2]);
