// What the system says when a file cannot be written, with a code and what to do.
import { KokoaError } from '../../bundle/error.ts';

const REASONS: Record<string, string> = {
  EACCES: 'this user may not write there: ls -ld shows who may',
  EPERM: 'this user may not write there: ls -ld shows who may',
  EROFS: 'the file system is mounted read-only',
  ENOSPC: 'the disk is full',
  EIO: 'the disk reports an error: see dmesg, and replace it',
  ENOTDIR: 'a part of the path is a file, not a folder',
};

/**
 * `done`, whose refusals by the system, also as the cause of another error, name `path`.
 * @throws KokoaError unwritable, or with the code that the error had already
 */
export async function writingTo<T>(path: string, done: Promise<T>): Promise<T> {
  return done.catch((error: unknown) => {
    const system = [error, (error as Error).cause].find(isSystemError);
    if (system === undefined) throw error;
    const hint = REASONS[system.code];
    throw new KokoaError(
      error instanceof KokoaError ? error.code : 'unwritable',
      `cannot write ${path} (${system.code})`,
      {
        cause: error,
        ...(hint !== undefined && { hint }),
      },
    );
  });
}

function isSystemError(error: unknown): error is { code: string } {
  const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  return typeof code === 'string' && typeof syscall === 'string';
}
