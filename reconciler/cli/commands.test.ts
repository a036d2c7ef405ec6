import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { COMMANDS, registerCommands } from './commands.ts';

const named = (program: Command) => program.commands.map((command) => command.name());

describe('the commands', () => {
  it.each(COMMANDS.map(([words, load]) => ({ words, load })))(
    '$words are what that part adds',
    async ({ words, load }) => {
      const program = new Command();
      (await load())(program);
      expect(named(program).toSorted()).toEqual([...words].toSorted());
    },
  );

  it('are loaded alone when one is asked for, and all for help or a slip', async () => {
    const one = new Command();
    await registerCommands(one, 'fmt');
    expect(named(one)).toEqual(['fmt']);
    for (const word of [undefined, 'help', '--help', 'valdiate', '__proto__']) {
      const all = new Command();
      await registerCommands(all, word);
      expect(named(all).toSorted()).toEqual(COMMANDS.flatMap(([words]) => words).toSorted());
    }
  });
});
