// `kokoa explain`: what a rule of `kokoa validate` is for, and what to change.
import type { Command } from 'commander';
import { KokoaError } from '../../bundle/error.ts';
import { type RuleId, rules } from '../core/rules.ts';
import { wrap } from './problem-text.ts';

/** Adds the command. @throws KokoaError usage for a rule that is not there */
export function registerExplain(program: Command): void {
  program
    .command('explain')
    .description('say why a rule such as KK112 is there and what to change')
    .argument('[rule]', 'what stands behind error or warning; without it: all rules')
    .action((id?: string) => {
      for (const line of id === undefined ? titles() : explanation(id.toUpperCase())) console.log(line);
    });
}

function titles(): string[] {
  return Object.entries(rules).flatMap(([id, { title }]) => wrap(`${id}  ${title}`, '', ' '.repeat(7)));
}

function explanation(id: string): string[] {
  if (!Object.hasOwn(rules, id)) {
    throw new KokoaError('usage', `found the rule ${JSON.stringify(id.slice(0, 20))}, expected such as KK112`, {
      hint: 'all of them: kokoa explain',
    });
  }
  const { title, why, fix } = rules[id as RuleId];
  return [...wrapped(`${id}: ${title}`), '', ...wrapped(`Why: ${why}`), ...wrapped(`Do:  ${fix}`)];
}

/** The second row stands below the words after `Why: `. */
function wrapped(text: string): string[] {
  return wrap(text, '', ' '.repeat(5));
}
