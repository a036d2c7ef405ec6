// A secret that an option names by its file. Law: it is read through one handle, from a plain file that not everybody on the machine
// can read, and is in no error.
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { KokoaError } from '../../bundle/error.ts';

export interface SecretFile {
  /** Such as `--github-token-file`. */
  option: string;
  path: string;
  bytesMax: number;
}

/** Others may neither read nor write it, the group may read: systemd and Kubernetes hand out credentials so. */
const MODE_REFUSED = 0o027;

const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file: name another',
  EACCES: 'this user may not read it: run it as its owner, or as root',
};

/** The text without white space around it, at least one character. @throws KokoaError usage */
export async function readSecretFile({ option, path, bytesMax }: SecretFile): Promise<string> {
  const refuse = (message: string, hint?: string) =>
    new KokoaError('usage', `${option}: ${path} ${message}`, hint === undefined ? {} : { hint });
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: NodeJS.ErrnoException) => {
    throw refuse(`cannot be read (${error.code})`, UNREADABLE[error.code ?? '']);
  });
  try {
    const found = await file.stat();
    if (!found.isFile()) throw refuse('is no plain file');
    if ((found.mode & MODE_REFUSED) !== 0)
      throw refuse(
        `has mode ${(found.mode & 0o777).toString(8)}, expected 600`,
        `If nobody else read it: chmod 600 ${path}. Otherwise replace what is in it.`,
      );
    if (found.size > bytesMax) throw refuse(`holds ${found.size} bytes, expected at most ${bytesMax}`);
    const { bytesRead, buffer } = await file.read(Buffer.alloc(bytesMax), 0, bytesMax, 0);
    const text = buffer.toString('utf8', 0, bytesRead).trim();
    if (text === '') throw refuse('is empty');
    return text;
  } finally {
    await file.close();
  }
}
