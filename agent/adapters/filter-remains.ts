// The agent's tables of nftables, taken away for good. Law: only the two that bear the tunnel's name.
import { KokoaError } from '../../bundle/error.ts';
import { firewallTable } from '../core/firewall.ts';
import { runProgram } from './program.ts';

export interface FilterRemainsOptions {
  interfaceName: string;
  /** Put before every command, e.g. `['ip', 'netns', 'exec', NAME]`. */
  commandPrefix?: readonly string[];
}

/** Answers what was removed. A machine without nft has no tables. @throws KokoaError firewall_failed */
export async function removeTables({ interfaceName, commandPrefix = [] }: FilterRemainsOptions): Promise<string[]> {
  const table = firewallTable(interfaceName);
  const nft = (...args: string[]) => runProgram([...commandPrefix, 'nft', ...args]);
  const listed = await nft('list', 'tables').catch(withoutProgram);
  if (!listed) return [];
  if (!listed.ok) throw failed(listed.reason);
  const there = new Set(listed.stdout.split('\n').map((line) => line.replace(/^table /, '').trim()));
  const ours = [`inet ${table}`, `ip ${table}_dead`].filter((name) => there.has(name));
  for (const name of ours) {
    const { ok, reason } = await nft('delete', 'table', ...name.split(' '));
    if (!ok) throw failed(reason);
  }
  return ours.map((name) => `removed the packet filter table ${name}`);
}

function withoutProgram(error: unknown): undefined {
  if (!(error instanceof KokoaError) || error.code !== 'program_missing') throw error;
}

function failed(reason: string): KokoaError {
  return new KokoaError('firewall_failed', `the packet filter was not removed: ${reason}`, {
    hint: 'run it as root, where the agent ran',
  });
}
