// `host` of a backend or a login service: an address behind the origin. Law: nothing on the internet, nothing in the tunnels, and of
// loopback only 127.0.0.1, because packets are led there by an address and not by a name.
import ipaddr from 'ipaddr.js';
import { parseNetwork } from '../check-network.ts';
import { type FieldPlace, type FieldProblem, meantOr, one, refuse, shown } from './field.ts';

const LOOPBACK = '127.0.0.1';

export const host = one<string>(judgeHost);

function judgeHost(typed: string, place: FieldPlace): FieldProblem[] {
  const problem = (expected: string, hint: string) => [
    refuse(place, 'KK317', `found ${shown(typed)}, expected ${expected}`, hint),
  ];
  if (!ipaddr.IPv4.isValidFourPartDecimal(typed))
    return problem('an IPv4 address such as 192.168.1.20', meantOr(nearestHost(typed), 'write the address itself'));
  if (typed === LOOPBACK) return [];
  const address = ipaddr.IPv4.parse(typed);
  const range = address.range();
  if (range === 'loopback') return problem(`${LOOPBACK}, of all loopback addresses`, `did you mean ${LOOPBACK}?`);
  if (range !== 'private')
    return problem(
      'a private address (RFC 1918: 10.…, 172.16.… to 172.31.…, 192.168.…)',
      'name the machine by its address in the LAN of the origin',
    );
  const network = place.kokoa && parseNetwork(place.kokoa.network.wireguard);
  if (network !== undefined && 'cidr' in network && network.contains(typed))
    return problem(
      `an address outside of the tunnels, ${network.cidr}`,
      'to reach the origin itself delete the line; another machine of the fleet is an origin of its own',
    );
  return [];
}

/** The address inside what people paste: a port, a prefix length, leading zeros, the name of loopback. */
function nearestHost(typed: string): string | undefined {
  if (typed.trim().toLowerCase() === 'localhost') return LOOPBACK;
  const match = /^\s*(?:[a-z]+:\/\/)?([0-9.]+)(?:[:/].*)?\s*$/i.exec(typed);
  const bare = match?.[1]?.replace(/(^|\.)0+(?=[0-9])/g, '$1');
  return bare !== undefined && ipaddr.IPv4.isValidFourPartDecimal(bare) ? bare : undefined;
}
