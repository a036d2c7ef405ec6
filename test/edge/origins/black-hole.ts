// A machine that answers no attempt to connect: it listens, takes nobody, and its queue is full. To a visitor on loopback that is the same
// as packets that vanish.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';

export interface BlackHole {
  readonly address: string;
  readonly port: number;
  end(): Promise<void>;
}

/** Listens, and then looks after nothing any more. */
const PROGRAM = `
const { parentPort, workerData } = require('node:worker_threads');
const server = require('node:net').createServer();
server.listen({ host: workerData, port: 0, backlog: 1 }, () => {
  parentPort.postMessage(server.address().port);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});`;

const FILLERS_MAX = 16;
/** On loopback the kernel answers at once or not at all; a waste of time at worst. */
const ANSWER_WAIT_MS = 300;

/** Resolves when nobody can connect any more. */
export async function openBlackHole(address: string): Promise<BlackHole> {
  const worker = new Worker(PROGRAM, { eval: true, workerData: address });
  const [port] = (await once(worker, 'message')) as [number];
  const fillers: Socket[] = [];
  const end = async () => {
    for (const filler of fillers) filler.destroy();
    await worker.terminate();
  };
  while (fillers.length < FILLERS_MAX) {
    const filler = connect(port, address);
    filler.on('error', () => undefined);
    fillers.push(filler);
    if (!(await isTaken(filler))) return { address, port, end };
  }
  await end();
  throw new Error(`the queue of ${address}:${port} takes more than ${FILLERS_MAX}`);
}

function isTaken(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), ANSWER_WAIT_MS);
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
