// `kokoa seal`: a team member's passwords become a text that is safe in git. Law: a password is typed or not known at all: it is never
// an argument, never shown, and hashed before anything else happens to it.
import { type Command, Option } from 'commander';
import { KokoaError } from '../../bundle/error.ts';
import { sealTo } from '../adapters/secret-age.ts';
import { USERS_MAX } from '../core/htpasswd.ts';
import { teamSecretText } from '../core/team-secret.ts';
import { DATA_TOP_HELP, dataTop } from './data-top.ts';
import { sealingTarget } from './seal-target.ts';
import { askForUsers, type GivenUsers, usersFrom } from './seal-users.ts';

interface SealOptions {
  team: string;
  users?: true;
  to?: string;
  url?: string;
}

const HELP = `
It asks for names and passwords, and prints lines to paste into a route of that
team. What it prints opens on the reconciler alone, and for that team alone.

The key is --to, or what --url answers, or sealing.recipient of DIR/kokoa.yaml.

With --users, lines of NAME:HASH come from standard input, at most ${USERS_MAX}:
  htpasswd -nB alice | kokoa seal --team hoge --users`;

/** @throws KokoaError usage, users_invalid, team_unknown, seal_failed, sealing_key_unknown */
export function registerSeal(program: Command): void {
  program
    .command('seal')
    .description('encrypt names and passwords for auth.basic.users of a route')
    .argument('[dir]', DATA_TOP_HELP)
    .requiredOption('--team <team>', 'the team whose routes may use it')
    .addOption(new Option('--to <recipient>', 'age recipient of the reconciler').conflicts('url'))
    .option('--url <url>', 'ask this reconciler for its key')
    .option('--users', 'read lines of NAME:HASH from standard input')
    .addHelpText('after', HELP)
    .action(seal);
}

async function seal(dir: string | undefined, { team, to, url, users: fromInput }: SealOptions): Promise<void> {
  const recipient = await sealingTarget({ dir: dataTop(dir), team, to, url });
  const { text, names } = await givenUsers(fromInput ?? false);
  const sealed = await sealTo(recipient, teamSecretText({ team, users: text }));
  process.stdout.write(['auth:', '  basic:', '    users:', `      sealed: ${sealed}`, ''].join('\n'));
  process.stderr.write(`${[...nextSteps(team, names)].join('\n')}\n`);
}

async function givenUsers(fromInput: boolean): Promise<GivenUsers> {
  if (fromInput) return usersFrom(process.stdin);
  if (process.stdin.isTTY) return askForUsers(process.stdin, process.stderr);
  throw new KokoaError('usage', 'standard input is no terminal, so nobody can be asked for a password', {
    hint: 'give lines of NAME:HASH with --users',
  });
}

function nextSteps(team: string, names: readonly string[]): string[] {
  const count = names.length === 1 ? '1 user' : `${names.length} users`;
  return [
    '',
    `Sealed ${count} for team ${team}. Paste the lines into a file in routes/${team}/,`,
    'or below one of its paths. They are safe in git, and nobody can read them back:',
    'to add a user, seal all of them again.',
  ];
}
