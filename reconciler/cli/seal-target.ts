// Whom `kokoa seal` encrypts to. Law: a key comes from a place that the person named, over a connection that nobody can change.
import { KokoaError } from '../../bundle/error.ts';
import type { Kokoa } from '../../schemas/types.ts';
import { isRecipient } from '../adapters/secret-age.ts';
import { didYouMean } from '../core/suggest.ts';
import { isLoopback } from '../http/loopback.ts';
import { SEALING_KEY_PATH } from '../http/sealing-key.ts';
import { openDataFolder } from './data-folder.ts';

/** Where `npm start` listens. */
const TRIED_OUT_AT = 'http://127.0.0.1:8443';
const ANSWER_BYTES_MAX = 4_096;
const ANSWER_MS_MAX = 10_000;

export interface SealingQuestion {
  dir: string;
  team: string;
  to: string | undefined;
  url: string | undefined;
}

/** The recipient. @throws KokoaError usage, team_unknown, kokoa_missing, sealing_key_unknown */
export async function sealingTarget({ dir, team, to, url }: SealingQuestion): Promise<string> {
  const kokoa = kokoaIn(dir, to !== undefined || url !== undefined);
  if (kokoa !== undefined) checkTeam(team, kokoa);
  if (to !== undefined) {
    if (isRecipient(to)) return to;
    throw new KokoaError('usage', '--to: found something else, expected an age recipient, age1 and 58 characters');
  }
  if (url !== undefined) return askedAt(url);
  const declared = kokoa?.sealing?.recipient;
  if (declared !== undefined) return declared;
  throw new KokoaError('sealing_key_unknown', 'kokoa.yaml does not name the key of the reconciler', {
    hint: [
      'Let an operator set sealing.recipient there, or ask the reconciler:',
      `  kokoa seal --team ${team} --url ${kokoa?.controlPlane.urls[0]}`,
      'To try it out beside npm start:',
      `  kokoa seal --team ${team} --url ${TRIED_OUT_AT}`,
    ].join('\n'),
  });
}

/** Where another place names the key, the folder is looked at only to catch a mistyped team. @throws KokoaError */
function kokoaIn(dir: string, mayBeMissing: boolean): Kokoa | undefined {
  try {
    return openDataFolder(dir).kokoa;
  } catch (error) {
    if (mayBeMissing) return undefined;
    throw error;
  }
}

function checkTeam(team: string, { teams }: Kokoa): void {
  const names = teams.map(({ name }) => name);
  if (names.includes(team)) return;
  const meant = didYouMean(team, names);
  throw new KokoaError('team_unknown', `kokoa.yaml has no team ${JSON.stringify(team)}`, {
    hint: meant === undefined ? `it has ${names.slice(0, 10).join(', ')}` : `did you mean ${meant}?`,
  });
}

/** TLS, checked against the system's CAs (and NODE_EXTRA_CA_CERTS); plain HTTP on this machine alone. */
async function askedAt(text: string): Promise<string> {
  const url = URL.parse(SEALING_KEY_PATH, text);
  const safe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname));
  if (url === null || !safe)
    throw new KokoaError('usage', '--url: expected https://HOST:PORT (plain http on this machine alone)');
  const answer = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(ANSWER_MS_MAX) })
    .then(async (response) => ({ status: response.status, body: await firstBytes(response) }))
    .catch((cause: Error) => {
      const inner = cause.cause as NodeJS.ErrnoException | undefined;
      const why = inner?.code ?? inner?.message ?? cause.name;
      throw new KokoaError('sealing_key_unknown', `${url.origin} does not answer (${why})`, {
        hint: 'is the reconciler running, and is this the URL that it prints at its start? --to needs no network',
        cause,
      });
    });
  const recipient = recipientIn(answer.body);
  if (answer.status === 200 && recipient !== undefined) return recipient;
  throw new KokoaError('sealing_key_unknown', `${url.origin} answers ${answer.status} without a key`, {
    hint: 'is it the reconciler, of a version that has sealing keys?',
  });
}

function recipientIn(body: string): string | undefined {
  try {
    const { recipient } = JSON.parse(body) as { recipient?: unknown };
    return isRecipient(recipient) ? recipient : undefined;
  } catch {
    return undefined;
  }
}

async function firstBytes(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    parts.push(part);
    bytes += part.length;
    if (bytes > ANSWER_BYTES_MAX) break;
  }
  return Buffer.concat(parts).toString('utf8', 0, ANSWER_BYTES_MAX);
}
