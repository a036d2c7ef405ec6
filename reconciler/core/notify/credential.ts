// Where the credentials of channels lie, and what they say. Laws: no team's reference leads there, because no team can have a name that begins
// with `_`; and no word of a credential is in a problem.
import type { NotifyChannel, NotifyCredentials } from '../../../schemas/types.ts';
import type { ReadablePlace } from '../secret-reference.ts';
import { targetUrl } from './target-url.ts';

/** The folder of the secrets directory, and what systemd's names begin with. */
const OPERATORS = '_notify';
const NAME = /^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/;
const KEY_CHARACTERS_MIN = 16;
const CHARACTERS_MAX = 2_000;

export type NotifyCredential =
  | { kind: 'webhook'; key: string }
  | { kind: 'slack' | 'discord'; url: URL }
  | { kind: 'smtp'; user: string; password: string };

/** Undefined when it names no place. */
export function notifyCredentialPlace({ file, credential }: NotifyCredentials): ReadablePlace | undefined {
  if (file !== undefined && NAME.test(file)) return { kind: 'file', team: OPERATORS, name: file };
  if (credential !== undefined && NAME.test(credential))
    return { kind: 'credential', name: `${OPERATORS}.${credential}` };
  return undefined;
}

/** webhook: a key on one line. slack, discord: the URL on one line. smtp: the user on the first line, the password on the second. */
export function readNotifyCredential(
  kind: NotifyChannel['kind'],
  text: string,
): NotifyCredential | { problem: string } {
  const lines = text.replace(/(\r?\n)+$/, '').split(/\r?\n/);
  const expected = kind === 'smtp' ? 2 : 1;
  if (lines.length !== expected || lines.some((line) => line === ''))
    return { problem: `found ${lines.length} lines, expected ${expected}, none of them empty` };
  if (text.length > CHARACTERS_MAX || /[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]/.test(text))
    return { problem: 'it is too long, or has control characters' };
  const [first = '', second = ''] = lines;
  if (kind === 'smtp') return { kind, user: first, password: second };
  if (kind === 'webhook')
    return first.length < KEY_CHARACTERS_MIN
      ? { problem: `the key has ${first.length} characters, at least ${KEY_CHARACTERS_MIN} are needed` }
      : { kind, key: first };
  const url = targetUrl(first);
  return url === undefined ? { problem: 'it is no https URL' } : { kind, url };
}
