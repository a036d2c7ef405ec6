// Full TLS handshakes: a new connection for every request, and never a session from before. wrk and its like resume sessions by themselves,
// so this is a client of our own.
import { connect, createSecureContext, type SecureContext } from 'node:tls';
import type { Measured } from './bench-edge-ratios.ts';

const AT_ONCE = 16;
const CONNECTION_TIMEOUT_MS = 10_000;
const FAILURES_SHOWN = 3;

export interface Visitors {
  /** Taken in turn. */
  hostnames: readonly string[];
  port: number;
}

/**
 * Connects and asks for `seconds`, sixteen at a time. `cpuSeconds`: what the web server has used.
 * @throws Error when a connection failed, resumed a session, or was not answered 200
 */
export async function shakeHands(
  { hostnames, port }: Visitors,
  seconds: number,
  cpuSeconds: () => number,
): Promise<Measured> {
  const context = createSecureContext({ minVersion: 'TLSv1.3' });
  const failures: string[] = [];
  const start = performance.now();
  const used = cpuSeconds();
  const deadline = start + seconds * 1_000;
  let done = 0;
  const visitor = async () => {
    while (performance.now() < deadline && failures.length < FAILURES_SHOWN) {
      const hostname = hostnames[done % hostnames.length]!;
      done += 1;
      const failure = await visit(hostname, port, context);
      if (failure !== undefined) failures.push(`${hostname}: ${failure}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, visitor));
  if (failures.length > 0) throw new Error(`handshakes on port ${port}: ${failures.join('; ')}`);
  return { done, seconds: (performance.now() - start) / 1_000, cpuSeconds: cpuSeconds() - used };
}

/** Why it failed; undefined when it did not. */
function visit(servername: string, port: number, secureContext: SecureContext): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, servername, secureContext, rejectUnauthorized: false });
    let answer = '';
    let resumed = false;
    socket.setTimeout(CONNECTION_TIMEOUT_MS, () => socket.destroy(new Error('timeout')));
    socket.once('secureConnect', () => {
      resumed = socket.isSessionReused();
      socket.write(`GET / HTTP/1.1\r\nHost: ${servername}\r\nConnection: close\r\n\r\n`);
    });
    socket.on('data', (part: Buffer) => {
      answer = (answer + part.toString('latin1')).slice(0, 100);
    });
    socket.once('error', (error) => resolve(error.message));
    socket.once('close', () => {
      if (resumed) resolve('an old session was resumed');
      else resolve(/^HTTP\/1\.1 200 /.test(answer) ? undefined : `answered ${JSON.stringify(answer)}, expected 200`);
    });
  });
}
