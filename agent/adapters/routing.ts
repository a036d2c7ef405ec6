// The kernel's own answer to which interface leads where, by `ip route get`. Bounded by one command for all hosts.
import { isForwardHost } from '../core/forward-host.ts';
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
  };
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
