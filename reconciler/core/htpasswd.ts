// Lines of NAME:HASH. Law: what passes is verified by Debian's nginx, in a time that nobody can stretch far (nginx does nothing else
// meanwhile, docs/secrets.md has the numbers); and no word about a line repeats any of it.

export const USERS_MAX = 100;
/** Of the canonical text. Sealed, it fits into a route: 6 000 characters of base64 hold 4 500 bytes, 300 of them age's and JSON's. */
export const USERS_BYTES_MAX = 4_000;
/** With comments and empty lines, as an operator keeps it. */
export const USERS_FILE_BYTES_MAX = 64 * 1024;
export const BCRYPT_COST_MAX = 8;
/** The default of the format. Its time grows with the length of what a stranger sends: 41 ms at worst, 94 ms with 10 000 rounds. */
export const SHA_ROUNDS_MAX = 5_000;
const SHA_ROUNDS_MIN = 1_000;
export const NAME_CHARACTERS_MAX = 64;

/** Browsers disagree about how other characters are sent. A colon would end it, `#` would make a comment of it. */
const NAME = /^[A-Za-z0-9._@+-](?:[A-Za-z0-9._@+ -]*[A-Za-z0-9._@+-])?$/;

export type CheckedUsers =
  /** Sorted by name, one line each, a line feed after every line. */
  { ok: true; text: string; names: string[] } | { ok: false; reason: string };

/** Judges what an operator or a team member wrote; empty lines and lines with `#` are left out. */
export function checkUsers(text: string): CheckedUsers {
  if (Buffer.byteLength(text) > USERS_FILE_BYTES_MAX) return no(`found more than ${USERS_FILE_BYTES_MAX} bytes`);
  const users = new Map<string, string>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const colon = line.indexOf(':');
    const at = `line ${index + 1}: `;
    if (colon < 0) return no(`${at}found no colon, expected NAME:HASH`);
    const [name, hash] = [line.slice(0, colon), line.slice(colon + 1).trimEnd()];
    const wrong = nameProblem(name) ?? hashProblem(hash);
    if (wrong !== undefined) return no(at + wrong);
    if (users.has(name)) return no(`${at}found a name for the second time, expected each once`);
    users.set(name, hash);
    if (users.size > USERS_MAX) return no(`found more than ${USERS_MAX} names`);
  }
  if (users.size === 0) return no('found no line, expected NAME:HASH');
  const names = [...users.keys()].sort();
  const canonical = names.map((name) => `${name}:${users.get(name)}\n`).join('');
  if (canonical.length > USERS_BYTES_MAX)
    return no(
      `found ${canonical.length} bytes, expected at most ${USERS_BYTES_MAX}: split the users over several routes`,
    );
  return { ok: true, text: canonical, names };
}

/** Undefined: it may be used. */
export function nameProblem(name: string): string | undefined {
  if (name.length > NAME_CHARACTERS_MAX) return `found a name of more than ${NAME_CHARACTERS_MAX} characters`;
  return NAME.test(name) ? undefined : 'found a name with other characters than A-Z a-z 0-9 . _ @ + - and space inside';
}

/** The kinds that were tried against Debian's nginx. {SSHA}: 20 bytes of SHA-1 and 4 to 31 of salt. */
const QUICK =
  /^(?:\$apr1\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22}|\{SSHA\}(?=[^=]{32,68}=*$)(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)$/;
const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
const SHA_CRYPT =
  /^\$(?:5|6)\$(?:rounds=([1-9]\d{0,9})\$)?[./A-Za-z0-9]{1,16}\$(?:[./A-Za-z0-9]{43}|[./A-Za-z0-9]{86})$/;
const SHA_LENGTHS: Record<string, number> = { $5$: 43, $6$: 86 };

const REFUSED: readonly [RegExp, string][] = [
  [/^\$2[aby]\$/, 'found a bcrypt hash that is cut or damaged'],
  [/^\$(?:apr1|5|6)\$/, 'found a hash that is cut or damaged'],
  [/^\{SSHA\}/, 'found an {SSHA} hash that is cut or damaged'],
  [/^\$(?:y|gy|7)\$/, 'found a hash that takes an edge too long (yescrypt or scrypt), expected bcrypt'],
  [/^\{(?:PLAIN|SHA)\}/, 'found a password that is not protected by its format, expected bcrypt'],
  [/^/, 'found no hash that is accepted (DES crypt and plain passwords are not), expected bcrypt'],
];

function hashProblem(hash: string): string | undefined {
  const cost = Number(BCRYPT.exec(hash)?.[1]);
  if (cost > BCRYPT_COST_MAX)
    return `found bcrypt with cost ${cost}, expected at most ${BCRYPT_COST_MAX}: nginx checks every request, and waits`;
  if (cost >= 4) return undefined;
  const sha = SHA_CRYPT.exec(hash);
  if (sha && hash.length - hash.lastIndexOf('$') - 1 === SHA_LENGTHS[hash.slice(0, 3)]) {
    const rounds = Number(sha[1] ?? SHA_ROUNDS_MAX);
    if (rounds >= SHA_ROUNDS_MIN && rounds <= SHA_ROUNDS_MAX) return undefined;
    return `found ${rounds} rounds, expected ${SHA_ROUNDS_MIN} to ${SHA_ROUNDS_MAX}: nginx checks every request, and waits`;
  }
  if (QUICK.test(hash)) return undefined;
  return REFUSED.find(([pattern]) => pattern.test(hash))![1];
}

function no(reason: string): CheckedUsers {
  return { ok: false, reason };
}
