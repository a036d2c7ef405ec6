// Routes as the web server's lookup tables: who is known, where it goes, which certificate, which policy class. Law: one pass
// over the routes, and every name, address and text is checked before anything is made of it.
import { certificateFolder, isWildcard } from '../../bundle/certificate-name.ts';
import type { Chunk, EdgeConfig, WireRoute } from '../../bundle/config.ts';
import { type Question, questionsOf } from './class-questions.ts';
import { allowed } from './mustache-template.ts';
import { GateTables } from './nginx-gates.ts';
import { type NamedUpstream, type UpstreamReference, Upstreams } from './nginx-upstreams.ts';
import { classId, type Kind, type Policy, policyOf } from './policy-class.ts';

export interface PolicyClass extends Policy {
  id: string;
  hostnames: string[];
  /** What at least one of its routes needs to have asked. */
  questions: Set<Question>;
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
  /** Sorted by id. */
  classes: PolicyClass[];
  /** Of all classes, each once. */
  kinds: Kind[];
  upstreams: NamedUpstream[];
  gates: GateTables;
  /** Of the largest table. */
  rows: number;
  /** Characters of the longest key of any table. */
  longestKey: number;
}

/** Known by name: plain HTTP is sent on to HTTPS. */
interface Host {
  hostname: string;
  backend: UpstreamReference;
  /** Name of its certificate; undefined: its own backend holds it. */
  certificate: string | undefined;
}

/** The backend of a host whose own place has none: it is known all the same. */
export const NOWHERE = 'nowhere';

/**
 * `stopgaps`: hostname → certificate that serves it in place of its own (certificate-choice.ts). `down`: names of checks (backend-checks.ts).
 * @throws KokoaError unsafe_value for a hostname, address, port, limit or text that is not what it should be
 */
export function tabulate(
  config: EdgeConfig,
  chunks: readonly Chunk[],
  stopgaps: ReadonlyMap<string, string> = new Map(),
  down?: ReadonlySet<string>,
): Tables {
  const upstreams = new Upstreams(down);
  const gates = new GateTables(upstreams);
  const classes = new Map<string, PolicyClass>();
  const ordered = new Map<string, string[]>();
  const places: Host[] = [];

  for (const { routes } of chunks) {
    for (const route of routes) {
      const hostname = allowed('hostname', route.hostname);
      const passing = route.protocol === 'tls';
      places.push({
        hostname,
        backend: passing ? { name: NOWHERE } : backendOf(route, upstreams),
        certificate: passing ? undefined : (stopgaps.get(hostname) ?? route.certificate ?? hostname),
      });
      if (passing) {
        if (!isWildcard(hostname)) pushTo(ordered, '', hostname);
        continue;
      }
      // HTTP-01 proves single names only (RFC 8555 §8.3), so nobody answers for a wildcard, nor for whom one serves.
      if (!isWildcard(hostname))
        pushTo(ordered, route.certificate === undefined ? (route.orderer ?? '') : '', hostname);
      const policyClass = classOf(route, classes);
      policyClass.hostnames.push(hostname);
      for (const question of questionsOf(route)) policyClass.questions.add(question);
      gates.pages(route);
      if (policyClass.gated) gates.add(route);
    }
  }
  const named = upstreams.named();
  const hosts = tabulateHosts(places);
  const sorted = [...classes.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  return {
    ...hosts,
    ...tabulateOrderers(config, ordered),
    classes: sorted,
    kinds: [...new Map(sorted.flatMap(({ kinds }) => kinds).map((kind) => [kind.id, kind])).values()],
    upstreams: named,
    gates,
    rows: Math.max(places.length, gates.largest()),
    longestKey: Math.max(0, gates.longestKey(), ...sorted.map((one) => longest(one.hostnames))),
  };
}

function backendOf(route: WireRoute, upstreams: Upstreams): UpstreamReference {
  return route.backends.length === 0 && (route.closed || route.redirect)
    ? { name: NOWHERE }
    : upstreams.of(route, route.hostname);
}

type HostTables = Pick<Tables, 'hosts' | 'wildcardHosts' | 'certificates' | 'wildcardCertificates'>;

function tabulateHosts(places: readonly Host[]): HostTables {
  const tables: HostTables = { hosts: [], wildcardHosts: [], certificates: [], wildcardCertificates: [] };
  for (const { hostname, backend, certificate } of places) {
    const folder = certificate && certificateFolder(allowed('hostname', certificate));
    if (isWildcard(hostname)) {
      const parent = hostname.slice(2);
      tables.wildcardHosts.push(`${parent} ${backend.name};`);
      if (folder) tables.wildcardCertificates.push(`${parent} ${folder};`);
    } else {
      tables.hosts.push(`${hostname} ${backend.name};`);
      if (folder) tables.certificates.push(`${hostname} ${folder};`);
    }
  }
  return tables;
}

function tabulateOrderers(
  { edge }: EdgeConfig,
  ordered: ReadonlyMap<string, string[]>,
): Pick<Tables, 'orderers' | 'orderedByOthers'> {
  const orderers: Orderer[] = [];
  const orderedByOthers: string[] = [];
  const thumbprints = new Map(edge.members.map((member) => [member.node, member.acmeThumbprint]));
  const byCount = [...ordered].sort(
    ([a, hostsOfA], [b, hostsOfB]) => hostsOfB.length - hostsOfA.length || (a < b ? -1 : 1),
  );
  for (const [index, [node, hostnames]] of byCount.entries()) {
    const name = `m${index}`;
    const thumbprint = thumbprints.get(node);
    orderers.push({ name, thumbprint: thumbprint === undefined ? undefined : allowed('thumbprint', thumbprint) });
    if (index > 0) for (const hostname of hostnames) orderedByOthers.push(`${hostname} ${name};`);
  }
  return { orderers, orderedByOthers };
}

function classOf(route: WireRoute, classes: Map<string, PolicyClass>): PolicyClass {
  const policy = policyOf(route);
  const id = allowed('name', classId(policy));
  let found = classes.get(id);
  if (!found) {
    found = { id, ...policy, hostnames: [], questions: new Set() };
    classes.set(id, found);
  }
  return found;
}

function longest(texts: readonly string[]): number {
  return texts.reduce((most, { length }) => Math.max(most, length), 0);
}

function pushTo(lists: Map<string, string[]>, key: string, value: string): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}
