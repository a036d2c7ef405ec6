// What the reconciler itself sees of the edges: it asks each from outside, as visitors would reach it. Law: an edge is asked for its own mark, so
// that whoever got the address of a machine that is gone is not taken for it.
import { type EdgePorts, edgeChecksAt } from '../checks/edge-target.ts';
import { createTargetWatch, type Target } from '../checks/watch-targets.ts';
import { EDGE_PACE, type FleetNode, type Settings } from './core/fleet.ts';
import type { View } from './core/health/edge-verdict.ts';

type Looked = Pick<Settings, 'watched' | 'paces'>;

export interface OwnLooksParts {
  /** Who asks, so that two reconcilers do not ask in step. */
  seed: string;
  /** Something is seen otherwise than before. */
  seen(): void;
  /** ms since the epoch. */
  now(): number;
  /** Where edges are asked; default 80 and 443. */
  ports?: EdgePorts;
}

export interface OwnLooks {
  live(fleet: readonly FleetNode[], settings: Looked): void;
  /** By edge; one of which nothing is decided yet is left out. */
  views(): ReadonlyMap<string, View>;
  /** Until `signal` aborts. Never throws. */
  run(signal: AbortSignal): Promise<void>;
}

export function createOwnLooks({ seed, seen, now, ports }: OwnLooksParts): OwnLooks {
  const watch = createTargetWatch({ seed, now, told: seen });
  return {
    live: (fleet, settings) => watch.watch(fleet.flatMap((node) => targetOf(node, settings, ports))),
    views() {
      const views = new Map<string, View>();
      for (const [edge, { state, sinceMs, reason }] of watch.standings())
        if (state !== 'unknown')
          views.set(edge, {
            ...{ up: state === 'up', since: new Date(sinceMs).toISOString() },
            ...(reason !== undefined && { reason }),
          });
      return views;
    },
    run: watch.run,
  };
}

function targetOf(
  { node, role, pool, publicAddresses: addresses }: FleetNode,
  { watched, paces }: Looked,
  ports?: EdgePorts,
): Target[] {
  if (role !== 'edge' || addresses === undefined || !watched.includes(pool!)) return [];
  return [{ id: node, checks: edgeChecksAt({ node, addresses }, ports), pace: paces[pool!] ?? EDGE_PACE }];
}
