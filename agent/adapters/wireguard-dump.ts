// Reads what `wg show NAME dump` prints. Law: the private key in its first field goes nowhere, and a line that is not exactly
// as wg(8) describes it fails the whole reading instead of being guessed at.
import { KokoaError } from '../../bundle/error.ts';
import { canonicalEndpoint } from '../core/endpoint.ts';
import { PEERS_MAX } from '../core/tunnel-claims.ts';
import { isWireguardKey } from '../core/wireguard-key.ts';
import type { TunnelPeer } from '../ports/tunnel.ts';

export interface WireguardDump {
  /** Absent while the interface has no private key. */
  publicKey?: string;
  listenPort: number;
  peers: TunnelPeer[];
}

/** @throws KokoaError tunnel_failed when the text is not such a dump; the message holds nothing of the text */
export function parseDump(text: string): WireguardDump {
  const [first, ...rest] = text.split('\n').filter((line) => line !== '');
  const own = first?.split('\t') ?? [];
  if (own.length !== 4) throw unexpected('the first line has not four fields');
  if (rest.length > PEERS_MAX) throw unexpected(`more than ${PEERS_MAX} peers`);
  const publicKey = optional(own[1]!);
  if (publicKey !== undefined && !isWireguardKey(publicKey)) throw unexpected('a malformed public key');
  return {
    listenPort: integer(own[2]!, 65_535),
    peers: rest.map(parsePeer),
    ...(publicKey !== undefined && { publicKey }),
  };
}

/** `wg show NAME latest-handshakes`: public key → unix seconds. @throws KokoaError tunnel_failed */
export function parseHandshakes(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '');
  if (lines.length > PEERS_MAX) throw unexpected(`more than ${PEERS_MAX} peers`);
  return new Map(
    lines.map((line): [string, number] => {
      const [key = '', seconds = '', ...rest] = line.split('\t');
      if (!isWireguardKey(key) || rest.length > 0) throw unexpected('a malformed line of handshakes');
      return [key, integer(seconds, Number.MAX_SAFE_INTEGER)];
    }),
  );
}

function parsePeer(line: string): TunnelPeer {
  const fields = line.split('\t');
  if (fields.length !== 8) throw unexpected('a peer line has not eight fields');
  const [publicKey, , endpointText, allowedText, handshake, , , keepalive] = fields as [string, ...string[]];
  if (!isWireguardKey(publicKey)) throw unexpected('a malformed public key');
  const allowedIps = optional(allowedText!)?.split(',') ?? [];
  if (!allowedIps.every((network) => /^[0-9a-f.:]{2,45}\/[0-9]{1,3}$/.test(network))) {
    throw unexpected('a malformed allowed address');
  }
  // An endpoint with a zone (`[fe80::1%eth0]:1`) is real, but nothing we could set again: as good as none.
  const endpoint = canonicalEndpoint(optional(endpointText!) ?? '');
  return {
    publicKey,
    allowedIps: allowedIps.sort(),
    keepaliveSeconds: keepalive === 'off' ? 0 : integer(keepalive!, 65_535),
    latestHandshake: integer(handshake!, Number.MAX_SAFE_INTEGER),
    ...(endpoint !== undefined && { endpoint }),
  };
}

function optional(field: string): string | undefined {
  return field === '(none)' ? undefined : field;
}

function integer(field: string, max: number): number {
  const value = /^[0-9]{1,16}$/.test(field) ? Number(field) : Number.NaN;
  if (!(value <= max)) throw unexpected('a malformed number');
  return value;
}

function unexpected(what: string): KokoaError {
  return new KokoaError('tunnel_failed', `unexpected output of wg show dump: ${what}`, {
    hint: 'check the version of wireguard-tools (1.0.20200827 or newer)',
  });
}
