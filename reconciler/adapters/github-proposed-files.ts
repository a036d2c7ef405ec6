// Which files may be proposed. Law: a path stays inside the repository on every system, and text arrives as it was given.
import { ForgeError, PROPOSED_BYTES_MAX, PROPOSED_FILES_MAX, type ProposedFile } from '../ports/forge.ts';

const PATH_CHARACTERS_MAX = 1024;

/** @throws ForgeError forge_invalid */
export function judgeFiles(files: readonly ProposedFile[]): void {
  if (files.length === 0 || files.length > PROPOSED_FILES_MAX)
    throw new ForgeError('forge_invalid', `${files.length} files proposed: expected 1 to ${PROPOSED_FILES_MAX}`);
  const odd = files.find(({ path }) => !isInside(path));
  if (odd !== undefined) throw refused(odd, 'is no path inside the repository');
  const unclear = files.find(({ text }) => text !== null && !(text.isWellFormed() && !text.includes('\0')));
  if (unclear !== undefined) throw refused(unclear, 'holds what is not text');
  if (new Set(files.map(({ path }) => path)).size < files.length)
    throw new ForgeError('forge_invalid', 'a file is proposed twice');
  const bytes = files.reduce((sum, { text }) => sum + Buffer.byteLength(text ?? ''), 0);
  if (bytes > PROPOSED_BYTES_MAX)
    throw new ForgeError('forge_invalid', `${bytes} bytes proposed, of at most ${PROPOSED_BYTES_MAX}`);
}

function isInside(path: string): boolean {
  const isPlain = path.length <= PATH_CHARACTERS_MAX && /^[^\x00-\x1f\x7f\\:]+$/.test(path) && path.isWellFormed();
  return (
    isPlain && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..' && !/^\.git$/i.test(part))
  );
}

function refused({ path }: ProposedFile, why: string): ForgeError {
  return new ForgeError('forge_invalid', `${JSON.stringify(path.slice(0, 200))} ${why}`);
}
