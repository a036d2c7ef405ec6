// What stands in the way of an agent on this machine, judged from what was observed. Law: an error is what the agent cannot work with,
// a warning what it may; each says what, what was found, and what to do.
import type { NodeRole } from '../../bundle/config.ts';
import { judgeMachine, type MachineFacts } from './preflight-machine.ts';
import { judgeNetwork, type NetworkFacts } from './preflight-network.ts';

export interface Finding {
  severity: 'error' | 'warning';
  what: string;
  found: string;
  todo: string;
}

/** What this machine is to do, as far as it is known. */
export interface Asked {
  /** Absent before the first bundle: what only edges need is a warning then. */
  role: NodeRole | undefined;
  /** Absent: no tunnel. */
  interfaceName: string | undefined;
  listen: { addresses: readonly string[]; httpPort: number; httpsPort: number };
  /** The network of the tunnels, once it is known. */
  network: string | undefined;
  /** True when the owner agreed to `network` before. */
  agreed: boolean;
  /** UDP; of an edge, once it is known. */
  wireguardPort: number | undefined;
}

export type Facts = MachineFacts & NetworkFacts;

/** Errors first; the order is always the same. */
export function judge(asked: Asked, facts: Facts): Finding[] {
  const found = [...judgeMachine(asked, facts), ...judgeNetwork(asked, facts)];
  return [
    ...found.filter(({ severity }) => severity === 'error'),
    ...found.filter(({ severity }) => severity !== 'error'),
  ];
}

const COLUMNS = 80;
const LABEL_COLUMNS = 9;

/** For a person at 80 columns: what and found, and below it what to do. */
export function findingLines({ severity, what, found, todo }: Finding): string[] {
  return [
    ...wrapped(`${what}: ${found}`).map(
      (line, index) => `${(index === 0 ? severity : '').padEnd(LABEL_COLUMNS)}${line}`,
    ),
    ...wrapped(todo).map((line, index) => `${(index === 0 ? '  to do' : '').padEnd(LABEL_COLUMNS)}${line}`),
  ];
}

/** Broken at spaces; a word that is too long stays whole, because it is to be copied. */
function wrapped(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= COLUMNS - LABEL_COLUMNS)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
