// What the command line says about wrong usage. Law: a mistyped option is named before a missing one, every error points to the help
// of its own command, and `help` knows commands by all their words.
import type { Command, Option } from 'commander';

const COLUMNS = 80;

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
    const what =
      missing.length === 1 ? `required option '${missing[0]!.flags}'` : `${missing.length} required options are`;
    const said = `error: ${what} not specified`;
    command.error([said, ...explained(command, missing)].join('\n'), {
      code: 'commander.missingMandatoryOptionValue',
    });
  });
}

/** As its help has them, with what to write there. */
function explained(command: Command, options: readonly Option[]): string[] {
  const help = command.createHelp();
  help.prepareContext({ helpWidth: COLUMNS });
  const width = Math.max(...options.map(({ flags }) => flags.length));
  return options.map((option) => help.formatItem(option.flags, width, help.optionDescription(option), help));
}

function commandsBelow(command: Command): Command[] {
  return command.commands.flatMap((below) => [below, ...commandsBelow(below)]);
}

function wordsOf(command: Command): string {
  return command.parent === null ? command.name() : `${wordsOf(command.parent)} ${command.name()}`;
}
