// The users that `kokoa seal` encrypts: asked for at the terminal, or as lines that another program hashed.
import bcrypt from 'bcryptjs';
import { KokoaError } from '../../bundle/error.ts';
import { checkUsers, nameProblem, USERS_FILE_BYTES_MAX, USERS_MAX } from '../core/htpasswd.ts';
import { openTerminal, type TerminalInput, type TerminalOutput } from './terminal.ts';

/** nginx checks a password at every request and does nothing else meanwhile: 2.2 ms with 5, 4.7 ms with 6, 17 ms with 8. */
export const BCRYPT_COST = 5;
const PASSWORD_BYTES_MIN = 8;
/** bcrypt ignores what comes after. */
const PASSWORD_BYTES_MAX = 72;
/** Browsers disagree about how other characters are sent. */
const PASSWORD = /^[ -~]+$/;
const TRIES_MAX = 20;

export interface GivenUsers {
  /** Canonical lines of NAME:HASH. */
  text: string;
  names: readonly string[];
}

/** @throws KokoaError users_invalid, usage */
export async function usersFrom(input: AsyncIterable<Uint8Array | string>): Promise<GivenUsers> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of input) {
    parts.push(Buffer.from(part));
    bytes += parts.at(-1)!.length;
    if (bytes > USERS_FILE_BYTES_MAX) break;
  }
  return checked(Buffer.concat(parts).toString('utf8'));
}

/** Asks until an empty name. Nothing that is typed as a password is shown. @throws KokoaError usage when the person gives up */
export async function askForUsers(input: TerminalInput, output: TerminalOutput): Promise<GivenUsers> {
  const terminal = openTerminal(input, output);
  const lines = new Map<string, string>();
  try {
    for (let tries = 0; tries < TRIES_MAX + USERS_MAX && lines.size < USERS_MAX; tries += 1) {
      const name = (await terminal.ask(lines.size === 0 ? 'Name: ' : 'Next name (Enter: no more): ')).trim();
      if (name === '' && lines.size > 0) break;
      const wrong =
        name === '' ? 'expected a name' : lines.has(name) ? 'that name is there already' : nameProblem(name);
      if (wrong !== undefined) {
        terminal.say(wrong);
        continue;
      }
      const password = await terminal.askHidden('Password (not shown): ');
      const bad = passwordProblem(password);
      if (bad !== undefined) terminal.say(`${bad}; the name was not taken`);
      else if ((await terminal.askHidden('Again: ')) !== password)
        terminal.say('the two are not the same; the name was not taken');
      else lines.set(name, `${name}:${await bcrypt.hash(password, BCRYPT_COST)}`);
    }
  } finally {
    terminal.close();
  }
  return checked([...lines.values()].join('\n'));
}

function passwordProblem(password: string): string | undefined {
  if (password.length < PASSWORD_BYTES_MIN) return `expected ${PASSWORD_BYTES_MIN} characters or more`;
  if (password.length > PASSWORD_BYTES_MAX) return `expected at most ${PASSWORD_BYTES_MAX} characters`;
  return PASSWORD.test(password)
    ? undefined
    : 'expected letters, digits and signs of ASCII, which all browsers send alike';
}

function checked(text: string): GivenUsers {
  const users = checkUsers(text);
  if (users.ok) return users;
  throw new KokoaError('users_invalid', users.reason, { hint: 'make lines with: htpasswd -nB NAME' });
}
