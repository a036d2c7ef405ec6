// Reads the counters of a WireGuard interface: the kernel's own for the interface, `wg` for each peer.
import { readFile } from 'node:fs/promises';
import { KokoaError } from '../../bundle/error.ts';
import type { Counters } from '../core/tunnel-health.ts';
import { isWireguardKey } from '../core/wireguard-key.ts';
import type { TunnelMeter } from '../ports/tunnel-meter.ts';
import { runProgram } from './program.ts';
import { checkInterfaceName } from './wireguard-link.ts';

const READ_TIMEOUT_MS = 1_000;
/** Of proc(5), `/proc/net/dev`: eight numbers of what was received, then what was sent, its bytes first. */
const SENT_BYTES = 8;

export interface MeterOptions {
  interfaceName: string;
  /** Put before `wg`, e.g. `['ip', 'netns', 'exec', NAME]`. */
  commandPrefix?: readonly string[];
  /** The table of interfaces of the network namespace. */
  devicesFile?: string;
}

/** @throws KokoaError bad_interface_name */
export function createWireguardMeter({
  interfaceName,
  commandPrefix = [],
  devicesFile = '/proc/self/net/dev',
}: MeterOptions): TunnelMeter {
  const name = checkInterfaceName(interfaceName);
  const command = [...commandPrefix, 'wg', 'show', name, 'transfer'];
  return {
    sent: async () => sentBytes(await readFile(devicesFile, 'utf8').catch(() => ''), name),
    async read() {
      const shown = await runProgram(command, { timeoutMs: READ_TIMEOUT_MS });
      if (!shown.ok) throw failed(shown.reason);
      return new Map(shown.stdout.split('\n').filter(Boolean).map(parseLine));
    },
  };
}

function sentBytes(devices: string, name: string): number | undefined {
  const line = devices.split('\n').find((each) => each.trimStart().startsWith(`${name}:`));
  const text = line?.split(':')[1]?.trim().split(/\s+/)[SENT_BYTES] ?? '';
  return /^[0-9]+$/.test(text) ? Number(text) : undefined;
}

/** wg(8): public key, received, sent. */
function parseLine(line: string): [string, Counters] {
  const [key = '', received = '', sent = '', ...rest] = line.split('\t');
  const numbers = [received, sent].every((text) => /^[0-9]{1,16}$/.test(text));
  if (!isWireguardKey(key) || !numbers || rest.length > 0) throw failed('unexpected output of wg show transfer');
  return [key, { received: Number(received), sent: Number(sent) }];
}

function failed(reason: string): KokoaError {
  return new KokoaError('tunnel_failed', `cannot read the counters of the tunnel: ${reason}`, {
    hint: 'check that the interface is there and the version of wireguard-tools (1.0.20200827 or newer)',
  });
}
