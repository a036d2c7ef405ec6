// What the command line says about wrong usage. Law: a mistyped option is named before a missing one, every error points to the help
// of its own command, and `help` knows commands by all their words.
import type { Command } from 'commander';

/** Call it last: it changes the commands that are there. */
export function explainUsage(program: Command): void {
  addHelpCommand(program);
  for (const command of commandsBelow(program)) {
    command.showHelpAfterError(`(${wordsOf(command)} --help explains it)`);
    requireAtLast(command);
  }
}

function addHelpCommand(program: Command): void {
  program
    .helpCommand(false)
    .command('help')
    .description('explain a command, as --help does')
    .argument('[command...]', 'its words, such as: route add')
    .action((words: string[]) => {
      const found = words.reduce<Command | undefined>(
        (at, word) => at?.commands.find((command) => command.name() === word),
        program,
      );
      if (found) found.help();
      program.error(`error: unknown command '${words.join(' ')}'`, { code: 'commander.unknownCommand' });
    });
}

/** Commander looks for missing options first and then never comes to the one that was mistyped. */
function requireAtLast(command: Command): void {
  const required = command.options.filter(({ mandatory }) => mandatory);
  for (const option of required) option.mandatory = false;
  command.hook('preAction', () => {
    const missing = required.filter((option) => command.getOptionValue(option.attributeName()) === undefined);
    if (missing.length === 0) return;
    const flags = missing.map((option) => `'${option.flags}'`).join(' and ');
    command.error(`error: required option${missing.length === 1 ? '' : 's'} ${flags} not specified`, {
      code: 'commander.missingMandatoryOptionValue',
    });
  });
}

function commandsBelow(command: Command): Command[] {
  return command.commands.flatMap((below) => [below, ...commandsBelow(below)]);
}

function wordsOf(command: Command): string {
  return command.parent === null ? command.name() : `${wordsOf(command.parent)} ${command.name()}`;
}
