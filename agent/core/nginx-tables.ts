// Routes as the web server's lookup tables: who is known, where it goes, which certificate, which policy class. Law: one pass
// over the routes, and every name, address and thumbprint is checked before anything is made of it.
import type { Chunk, EdgeConfig, WireLimits } from '../../bundle/config.ts';
import { certificateFolder, isWildcard } from './certificate-name.ts';
import { allowed } from './mustache-template.ts';
import { gatherBackends, type NamedUpstream } from './nginx-upstreams.ts';

export interface PolicyClass {
  /** Says what the limits are, so that a class keeps its name (and its counters) whatever other classes come and go. */
  id: string;
  limits: WireLimits;
  hostnames: string[];
}

/** Somebody who answers for an ACME account, under a short name that stands in the table. */
export interface Orderer {
  name: string;
  /** Undefined: not announced yet; nobody answers. */
  thumbprint: string | undefined;
}

/** Lines of `map` bodies. Wildcards (`*.x`, exactly one label) are kept apart, under the key `x`. */
export interface Tables {
  hosts: string[];
  wildcardHosts: string[];
  certificates: string[];
  wildcardCertificates: string[];
  /** Only hosts of another orderer than the first of `orderers`, who has most. */
  orderedByOthers: string[];
  orderers: Orderer[];
  classes: PolicyClass[];
  upstreams: NamedUpstream[];
  routes: number;
  longestName: number;
}

/** @throws KokoaError unsafe_value for a hostname, address, port, limit or thumbprint that is not what it should be */
export function tabulate(config: EdgeConfig, chunks: readonly Chunk[]): Tables {
  const backends = gatherBackends(chunks);
  const tables: Tables = {
    hosts: [],
    wildcardHosts: [],
    certificates: [],
    wildcardCertificates: [],
    orderedByOthers: [],
    orderers: [],
    classes: [],
    upstreams: backends.upstreams,
    routes: 0,
    longestName: 0,
  };
  const classes = new Map<string, PolicyClass>();
  const ordered = new Map<string, string[]>();

  for (const { routes } of chunks) {
    for (const route of routes) {
      const hostname = allowed('hostname', route.hostname);
      tabulateHost(hostname, backends.names[tables.routes]!, tables);
      // HTTP-01 proves single names only (RFC 8555 §8.3), so nobody answers for a wildcard.
      if (!isWildcard(hostname)) pushTo(ordered, route.orderer ?? '', hostname);
      classOf(route.limits, classes).hostnames.push(hostname);
      tables.routes += 1;
      tables.longestName = Math.max(tables.longestName, hostname.length);
    }
  }
  tables.classes = [...classes.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  tabulateOrderers(config, ordered, tables);
  return tables;
}

function tabulateHost(hostname: string, backend: string, tables: Tables): void {
  const folder = certificateFolder(hostname);
  if (isWildcard(hostname)) {
    const parent = hostname.slice(2);
    tables.wildcardHosts.push(`${parent} ${backend};`);
    tables.wildcardCertificates.push(`${parent} ${folder};`);
  } else {
    tables.hosts.push(`${hostname} ${backend};`);
    tables.certificates.push(`${hostname} ${folder};`);
  }
}

function tabulateOrderers({ edge }: EdgeConfig, ordered: ReadonlyMap<string, string[]>, tables: Tables): void {
  const thumbprints = new Map(edge.members.map((member) => [member.node, member.acmeThumbprint]));
  const byCount = [...ordered].sort(
    ([a, hostsOfA], [b, hostsOfB]) => hostsOfB.length - hostsOfA.length || (a < b ? -1 : 1),
  );
  for (const [index, [node, hostnames]] of byCount.entries()) {
    const name = `m${index}`;
    const thumbprint = thumbprints.get(node);
    tables.orderers.push({
      name,
      thumbprint: thumbprint === undefined ? undefined : allowed('thumbprint', thumbprint),
    });
    if (index > 0) for (const hostname of hostnames) tables.orderedByOthers.push(`${hostname} ${name};`);
  }
}

/** `b10485760-r50-u100-c20`: body bytes, requests per second, burst, connections; what is not limited is left out. */
export function classId({ maxBodyBytes, requestsPerSecond, burst, connections }: WireLimits): string {
  const parts = [`b${maxBodyBytes}`];
  if (requestsPerSecond !== undefined) parts.push(`r${requestsPerSecond}`);
  if (requestsPerSecond !== undefined && burst) parts.push(`u${burst}`);
  if (connections !== undefined) parts.push(`c${connections}`);
  return parts.join('-');
}

function classOf(limits: WireLimits, classes: Map<string, PolicyClass>): PolicyClass {
  const id = classId(limits);
  let found = classes.get(id);
  if (!found) {
    for (const limit of [limits.maxBodyBytes, limits.requestsPerSecond, limits.burst, limits.connections])
      if (limit !== undefined) allowed('number', String(limit));
    found = { id, limits, hostnames: [] };
    classes.set(id, found);
  }
  return found;
}

function pushTo(lists: Map<string, string[]>, key: string, value: string): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}
