// `kokoa-agent doctor`: the usual mistakes on a machine that has joined, and what to do about each. It reads, asks, and changes nothing.
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { findingsText, hasTrouble, worstFirst } from '../../checks/finding.ts';
import { doctor } from '../doctor.ts';
import { openJoined } from './open-joined.ts';

export function registerDoctor(program: Command): void {
  program
    .command('doctor')
    .description('find the usual mistakes on a machine that has joined; exit 1 for trouble')
    .addOption(new Option('-o, --output <format>', 'how to say it').choices(['text', 'json']).default('text'))
    .action(async ({ output }: { output: string }) => {
      const stateDir = resolve(program.opts<{ state: string }>().state);
      const node = await openJoined(stateDir);
      const findings = await doctor(node, stateDir);
      await node.control.close();
      console.log(output === 'json' ? JSON.stringify(worstFirst(findings), undefined, 2) : findingsText(findings));
      if (hasTrouble(findings)) process.exitCode = 1;
    });
}
