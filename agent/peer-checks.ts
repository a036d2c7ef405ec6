// Watches other edges from outside, as the applied configuration says, and tells what it found. Laws: only the path of the mark and a handshake
// are asked for, at the ports of the web; only who shows the mark of the node is up; a machine that is itself cut off has seen nothing.
import type { PeerView } from '../bundle/api.ts';
import type { EdgeCheck, EdgeConfig } from '../bundle/config.ts';
import { type EdgePorts, edgeChecksAt } from '../checks/edge-target.ts';
import { createTargetWatch, type Target, type Transition } from '../checks/watch-targets.ts';
import { createNews, type Log } from './news.ts';

export interface PeerChecksParts {
  /** This node. */
  node: string;
  log: Log;
  /** ms since the epoch. */
  now(): number;
  /** Where edges are asked; default 80 and 443. */
  ports?: EdgePorts;
}

export interface PeerChecks {
  /** Whom to watch from now on. Cheap. */
  configure(config: EdgeConfig): void;
  /** Watches until `signal` aborts. Never throws. */
  run(signal: AbortSignal): Promise<void>;
  /** As a report has them. */
  views(): PeerView[];
  /** The control plane is not reached. If no other edge is either, it is this machine that is cut off: what it saw is forgotten. */
  unheard(): void;
  /** Differs when the views do. */
  revision(): number;
}

/** No node can have this name. */
const ALL = '*';
export function createPeerChecks({ node, log, now, ports }: PeerChecksParts): PeerChecks {
  const news = createNews(log);
  let revision = 0;
  let configured = '[]';
  const watch = createTargetWatch({ seed: node, now, told });

  function told({ id, standing: { state, reason } }: Transition): void {
    revision += 1;
    // What was forgotten and found again is no news.
    if (state === 'down') news.trouble(id, state, { node: id, reason }, 'another edge does not answer');
    else news.over(id, 'another edge answers again', { node: id });
    if (state === 'up') news.over(ALL, 'another edge is reached again');
  }

  return {
    configure({ edge: { checks = [] } }) {
      const text = JSON.stringify(checks);
      if (text === configured) return;
      configured = text;
      revision += 1;
      watch.watch(checks.map((check) => targetOf(check, ports)));
    },
    run: watch.run,
    views: () =>
      [...watch.standings()].flatMap(([id, { state, sinceMs, reason }]) =>
        state === 'unknown'
          ? []
          : [{ node: id, up: state === 'up', since: dateOf(sinceMs), ...(reason !== undefined && { reason }) }],
      ),
    unheard() {
      const standings = [...watch.standings().values()];
      if (standings.length === 0 || standings.some(({ state }) => state !== 'down')) return;
      watch.forget();
      revision += 1;
      news.trouble(ALL, 'down', {}, 'neither the control plane nor any other edge is reached: this machine is cut off');
    },
    revision: () => revision,
  };
}

function targetOf({ node, addresses, hostname, ...pace }: EdgeCheck, ports: EdgePorts | undefined): Target {
  const edge = { node, addresses, ...(hostname !== undefined && { hostname }) };
  return { id: node, checks: edgeChecksAt(edge, ports), pace };
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString();
}
