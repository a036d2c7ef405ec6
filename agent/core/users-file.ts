// The names and hashes that nginx reads for a login. Law: a sealed text may come from whoever can sign for the control plane, so what
// it holds is judged here again, and a file is named by what it was opened from, never by anything inside.
import { sha256Hex } from '../../bundle/canonical.ts';
import type { Chunk } from '../../bundle/config.ts';

const NAME_DIGITS = 32;
const USERS_MAX = 100;
const USERS_BYTES_MAX = 4_000;
const FILE_NAME = new RegExp(`^[0-9a-f]{${NAME_DIGITS}}\\.htpasswd$`);

/** bcrypt up to cost 8; SHA-crypt up to 5 000 rounds; apr1; {SSHA}. More would let a stranger keep a worker busy. */
const HASH = [
  '\\$2[aby]\\$0[4-8]\\$[./A-Za-z0-9]{53}',
  '\\$5\\$(?:rounds=(?:[1-4][0-9]{3}|5000)\\$)?[./A-Za-z0-9]{1,16}\\$[./A-Za-z0-9]{43}',
  '\\$6\\$(?:rounds=(?:[1-4][0-9]{3}|5000)\\$)?[./A-Za-z0-9]{1,16}\\$[./A-Za-z0-9]{86}',
  '\\$apr1\\$[./A-Za-z0-9]{1,8}\\$[./A-Za-z0-9]{22}',
  '\\{SSHA\\}[A-Za-z0-9+/]{32,68}={0,2}',
].join('|');
const LINE = new RegExp(`^[A-Za-z0-9._@+-](?:[A-Za-z0-9._@+ -]{0,62}[A-Za-z0-9._@+-])?:(?:${HASH})$`);

/** The file in the folder `users/` for a sealed text. */
export function usersFileName(sealed: string): string {
  return `${sha256Hex(sealed).slice(0, NAME_DIGITS)}.htpasswd`;
}

export function isUsersFileName(name: string): boolean {
  return FILE_NAME.test(name);
}

/** Why an opened text is not written; undefined: nginx may read it. Nothing of the text is repeated. */
export function usersProblem(text: string): string | undefined {
  if (Buffer.byteLength(text) > USERS_BYTES_MAX) return `found more than ${USERS_BYTES_MAX} bytes`;
  const lines = text.split('\n');
  if (lines.pop() !== '' || lines.length === 0) return 'found no lines that end with a line feed';
  if (lines.length > USERS_MAX) return `found more than ${USERS_MAX} users`;
  const bad = lines.findIndex((line) => !LINE.test(line));
  return bad < 0 ? undefined : `line ${bad + 1} is no NAME:HASH of a kind that is accepted`;
}

/** What the routes of a bundle need. */
export interface NeededUsers {
  /** Sealed text → the hostnames that ask with it. */
  sealed: ReadonlyMap<string, readonly string[]>;
  /** Hostnames with a login whose users the control plane has not sent. */
  unsent: readonly string[];
}

export function neededUsers(chunks: readonly Chunk[]): NeededUsers {
  const sealed = new Map<string, string[]>();
  const unsent = new Set<string>();
  for (const { hostname, auth, paths } of chunks.flatMap(({ routes }) => routes)) {
    for (const one of [auth, ...(paths ?? []).map((path) => path.auth)]) {
      if (one?.kind !== 'basic') continue;
      if (one.sealed === undefined) unsent.add(hostname);
      else sealed.set(one.sealed, [...new Set([...(sealed.get(one.sealed) ?? []), hostname])]);
    }
  }
  return { sealed, unsent: [...unsent] };
}
