// Where requests go, as the web server names it. Law: several targets always have a named upstream; single ones have it (and
// with it kept connections) only while they are few, because nginx looks names up by a linear scan.
import { sha256Hex } from '../../bundle/canonical.ts';
import type { Chunk, WireRoute } from '../../bundle/config.ts';
import { allowed } from './mustache-template.ts';

export const NAMED_TARGETS_MAX = 500;

export interface NamedUpstream {
  name: string;
  /** `address:port`, ordered: the first serves, the others stand by. */
  targets: string[];
}

export interface Backends {
  /** Sorted by name. */
  upstreams: NamedUpstream[];
  /** For each route, in the order of the chunks: the upstream's name, or `address:port`. */
  names: string[];
}

/** @throws KokoaError unsafe_value for an address or a port that is none */
export function gatherBackends(chunks: readonly Chunk[]): Backends {
  /** Key → what it stands for, checked. The key is only ever compared. */
  const found = new Map<string, NamedUpstream>();
  const ofRoutes: NamedUpstream[] = [];
  for (const { routes } of chunks) {
    for (const route of routes) {
      const key = keyOf(route);
      let upstream = found.get(key);
      if (!upstream) {
        upstream = { name: '', targets: targetsOf(route) };
        found.set(key, upstream);
      }
      ofRoutes.push(upstream);
    }
  }
  const few = found.size <= NAMED_TARGETS_MAX;
  const upstreams = [...found.values()].filter(({ targets }) => few || targets.length > 1);
  for (const upstream of found.values()) upstream.name = upstream.targets[0]!;
  for (const upstream of upstreams) upstream.name = upstreamName(upstream.targets);
  upstreams.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { upstreams, names: ofRoutes.map(({ name }) => name) };
}

function keyOf({ backends }: WireRoute): string {
  if (backends.length === 1) return `${backends[0]!.address} ${backends[0]!.port}`;
  return backends.map(({ address, port }) => `${address} ${port}`).join(' ');
}

function targetsOf({ backends }: WireRoute): string[] {
  if (backends.length === 0) allowed('endpoint', '');
  return backends.map(({ address, port }) =>
    allowed('endpoint', address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`),
  );
}

function upstreamName(targets: readonly string[]): string {
  const [first] = targets;
  if (targets.length === 1 && !first!.startsWith('[')) return `to-${first!.replace(':', '-')}`;
  return `to-${sha256Hex(targets.join(' ')).slice(0, 24)}`;
}
