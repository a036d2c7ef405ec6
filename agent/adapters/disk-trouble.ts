// What an error of the file system means to the person who reads it: in words, with its code, and what to do about it.
import { KokoaError } from '../../bundle/error.ts';

const WORDS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full (ENOSPC): free some space',
  EDQUOT: 'the quota of this user is used up (EDQUOT): free some space',
  EIO: 'the disk reports an error (EIO): see dmesg, and replace it',
  EROFS: 'the disk is read-only (EROFS): see dmesg, and mount it for writing again',
  EACCES: 'this user may not (EACCES): run the agent as the user who joined',
  EPERM: 'this user may not (EPERM): run the agent as the user who joined',
};

/** `cause` is what Node threw. What has no words is its code; what has no code, or says more already, is its message. */
export function diskTrouble(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === undefined || cause instanceof KokoaError) return message;
  return WORDS[code] ?? code;
}
