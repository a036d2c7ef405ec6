// The network link below a WireGuard interface, as `ip -j addr show` describes it.
import { KokoaError } from '../../bundle/error.ts';
import { runProgram } from './program.ts';

/** 1500 minus IPv6, UDP and WireGuard headers: fits any path that carries Ethernet frames (wg-quick(8) uses the same). */
export const MTU = 1420;

export interface Link {
  up: boolean;
  mtu: number;
  /** IPv4 with prefix length, `10.100.0.1/16`. */
  addresses: string[];
}

/** Linux keeps interface names below IFNAMSIZ (16 with the final zero). @throws KokoaError bad_interface_name */
export function checkInterfaceName(name: string): string {
  if (/^[A-Za-z][A-Za-z0-9_-]{0,14}$/.test(name)) return name;
  throw new KokoaError('bad_interface_name', `"${name.slice(0, 40)}" cannot name a network interface`, {
    hint: 'use 1 to 15 letters, digits, - or _, beginning with a letter, for example kokoa0',
  });
}

/** Undefined: there is no such link in this network namespace. @throws KokoaError tunnel_failed for output that is not ip's */
export async function readLink(target: { name: string; prefix: readonly string[] }): Promise<Link | undefined> {
  const shown = await runProgram([...target.prefix, 'ip', '-j', 'addr', 'show', 'dev', target.name]);
  return shown.ok ? parseLink(shown.stdout) : undefined;
}

interface IpLink {
  flags: string[];
  mtu: number;
  addr_info: { family: string; local: string; prefixlen: number }[];
}

function parseLink(text: string): Link {
  try {
    const [link] = JSON.parse(text) as [IpLink];
    return {
      up: link.flags.includes('UP'),
      mtu: link.mtu,
      addresses: link.addr_info
        .filter((entry) => entry.family === 'inet')
        .map((entry) => `${entry.local}/${entry.prefixlen}`),
    };
  } catch (cause) {
    throw new KokoaError('tunnel_failed', 'unexpected output of ip -j addr show', {
      hint: 'check the version of iproute2 (5.0 or newer)',
      cause,
    });
  }
}
