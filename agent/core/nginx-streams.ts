// Layer 4 as the web server's tables: public ports of their own, and TLS connections that pass through by the name in their handshake.
// Law: a pool without either has no stream listener at all.

import { sha256Hex } from '../../bundle/canonical.ts';
import { isWildcard } from '../../bundle/certificate-name.ts';
import type { Chunk, EdgePart, WireRoute, WireStream } from '../../bundle/config.ts';
import { checkedStream } from './backend-checks.ts';
import { allowed } from './mustache-template.ts';
import { NetworkLists } from './network-lists.ts';
import { type NamedUpstream, type UpstreamReference, Upstreams } from './nginx-upstreams.ts';

export interface StreamServer extends Omit<WireStream, 'backends' | 'sticky' | 'check'> {
  backend: UpstreamReference;
}

export interface StreamTables {
  servers: StreamServer[];
  /** TLS connections are looked at before they are taken. */
  passthrough: boolean;
  upstreams: NamedUpstream[];
  networks: NetworkLists;
  /** `tls-hosts.map` → lines. */
  files: Map<string, string[]>;
}

/**
 * `down`: names of checks (backend-checks.ts).
 * @throws KokoaError unsafe_value
 */
export function tabulateStreams(
  { streams = [], tlsPassthrough }: Pick<EdgePart, 'streams' | 'tlsPassthrough'>,
  chunks: readonly Chunk[],
  down?: ReadonlySet<string>,
): StreamTables {
  const upstreams = new Upstreams(down);
  const networks = new NetworkLists();
  const servers = streams.map((whole) => {
    const { backends, sticky, check: _, ...stream } = whole;
    for (const network of [...(stream.allow ?? []), ...(stream.deny ?? [])]) allowed('network', network);
    return { ...stream, backend: upstreams.of({ backends, ...(sticky && { sticky }) }, '', checkedStream(whole)) };
  });
  const rows = tlsPassthrough ? tlsRows(chunks, upstreams, networks) : [];
  const named = upstreams.named();
  const files = new Map(TABLES.map((table) => [`${table}.map`, [] as string[]]));
  for (const { table, key, word } of rows) {
    files.get(`${table}.map`)!.push(`${key} ${typeof word === 'string' ? word : word.name};`);
  }
  return { servers, passthrough: tlsPassthrough === true, upstreams: named, networks, files };
}

const TABLES = ['tls-hosts', 'tls-wildcards', 'tls-doors', 'tls-backends', 'tls-allows', 'tls-denies'] as const;

interface Row {
  table: (typeof TABLES)[number];
  key: string;
  word: string | UpstreamReference;
}

function tlsRows(chunks: readonly Chunk[], upstreams: Upstreams, networks: NetworkLists): Row[] {
  const routes = chunks.flatMap((chunk) => chunk.routes);
  const passing = routes.filter((route) => route.protocol === 'tls');
  const wildcards = new Set(passing.map(({ hostname }) => hostname).filter(isWildcard));
  const hidden = routes.filter(
    ({ hostname, protocol }) => protocol !== 'tls' && wildcards.has(`*${hostname.slice(hostname.indexOf('.'))}`),
  );
  return [
    // An HTTP route below a wildcard that passes through stays an HTTP route.
    ...hidden.map(({ hostname }): Row => ({ table: 'tls-hosts', key: allowed('hostname', hostname), word: 'https' })),
    ...passing.flatMap((route) => rowsOf(route, upstreams, networks)),
  ];
}

function rowsOf(route: WireRoute, upstreams: Upstreams, networks: NetworkLists): Row[] {
  const hostname = allowed('hostname', route.hostname);
  const id = `tls.${sha256Hex(hostname).slice(0, 24)}`;
  const { allow, deny, proxyProtocol, backends, sticky } = route;
  const name: Row = isWildcard(hostname)
    ? { table: 'tls-wildcards', key: hostname.slice(2), word: id }
    : { table: 'tls-hosts', key: hostname, word: id };
  // Known, and closed.
  if (backends.length === 0) return [name, { table: 'tls-doors', key: id, word: 'closed' }];
  const backend = upstreams.of({ backends, ...(sticky && { sticky }) }, route.hostname, route);
  const rows: Row[] = [name];
  // The door says what stands behind it: our own half, which takes the PROXY header off again, or a backend that wants it.
  if (proxyProtocol) rows.push({ table: 'tls-doors', key: id, word: backend });
  else rows.push({ table: 'tls-doors', key: id, word: 'plain' }, { table: 'tls-backends', key: id, word: backend });
  if (allow) rows.push({ table: 'tls-allows', key: id, word: networks.idOf(allow) });
  if (deny) rows.push({ table: 'tls-denies', key: id, word: networks.idOf(deny) });
  return rows;
}
