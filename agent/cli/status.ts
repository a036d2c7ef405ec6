// `kokoa-agent status`: what this node is, what it serves, and what it waits for, from its own disk and kernel.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { openNode } from '../node.ts';
import { describeNode } from '../describe.ts';

export function registerStatus(program: Command): void {
  program
    .command('status')
    .description('say what this node serves, its tunnels and its certificates')
    .option('-o, --output <format>', 'text or json', 'text')
    .action(async ({ output }: { output: string }) => {
      const node = await openNode(resolve(program.opts<{ state: string }>().state));
      const described = await describeNode(node, Date.now());
      await node.control.close();
      console.log(output === 'json' ? JSON.stringify(described.facts, undefined, 2) : described.lines.join('\n'));
    });
}
