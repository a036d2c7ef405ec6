// `kokoa token add|revoke`: the tokens with which a team's programs propose hostnames. A token goes to stdout, once and alone;
// everything said to a person goes to stderr.
import type { Command } from 'commander';
import { DATA_TOP_HELP } from './data-top.ts';
import { addTeamToken, revokeTeamToken, type TeamTokenOptions } from './token-edit.ts';

const HELP = `
The token is printed on stdout, once; its sha256 goes into kokoa.yaml, which
keeps its comments. Commit that, and open a pull request: it takes effect with
the merge. Into a file that nobody else can read:
  (umask 077; kokoa token add --team TEAM > FILE)
Exit code: 0 written, 1 it would not validate (nothing is written), 2 usage.`;

/** Adds the command `token`. @throws KokoaError usage, kokoa_missing, name_taken, name_unknown, layout_unknown */
export function registerToken(program: Command): void {
  const token = program.command('token').description('what programs of a team propose hostnames with');
  token
    .command('add')
    .description('make a token, print it, and write its sha256 into kokoa.yaml')
    .requiredOption('--team <team>', 'the team whose hostnames it may propose')
    .option('--name <name>', 'which program has it: lower-case letters, digits, dashes (default: api, api-2, …)')
    .option('--dir <dir>', DATA_TOP_HELP)
    .addHelpText('after', HELP)
    .action((options: TeamTokenOptions) => finish(addTeamToken(options)));
  token
    .command('revoke')
    .description('take a token out of kokoa.yaml')
    .requiredOption('--team <team>', 'whose it is')
    .requiredOption('--name <name>', 'what kokoa.yaml calls it')
    .option('--dir <dir>', DATA_TOP_HELP)
    .action((options: TeamTokenOptions) => finish(revokeTeamToken(options)));
}

async function finish(written: Promise<boolean>): Promise<void> {
  if (!(await written)) process.exitCode = 1;
}
