// Whether a program that an operator put somewhere may be run. Law: as ssh does with keys, nothing is run that somebody else than root and the
// reconciler's own user could have written or could swap: the file itself, and every folder above it.
import { lstat, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { KokoaError } from '../../bundle/error.ts';

const WRITABLE_BY_OTHERS = 0o022;
const EXECUTABLE = 0o111;
/** In a folder like /tmp only the owner of a file replaces it. */
const STICKY = 0o1000;

/** Where it really is. @throws KokoaError dns_unreachable when there is none, dns_refused when it is not to be run */
export async function programFile(path: string, userId = process.getuid?.() ?? 0): Promise<string> {
  const isTrusted = (uid: number) => uid === 0 || uid === userId;
  try {
    const file = join(await realpath(dirname(path)), basename(path));
    const found = await lstat(file);
    if (!found.isFile()) throw notRun(path, 'it is no ordinary file', 'a symbolic link is not followed: copy it');
    if (!isTrusted(found.uid)) throw notRun(path, `it belongs to user ${found.uid}`, `chown root ${path}`);
    if (found.mode & WRITABLE_BY_OTHERS) throw notRun(path, 'others may write it', `chmod 755 ${path}`);
    if (!(found.mode & EXECUTABLE)) throw notRun(path, 'it is not executable', `chmod 755 ${path}`);
    for (let folder = dirname(file); ; folder = dirname(folder)) {
      const { uid, mode } = await stat(folder);
      if (!isTrusted(uid)) throw notRun(path, `the folder ${folder} belongs to user ${uid}`, `chown root ${folder}`);
      if (mode & WRITABLE_BY_OTHERS && !(mode & STICKY))
        throw notRun(path, `others may write the folder ${folder}`, `chmod go-w ${folder}`);
      if (folder === dirname(folder)) return file;
    }
  } catch (error) {
    if (error instanceof KokoaError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    const isAbsent = code === 'ENOENT' || code === 'ENOTDIR';
    throw new KokoaError(
      'dns_unreachable',
      isAbsent ? `there is no program ${path}` : `cannot look at ${path}: ${code}`,
      {
        hint: 'put the program that writes the zone there, readable for the user of the reconciler (docs/dns.md)',
        cause: error,
      },
    );
  }
}

function notRun(path: string, why: string, what: string): KokoaError {
  return new KokoaError('dns_refused', `${path} is not run: ${why}`, {
    hint: `only root and the user of the reconciler may be able to change it: ${what}`,
  });
}
