// Parts that are left out of what an edge serves, so that everything else goes on. Laws: leaving nothing out answers the very same
// objects, and a chunk without such a part stays the same object, so that a change costs what it changes; and nobody else gets the
// visitors of a name that is left out.
import type { Chunk, EdgeConfig, WireRoute, WireStream } from '../../bundle/config.ts';

export interface LeftOut {
  /** A hostname, or a public port such as `tcp 25565`. */
  name: string;
  reason: string;
}

export interface Routed {
  config: EdgeConfig;
  chunks: readonly Chunk[];
}

export function without({ config, chunks }: Routed, leftOut: readonly LeftOut[]): Routed {
  if (leftOut.length === 0) return { config, chunks };
  const names = new Set(leftOut.map(({ name }) => name));
  return { config: withoutPorts(config, names), chunks: withoutHosts(chunks, names) };
}

/** What `leftOut` names is a hostname, and no public port. */
export function isHost({ name }: LeftOut): boolean {
  return !name.includes(' ');
}

/** Of the parts that a bundle has and `before` had not, or had otherwise: their names, hosts first. */
export function partsChanged(after: Routed, before: Routed | undefined): string[] {
  const old = new Set(before ? [...textsOf(before)].map(([, text]) => text) : []);
  return [...textsOf(after)].filter(([, text]) => !old.has(text)).map(([name]) => name);
}

export function portName({ protocol, port }: Pick<WireStream, 'protocol' | 'port'>): string {
  return `${protocol} ${port}`;
}

function* textsOf({ config, chunks }: Routed): Generator<[name: string, text: string]> {
  for (const { routes } of chunks) for (const route of routes) yield [route.hostname, JSON.stringify(route)];
  for (const stream of config.edge.streams ?? []) yield [portName(stream), JSON.stringify(stream)];
}

function withoutHosts(chunks: readonly Chunk[], names: ReadonlySet<string>): Chunk[] {
  const wildcards = wildcardsOf(chunks, names);
  return chunks.flatMap((chunk) => {
    if (!chunk.routes.some(({ hostname }) => names.has(hostname))) return [chunk];
    const routes = chunk.routes.flatMap((route) => {
      if (!names.has(route.hostname)) return [route];
      return isCovered(route.hostname, wildcards) ? [closed(route)] : [];
    });
    return routes.length === 0 ? [] : [{ ...chunk, routes }];
  });
}

/** What stands below the `*.` of those that are served. */
function wildcardsOf(chunks: readonly Chunk[], names: ReadonlySet<string>): Set<string> {
  const served = chunks.flatMap(({ routes }) => routes.filter(({ hostname }) => hostname.startsWith('*.')));
  return new Set(served.flatMap(({ hostname }) => (names.has(hostname) ? [] : [hostname.slice(2)])));
}

/** A wildcard may be another team's, or ask for no login: it must not answer for a name that has its own route. */
function isCovered(hostname: string, wildcards: ReadonlySet<string>): boolean {
  const labels = hostname.replace(/^\*\./, '').split('.');
  return labels.some((_, index) => index > 0 && wildcards.has(labels.slice(index).join('.')));
}

function closed({ hostname, protocol }: WireRoute): WireRoute {
  const passed = protocol === 'tls' ? { protocol } : {};
  return { hostname, backends: [], limits: { maxBodyBytes: 1 }, closed: 'expired', ...passed };
}

function withoutPorts(config: EdgeConfig, names: ReadonlySet<string>): EdgeConfig {
  const { streams, ...edge } = config.edge;
  const kept = streams?.filter((stream) => !names.has(portName(stream)));
  if (!streams || kept!.length === streams.length) return config;
  return { ...config, edge: { ...edge, ...(kept!.length > 0 && { streams: kept! }) } };
}
