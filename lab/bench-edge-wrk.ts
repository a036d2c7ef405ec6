// Requests over kept TLS connections, by wrk. Its connections ask for a name and go to loopback; that takes a few lines of Lua.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';

export const CONNECTIONS = 32;
const GRACE_MS = 10_000;
/** The name in the handshake is the URL's, where it leads is not. */
const SCRIPT = `wrk.resolve = function(host, service)
  wrk.addrs = wrk.lookup("127.0.0.1", service)
end
`;

export interface Load {
  done: number;
  seconds: number;
}

export interface Visit {
  hostname: string;
  port: number;
  path: string;
}

/** Asks as fast as it can for `seconds`. @throws Error when any answer was not 2xx or 3xx, or any connection failed */
export async function askByWrk(directory: string, visit: Visit, seconds: number): Promise<Load> {
  const script = join(directory, 'wrk.lua');
  writeFileSync(script, SCRIPT);
  const url = `https://${visit.hostname}:${visit.port}${visit.path}`;
  const args = ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '-s', script, '-H', `Host: ${visit.hostname}`, url];
  const { stdout } = await execa('wrk', args, { timeout: seconds * 1_000 + GRACE_MS });
  const { failed, ...load } = readWrk(stdout);
  if (load.done === 0 || failed > 0) throw new Error(`wrk ${args.join(' ')}: ${failed} failed\n${stdout}`);
  return load;
}

/** What wrk prints at its end. */
export function readWrk(printed: string): Load & { failed: number } {
  const [, done = '0', length = '0', unit = 's'] = /^ *([0-9]+) requests in ([0-9.]+)(ms|s|m),/m.exec(printed) ?? [];
  const [, ...broken] =
    /Socket errors: connect ([0-9]+), read ([0-9]+), write ([0-9]+), timeout ([0-9]+)/.exec(printed) ?? [];
  const [, refused = '0'] = /Non-2xx or 3xx responses: ([0-9]+)/.exec(printed) ?? [];
  return {
    done: Number(done),
    seconds: Number(length) * { ms: 0.001, s: 1, m: 60 }[unit]!,
    failed: [refused, ...broken].reduce((sum, count) => sum + Number(count), 0),
  };
}
