// Requests over kept TLS connections, by wrk. Its connections ask for a name and go to loopback; that takes a few lines of Lua.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import type { Measured } from './bench-edge-ratios.ts';

export const CONNECTIONS = 32;
const WARM_UP_MS = 400;
const GRACE_MS = 10_000;
/** The name in the handshake is the URL's, where it leads is not. */
const SCRIPT = `wrk.resolve = function(host, service)
  wrk.addrs = wrk.lookup("127.0.0.1", service)
end
`;

export interface Visit {
  hostname: string;
  port: number;
  path: string;
}

/** Read while connections that were made before are used: what a handshake costs is not in the numbers. */
export interface Meters {
  /** Requests that the backend has answered. */
  answered: () => Promise<number>;
  /** Seconds of processor time that the web server has used. */
  cpuSeconds: () => number;
}

/** Asks as fast as it can for `seconds` and a little more. @throws Error when any answer was not 2xx or 3xx, or a connection failed */
export async function askByWrk(directory: string, visit: Visit, seconds: number, meters: Meters): Promise<Measured> {
  const script = join(directory, 'wrk.lua');
  writeFileSync(script, SCRIPT);
  const lasting = Math.ceil(seconds + (2 * WARM_UP_MS) / 1_000);
  const url = `https://${visit.hostname}:${visit.port}${visit.path}`;
  const args = ['-t1', `-c${CONNECTIONS}`, `-d${lasting}s`, '-s', script, '-H', `Host: ${visit.hostname}`, url];
  const asking = execa('wrk', args, { timeout: lasting * 1_000 + GRACE_MS });
  const [{ stdout }, measured] = await Promise.all([asking, readMeters(meters, seconds)]);
  const { done, failed } = readWrk(stdout);
  if (done === 0 || failed > 0) throw new Error(`wrk ${args.join(' ')}: ${failed} failed\n${stdout}`);
  return measured;
}

async function readMeters({ answered, cpuSeconds }: Meters, seconds: number): Promise<Measured> {
  const look = async () => ({ done: await answered(), cpuSeconds: cpuSeconds(), seconds: performance.now() / 1_000 });
  await delay(WARM_UP_MS);
  const before = await look();
  await delay(seconds * 1_000);
  const after = await look();
  return {
    done: after.done - before.done,
    seconds: after.seconds - before.seconds,
    cpuSeconds: after.cpuSeconds - before.cpuSeconds,
  };
}

/** What wrk prints at its end. */
export function readWrk(printed: string): { done: number; failed: number } {
  const [, done = '0'] = /^ *([0-9]+) requests in /m.exec(printed) ?? [];
  const [, ...broken] =
    /Socket errors: connect ([0-9]+), read ([0-9]+), write ([0-9]+), timeout ([0-9]+)/.exec(printed) ?? [];
  const [, refused = '0'] = /Non-2xx or 3xx responses: ([0-9]+)/.exec(printed) ?? [];
  return {
    done: Number(done),
    failed: [refused, ...broken].reduce((sum, count) => sum + Number(count), 0),
  };
}
