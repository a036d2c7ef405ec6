// A visitor's WebSocket: opens it, says one thing and waits for the echo. It never throws.
import { randomBytes } from 'node:crypto';
import type { ProbeTarget, WebSocketResult } from './probe-protocol.ts';
import { flat, openRequest } from './probe-request.ts';
import { acceptKey, readFrame, textFrame } from './websocket-frames.ts';

const TIMEOUT_MS = 5_000;

/** Sends `text` and answers what came back first. */
export function probeWebSocket(target: ProbeTarget, text: string): Promise<WebSocketResult> {
  return new Promise((resolve) => {
    const key = randomBytes(16).toString('base64');
    const request = openRequest(target, {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-key': key,
      'sec-websocket-version': '13',
    });
    const finish = (result: WebSocketResult) => {
      clearTimeout(timer);
      request.destroy();
      resolve(result);
    };
    const fail = (reason: string) => finish({ kind: 'failed', reason });
    const timer = setTimeout(() => fail('timeout'), target.timeoutMs ?? TIMEOUT_MS);
    request.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
    request.on('response', (response) => fail(`status ${response.statusCode}`));
    request.on('upgrade', (response, socket, head) => {
      socket.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
      socket.on('close', () => fail('closed without an echo'));
      if (response.headers['sec-websocket-accept'] !== acceptKey(key)) {
        fail('wrong Sec-WebSocket-Accept');
        return;
      }
      let bytes: Buffer = head;
      const look = () => {
        try {
          const read = readFrame(bytes);
          if (read === undefined) return;
          socket.destroy();
          finish({ kind: 'echoed', text: read.frame.payload.toString('utf8'), headers: flat(response.headers) });
        } catch (error) {
          fail(String(error));
        }
      };
      socket.on('data', (chunk: Buffer) => {
        bytes = Buffer.concat([bytes, chunk]);
        look();
      });
      socket.write(textFrame(Buffer.from(text), true));
      look();
    });
    request.end();
  });
}
