// The node's token as a person hands it over: by file or standard input, never as an argument.
import { readFile } from 'node:fs/promises';
import { decodeJwt } from 'jose';
import { KokoaError } from '../../bundle/error.ts';
import { TOKEN_BYTES_MAX } from '../../bundle/limits.ts';

/** @throws KokoaError bad_token */
export async function readTokenFrom(file: string | undefined): Promise<string> {
  if (file === undefined && process.stdin.isTTY) console.error('paste the token, then Enter and Ctrl-D:');
  const found = (file === undefined ? await readInput() : await readTokenFile(file)).trim();
  if (found.length > 0 && found.length <= TOKEN_BYTES_MAX) return found;
  throw new KokoaError('bad_token', found.length === 0 ? 'no token was given' : 'the token is too long', {
    hint: 'give it by --token-file, or pipe it to standard input; it is never an argument',
  });
}

/** The slot that a token is for. Nothing is verified: what counts is the sha256 in git. @throws KokoaError bad_token */
export function nodeNameIn(token: string): string {
  try {
    const { sub } = decodeJwt(token);
    if (typeof sub === 'string') return sub;
  } catch {
    // Not a JWT: said below.
  }
  throw new KokoaError('bad_token', 'this is not a node token', {
    hint: 'use the whole line that `kokoa edge add` or `kokoa origin add` showed',
  });
}

/** No more than a token and some white space: somebody may pipe the wrong thing. */
async function readInput(): Promise<string> {
  let text = '';
  process.stdin.setEncoding('utf8');
  for await (const part of process.stdin) {
    text += part;
    if (text.length > 2 * TOKEN_BYTES_MAX) break;
  }
  return text;
}

async function readTokenFile(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new KokoaError('bad_token', `cannot read the token from ${file}: ${cause.code}`, {
      hint: 'give the file that `kokoa edge token NAME` or `kokoa origin token NAME` was written to, readable to this user',
      cause,
    });
  });
}
