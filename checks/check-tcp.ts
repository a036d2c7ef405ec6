// Whether a port accepts a connection. Nothing is sent on it.
import { connect } from 'node:net';
import type { CheckResult, TcpCheck } from './check.ts';
import { connectionFailure } from './connection-failure.ts';

/** An aborted `signal` is a failure. */
export function checkTcp({ address, port }: TcpCheck, signal: AbortSignal): Promise<CheckResult> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, signal });
    const end = (result: CheckResult) => {
      socket.destroy();
      resolve(result);
    };
    socket.once('connect', () => end({ ok: true }));
    socket.on('error', (error) => end(connectionFailure(error)));
  });
}
