// Whether the kernel looks after connections that are silent, so that one whose other end is gone does not stay for ever.
import { readFileSync } from 'node:fs';

/** proc(5), /proc/net/tcp: fields of a row, and the state and the timer of a connection that the kernel will probe. */
const FIELD = { remote: 2, state: 3, timer: 5 };
const ESTABLISHED = '01';
const KEEPALIVE = '02';

/** For each connection of this host to `address`, an IPv4 one, and `port`: whether a probe is due some time. */
export function keptAlive({ address, port }: { address: string; port: number }): boolean[] {
  const remote = `${hex(address.split('.').reverse().map(Number), 2)}:${hex([port], 4)}`;
  const rows = readFileSync('/proc/net/tcp', 'latin1')
    .split('\n')
    .map((row) => row.trim().split(/\s+/));
  return rows
    .filter((row) => row[FIELD.remote] === remote && row[FIELD.state] === ESTABLISHED)
    .map((row) => row[FIELD.timer]!.startsWith(`${KEEPALIVE}:`));
}

function hex(numbers: readonly number[], digits: number): string {
  return numbers.map((number) => number.toString(16).toUpperCase().padStart(digits, '0')).join('');
}
