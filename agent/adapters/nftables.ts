// nftables: one table of our own, replaced in one transaction. Law: no other table is named, ever.
import { isDeepStrictEqual } from 'node:util';
import { KokoaError } from '../../bundle/error.ts';
import { firewallTable } from '../core/firewall.ts';
import type { Firewall } from '../ports/firewall.ts';
import { runProgram } from './program.ts';

export interface NftablesOptions {
  /** The tunnel interface; the table is named after it. */
  interfaceName: string;
  /** Put before every command, e.g. `['ip', 'netns', 'exec', NAME]`. */
  commandPrefix?: readonly string[];
}

/** `matches()` knows what this object applied: after a restart it answers false until the next `apply`. */
export function createNftables({ interfaceName, commandPrefix = [] }: NftablesOptions): Firewall {
  const table = firewallTable(interfaceName);
  let applied: unknown;

  const load = async (input: string) => {
    const result = await runProgram([...commandPrefix, 'nft', '-f', '-'], { input });
    if (result.ok) return;
    throw new KokoaError('firewall_failed', `the packet filter was not changed: ${result.reason}`, {
      hint: 'the agent needs CAP_NET_ADMIN, the program nft, and a kernel with nf_tables',
    });
  };
  /** The table in force without what changes by itself, or undefined when there is none. */
  const list = async () => {
    const result = await runProgram([...commandPrefix, 'nft', '-j', 'list', 'table', 'inet', table]);
    return result.ok ? withoutCounts(parseList(result.stdout)) : undefined;
  };

  return {
    async apply(ruleset) {
      applied = undefined;
      await load(ruleset);
      applied = await list();
    },
    async matches() {
      return applied !== undefined && isDeepStrictEqual(await list(), applied);
    },
    async droppedByOthers() {
      const result = await runProgram([...commandPrefix, 'nft', '-j', 'list', 'counters', 'table', 'inet', table]);
      if (!result.ok) return 0;
      const counters = countersIn(parseList(result.stdout));
      return Math.max(0, (counters.get('led') ?? 0) - (counters.get('passed') ?? 0));
    },
    async remove() {
      applied = undefined;
      // `add` first: to delete what is not there would fail.
      await load(`add table inet ${table}\ndelete table inet ${table}\n`);
    },
  };
}

function parseList(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new KokoaError('firewall_failed', 'unexpected output of nft -j list table', {
      hint: 'check the version of nftables (0.9.1 or newer, with JSON)',
      cause,
    });
  }
}

interface Counter {
  name?: unknown;
  packets?: unknown;
}

/** Name → packets. */
function countersIn(listed: unknown): Map<string, number> {
  const { nftables = [] } = (listed ?? {}) as { nftables?: { counter?: Counter }[] };
  return new Map(
    nftables.flatMap(({ counter }) =>
      typeof counter?.name === 'string' && typeof counter.packets === 'number' ? [[counter.name, counter.packets]] : [],
    ),
  );
}

/** Kernel handles and counters are left out; the elements of a set have no order. */
function withoutCounts(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutCounts);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([name]) => !['handle', 'packets', 'bytes', 'metainfo'].includes(name));
  return Object.fromEntries(
    kept.map(([name, member]) => [
      name,
      name === 'elem' && Array.isArray(member) ? member.toSorted(byText) : withoutCounts(member),
    ]),
  );
}

/** Elements are numbers and texts, or lists and objects of them. */
function byText(a: unknown, b: unknown): number {
  const [one, other] = [JSON.stringify(a), JSON.stringify(b)];
  return one < other ? -1 : one > other ? 1 : 0;
}
