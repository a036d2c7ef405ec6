// Lists of networks: allow, deny, maintenance.allow. Law: a network has one spelling, its canonical one, so that what a reviewer reads
// is what is compared, and equal entries are seen.
import ipaddr from 'ipaddr.js';
import { type FieldPlace, type FieldProblem, listOf, meantOr, one, refuse, shown } from './field.ts';

const BITS = { ipv4: 32, ipv6: 128 } as const;

type Result = { kind: 'network'; cidr: string } | { kind: 'refused'; expected: string; meant?: string | undefined };

export const networks = listOf(
  one<string>((typed, place) => {
    const result = readNetwork(typed);
    if (result.kind === 'network') return [];
    const hint = meantOr(result.meant, 'write an address or a network; names are not looked up');
    return [refuse(place, 'KK318', `found ${shown(typed)}, expected ${result.expected}`, hint)];
  }),
  judgeRepetition,
);

/** An address (then with /32 or /128) or a CIDR network in its canonical spelling (RFC 4632, RFC 5952), without zone or host bits. */
export function readNetwork(typed: string): Result {
  const [address = '', prefix, ...rest] = typed.split('/');
  const kind = ipaddr.IPv4.isValidFourPartDecimal(address) ? 'ipv4' : isIPv6(address) ? 'ipv6' : undefined;
  if (kind === undefined || rest.length > 0)
    return refused('an address or network such as 203.0.113.0/24', nearestNetwork(typed));
  const bits = BITS[kind];
  const length = prefix === undefined ? bits : /^(0|[1-9][0-9]{0,2})$/.test(prefix) ? Number(prefix) : -1;
  if (length < 0 || length > bits) return refused(`a prefix length from 0 to ${bits}`, nearestNetwork(typed));
  const parsed = ipaddr.parse(address);
  if (parsed instanceof ipaddr.IPv6 && parsed.isIPv4MappedAddress()) {
    const inner = parsed.toIPv4Address().toString();
    const meant = prefix === undefined ? inner : length >= 96 ? firstOf(`${inner}/${length - 96}`) : undefined;
    return refused('an IPv4 address in its own form', meant);
  }
  const own = parsed.toString();
  const first = firstOf(`${own}/${length}`).split('/')[0]!;
  if (first !== own) return refused(`the network's own address, ${first}/${length}`, `${first}/${length}`);
  if (own !== address) return refused(`the usual spelling, ${own}`, prefix === undefined ? own : `${own}/${length}`);
  return { kind: 'network', cidr: `${own}/${length}` };
}

function judgeRepetition(list: readonly string[], place: FieldPlace): FieldProblem[] {
  const seen = new Map<string, number>();
  return list.flatMap((typed, index) => {
    const result = readNetwork(typed);
    if (result.kind === 'refused') return [];
    const before = seen.get(result.cidr);
    if (before === undefined) {
      seen.set(result.cidr, index);
      return [];
    }
    const message = `found entry ${index + 1} equal to entry ${before + 1}, expected different ones`;
    return [refuse(place, 'KK118', message, 'delete one of them', `/${index}`)];
  });
}

/** Without a zone, which means something on one machine only, and without dotted parts, which are a second spelling. */
function isIPv6(address: string): boolean {
  return /^[0-9A-Fa-f:.]+$/.test(address) && ipaddr.IPv6.isValid(address);
}

function firstOf(cidr: string): string {
  const [address = '', length] = cidr.split('/');
  // parseCIDR tries IPv6 first and throws at every IPv4.
  const family = address.includes(':') ? ipaddr.IPv6 : ipaddr.IPv4;
  return `${family.networkAddressFromCIDR(cidr).toString()}/${Number(length)}`;
}

/** What people write elsewhere: 203.0.113.*, a netmask, spaces, brackets, leading zeros. */
function nearestNetwork(typed: string): string | undefined {
  const bare = typed
    .trim()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/%[^/]*/, '');
  const star = /^([0-9]+\.[0-9]+\.[0-9]+)\.\*$/.exec(bare);
  const mask = /^([0-9.]+)\/([0-9]+\.[0-9.]+)$/.exec(bare);
  const prefix = mask && ipaddr.isValid(mask[2]!) ? ipaddr.IPv4.parse(mask[2]!).prefixLengthFromSubnetMask() : null;
  const candidate = star
    ? `${star[1]}.0/24`
    : mask && prefix !== null
      ? `${mask[1]}/${prefix}`
      : bare.replace(/(^|\.)0+(?=[0-9])/g, '$1');
  if (candidate === typed) return undefined;
  const result = readNetwork(candidate);
  return result.kind === 'network' ? candidate : result.meant;
}

function refused(expected: string, meant: string | undefined): Result {
  return { kind: 'refused', expected, meant };
}
