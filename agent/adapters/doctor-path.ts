// Whether packets as large as those of the tunnel get to an edge in one piece. Outside of the tunnel, because the packet filters of nodes answer no
// echo request inside; by `ping` of iputils.
import { isIPv4, isIPv6 } from 'node:net';
import { execa } from 'execa';
import { programEnvironment } from './program.ts';
import { MTU } from './wireguard-link.ts';

export type PathFact = 'fits' | 'too small' | 'unknown';

const WAIT_SECONDS = 2;
const SMALL_BYTES = 56;
/** Around a packet of the tunnel: UDP and WireGuard (its paper, section 5.4.6). An echo request has 8 bytes of ICMP instead. */
const AROUND_BYTES = 8 + 32;

/** `unknown` where nothing answers a small one either, or there is no ping. */
export async function pathTo(address: string, signal: AbortSignal): Promise<PathFact> {
  if (!isIPv4(address) && !isIPv6(address)) return 'unknown';
  const [small, large] = await Promise.all(
    [SMALL_BYTES, MTU + AROUND_BYTES - 8].map((bytes) => ping(address, bytes, signal)),
  );
  if (!small) return 'unknown';
  return large ? 'fits' : 'too small';
}

async function ping(address: string, bytes: number, signal: AbortSignal): Promise<boolean> {
  const family = isIPv6(address) ? '-6' : '-4';
  const args = [family, '-n', '-q', '-c', '1', '-W', `${WAIT_SECONDS}`, '-M', 'do', '-s', `${bytes}`, address];
  const ended = await execa('ping', args, {
    ...{ reject: false, stdio: 'ignore', cancelSignal: signal, forceKillAfterDelay: 500 },
    ...{ env: programEnvironment(), extendEnv: false, timeout: (WAIT_SECONDS + 1) * 1000 },
  });
  return ended.exitCode === 0;
}
