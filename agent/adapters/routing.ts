// The kernel's own answer to which interface leads where, by `ip route`. Bounded by one command for all hosts.
import { KokoaError } from '../../bundle/error.ts';
import { isForwardHost } from '../core/forward-host.ts';
import type { OwnNetwork } from '../core/networks-overlap.ts';
import type { Routing } from '../ports/routing.ts';
import { runProgram } from './program.ts';

const HOSTS_MAX = 1_000;

export interface RoutingOptions {
  /** Put before every command, e.g. `['ip', 'netns', 'exec', NAME]`. */
  commandPrefix?: readonly string[];
}

export function createRouting({ commandPrefix = [] }: RoutingOptions = {}): Routing {
  return {
    async devices(hosts) {
      const asked = [...new Set(hosts)].filter(isForwardHost).slice(0, HOSTS_MAX);
      if (asked.length === 0) return new Map();
      const input = asked.map((host) => `route get ${host}\n`).join('');
      // It fails when one host has no route, and answers for the others all the same.
      const { stdout } = await runProgram([...commandPrefix, 'ip', '-4', '-j', '-force', '-batch', '-'], { input });
      return new Map(stdout.split('\n').flatMap(parseAnswer));
    },
    async networks(tunnel) {
      // All tables: other tunnels keep their routes in tables of their own.
      const { ok, stdout, reason } = await runProgram([
        ...[...commandPrefix, 'ip', '-4', '-j', 'route', 'show', 'table', 'all', 'type', 'unicast'],
      ]);
      const routes = ok ? parseRoutes(stdout) : undefined;
      if (!routes) throw unreadable(reason);
      return routes
        .filter(({ device, network }) => device !== tunnel && network !== 'default')
        .map(({ device, network }) => ({ network, device }));
    },
  };
}

/** `[{"dst":"192.168.7.0/24","dev":"eth0",…}]`; nothing at all when there are none. Of a route by several ways the first counts. */
function parseRoutes(text: string): OwnNetwork[] | undefined {
  try {
    const routes = JSON.parse(text.trim() === '' ? '[]' : text) as {
      dst?: unknown;
      dev?: unknown;
      nexthops?: { dev?: unknown }[];
    }[];
    return routes.flatMap(({ dst, dev, nexthops }) => {
      const device = dev ?? nexthops?.[0]?.dev;
      return typeof dst === 'string' && typeof device === 'string' ? [{ network: dst, device }] : [];
    });
  } catch {
    return undefined;
  }
}

function unreadable(reason: string): KokoaError {
  return new KokoaError(
    'routes_unreadable',
    `cannot read the routes of this machine: ${reason || 'unexpected output'}`,
    {
      hint: 'check the version of iproute2 (5.0 or newer)',
    },
  );
}

/** One line per host: `[{"dst":"192.168.1.20","dev":"eth0",…}]`. */
function parseAnswer(line: string): [string, string][] {
  try {
    const [answer] = JSON.parse(line) as { dst?: unknown; dev?: unknown; type?: unknown }[];
    const { dst, dev, type } = answer ?? {};
    const leads = type === undefined || type === 'unicast' || type === 'local';
    return leads && typeof dst === 'string' && typeof dev === 'string' ? [[dst, dev]] : [];
  } catch {
    return [];
  }
}
