// Parts that are left out of what an edge serves, so that everything else goes on. Law: leaving nothing out answers the very same
// objects, and a chunk without such a part stays the same object, so that a change costs what it changes.
import type { Chunk, EdgeConfig, WireStream } from '../../bundle/config.ts';

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
  return chunks.flatMap((chunk) => {
    const routes = chunk.routes.filter(({ hostname }) => !names.has(hostname));
    if (routes.length === chunk.routes.length) return [chunk];
    return routes.length === 0 ? [] : [{ ...chunk, routes }];
  });
}

function withoutPorts(config: EdgeConfig, names: ReadonlySet<string>): EdgeConfig {
  const { streams, ...edge } = config.edge;
  const kept = streams?.filter((stream) => !names.has(portName(stream)));
  if (!streams || kept!.length === streams.length) return config;
  return { ...config, edge: { ...edge, ...(kept!.length > 0 && { streams: kept! }) } };
}
