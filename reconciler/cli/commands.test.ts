import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { COMMANDS, registerCommands } from './commands.ts';

const named = (program: Command) => program.commands.map((command) => command.name());

/** As `--help` prints it into a pipe or a narrow terminal. */
function helpOf(command: Command): string {
  const parts: string[] = [];
  command.configureOutput({ writeOut: (part) => void parts.push(part), getOutHelpWidth: () => 80 });
  command.outputHelp();
  return parts.join('');
}

const withAllBelow = (command: Command): Command[] => [command, ...command.commands.flatMap(withAllBelow)];

describe('the commands', () => {
  it('have a help that fits into 80 columns', async () => {
    const program = new Command('kokoa');
    await registerCommands(program, undefined);
    const wide = withAllBelow(program).flatMap((command) =>
      helpOf(command)
        .split('\n')
        .filter((line) => line.length > 80)
        .map((line) => `${command.name()}: ${line}`),
    );
    expect(wide).toEqual([]);
    expect(withAllBelow(program).map(helpOf).join('')).toContain('Exit code: 0 planned;');
  });

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
