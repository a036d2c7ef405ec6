// Which certificate serves a hostname, and whether an edge can order it: what the zones in kokoa.yaml say of that. HTTP-01 proves single
// names alone (RFC 8555, 7.1.4); a wildcard needs DNS-01, and with it a zone in which the reconciler may write.
import { isWildcard, wildcardAbove } from '../../bundle/certificate-name.ts';
import type { Kokoa, Zone } from '../../schemas/types.ts';
import { canonicalHostname } from './hostname.ts';

export interface CertificateRules {
  /** Equal texts: equal rules. */
  text: string;
  /** By canonical name. */
  zones: ReadonlyMap<string, Zone>;
  /** Those of `zones` for whose names DNS-01 works. */
  proved: ReadonlySet<Zone>;
}

const NO_RULES: CertificateRules = { text: '', zones: new Map(), proved: new Set() };
const known = new WeakMap<Kokoa, CertificateRules>();

/** Built once per value of kokoa.yaml: every route asks. */
export function certificateRulesOf(kokoa: Kokoa | undefined): CertificateRules {
  if (kokoa === undefined) return NO_RULES;
  const rules = known.get(kokoa) ?? rulesOf(kokoa.zones ?? []);
  known.set(kokoa, rules);
  return rules;
}

/** The name of the certificate that serves a hostname: `*.zone` for what stands one label below a zone that wants that, else its own. */
export function certificateNameOf(hostname: string, rules: CertificateRules): string {
  const above = wildcardAbove(hostname);
  return above !== undefined && isShared(above, rules) ? above : hostname;
}

/** True for `*.zone` of a zone that wants it: the hosts of all teams there are served by it, so it is no team's to bring. */
export function isShared(certificate: string, { zones, proved }: CertificateRules): boolean {
  const zone = isWildcard(certificate) ? zones.get(certificate.slice(2)) : undefined;
  return zone?.wildcard === true && proved.has(zone);
}

/** True when an edge can order a certificate of this name. */
export function canBeOrdered(certificate: string, rules: CertificateRules): boolean {
  if (!isWildcard(certificate)) return true;
  const zone = zoneOf(certificate.slice(2), rules.zones);
  return zone !== undefined && rules.proved.has(zone);
}

/** True when DNS-01 works for the names of a zone: its records can be written, or point to where records can. */
export function canProve({ provider, acmeDelegated }: Pick<Zone, 'provider' | 'acmeDelegated'>): boolean {
  return provider !== 'manual' || acmeDelegated === true;
}

/** True when a CNAME of a delegation has a zone to lead to: one that the reconciler writes. */
export function hasWritten(zones: Iterable<Pick<Zone, 'provider'>>): boolean {
  return [...zones].some(({ provider }) => provider !== 'manual');
}

/** The zone that holds a name: of several the longest. */
export function zoneOf<Z>(name: string, zones: ReadonlyMap<string, Z>): Z | undefined {
  for (let rest = name; ; rest = rest.slice(rest.indexOf('.') + 1)) {
    const zone = zones.get(rest);
    if (zone !== undefined || !rest.includes('.')) return zone;
  }
}

function rulesOf(list: readonly Zone[]): CertificateRules {
  const zones = new Map<string, Zone>();
  for (const zone of list) {
    const canonical = canonicalHostname(zone.name);
    if (canonical.kind === 'hostname') zones.set(canonical.hostname, zone);
  }
  const proved = new Set(hasWritten(list) ? [...zones.values()].filter(canProve) : []);
  const said = [...zones].map(([name, zone]) => `${name} ${zone.wildcard === true} ${proved.has(zone)}`);
  return { text: said.sort().join('\n'), zones, proved };
}
