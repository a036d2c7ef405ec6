// Listens to the edges: who has been silent for so long that others order its certificates. Cheap while nothing changes, and it only marks:
// the loop compiles.
import type { FleetNode } from './core/fleet.ts';
import { beginHealth, type HeardNode, stepHealth } from './core/orderer-health.ts';
import type { HeardNodes } from './ports/heard-nodes.ts';

export interface EdgeHealth {
  /** Edges that count as silent; the same object for as long as it holds the same names. */
  silent(): ReadonlySet<string>;
  /** True when others are silent now than at the last look. */
  look(fleet: readonly FleetNode[]): boolean;
}

export interface EdgeHealthDeps {
  heard: Pick<HeardNodes, 'lastSeenMs'>;
  /** ms of a clock that never steps. */
  now(): number;
  fell?(edge: string): void;
  returned?(edge: string): void;
}

export function createEdgeHealth({ heard, now, fell, returned }: EdgeHealthDeps): EdgeHealth {
  let health = beginHealth(now());
  return {
    silent: () => health.silent,
    look(fleet) {
      const { silent } = health;
      const nodes = fleet.map(({ node, role, state }): HeardNode => {
        const orders = role === 'edge' && (state === 'active' || state === 'draining');
        return { node, orders, lastSeenMs: heard.lastSeenMs(node) };
      });
      health = stepHealth(health, nodes, now());
      if (health.silent === silent) return false;
      for (const edge of health.silent) if (!silent.has(edge)) fell?.(edge);
      for (const edge of silent) if (health.nodes.has(edge) && !health.silent.has(edge)) returned?.(edge);
      return true;
    },
  };
}
