// Whether the network of the tunnels lies over one that the machine reaches otherwise. Law: a bundle that its owner did not agree to
// at join never turns the machine's own way to its LAN, its containers or another tunnel into ours.
import ipaddr from 'ipaddr.js';

/** A route of the machine that is not ours. */
export interface OwnNetwork {
  /** Canonical IPv4 network or bare address. */
  network: string;
  /** The interface that leads there. */
  device: string;
}

export interface Overlap extends OwnNetwork {
  /** `inside`: the machine's is the same or smaller. `around`: ours would be cut out of it. */
  place: 'inside' | 'around';
}

const SHOWN_MAX = 3;

/** The machine's own networks that share an address with `tunnels`, in their order; what is no IPv4 network is left out. */
export function overlapsOf(tunnels: string, own: readonly OwnNetwork[]): Overlap[] {
  const ours = networkOf(tunnels);
  if (!ours) return [];
  return own.flatMap((one): Overlap[] => {
    const theirs = networkOf(one.network);
    if (!theirs || theirs[1] === 0) return [];
    if (theirs[0].match(ours) && theirs[1] >= ours[1]) return [{ ...one, place: 'inside' }];
    return ours[0].match(theirs) ? [{ ...one, place: 'around' }] : [];
  });
}

/** True when an interface with this address (`ip/prefix`) is in the network of the tunnels already. */
export function isInNetwork(address: string | undefined, tunnels: string): boolean {
  const [ours, theirs] = [networkOf(tunnels), networkOf(address ?? '')];
  return ours !== undefined && theirs !== undefined && theirs[1] === ours[1] && theirs[0].match(ours);
}

/** `192.168.7.0/24 on eth0`, the first few of them. */
export function overlapText(overlaps: readonly OwnNetwork[]): string {
  const more = overlaps.length > SHOWN_MAX ? ` and ${overlaps.length - SHOWN_MAX} more` : '';
  const shown = overlaps.slice(0, SHOWN_MAX).map(({ network, device }) => `${network} on ${device}`);
  return `${shown.join(', ')}${more}`;
}

function networkOf(text: string): [ipaddr.IPv4, number] | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return [ipaddr.IPv4.parse(text), 32];
  return ipaddr.IPv4.isValidCIDRFourPartDecimal(text) ? ipaddr.IPv4.parseCIDR(text) : undefined;
}
