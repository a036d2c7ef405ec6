// Services that misbehave, each in one way.
import { createServer, type Socket } from 'node:net';
import { portFreeOn } from '../loopback-place.ts';
import { type Listening, listen } from './listening.ts';

/** What it does once the head of a request arrived. */
const ACTIONS = {
  /** Never answers. */
  hangs: () => undefined,
  /** Never answers, and takes no more of the request. */
  stalls: (socket: Socket) => void socket.pause(),
  /** Ends the connection without a word. */
  closes: (socket: Socket) => void socket.end(),
  resets: (socket: Socket) => void socket.resetAndDestroy(),
  /** Ends inside the body. */
  tears: (socket: Socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'),
  /** Says something that is not HTTP. */
  babbles: (socket: Socket) => void socket.end('\u0016\u0003\u0001 220 ready\r\n'),
} as const;
export type Fault = keyof typeof ACTIONS;
export const FAULTS = Object.keys(ACTIONS) as Fault[];

export interface FaultyOrigin extends Listening {
  /** Requests whose head arrived. */
  asked(): number;
}

export async function startFaulty(address: string, fault: Fault): Promise<FaultyOrigin> {
  let asked = 0;
  const server = createServer((socket) => {
    let text = '';
    socket.on('data', (part) => {
      text += String(part);
      if (!text.includes('\r\n\r\n')) return;
      text = '';
      asked += 1;
      ACTIONS[fault](socket);
    });
  });
  return { ...(await listen(server, address)), asked: () => asked };
}

/** A port where connections are refused. */
export function refusingPort(address: string): Promise<number> {
  return portFreeOn([address]);
}
