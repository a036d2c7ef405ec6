// Runs the unmodified TUF client over texts in memory, in a scratch directory that is thrown away: a second opinion, by other people's
// code, on everything that was verified before. Its error classes and words are translated here and nowhere else.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Fetcher, Updater } from 'tuf-js';
import {
  BadVersionError,
  DownloadHTTPError,
  DownloadLengthMismatchError,
  ExpiredMetadataError,
  PersistError,
} from 'tuf-js/dist/error.js';
import { CONFIG_TARGET } from '../../bundle/config.ts';
import { KokoaError } from '../../bundle/error.ts';
import { METADATA_BYTES_MAX } from '../../bundle/limits.ts';
import { type Refusal, refuse, type VerifyCode } from '../../bundle/refusal.ts';
import { ROOT_CHAIN_MAX } from '../../bundle/root-chain.ts';
import { diskTrouble } from './disk-trouble.ts';
import { makeDirectory, orUnwritable } from './durable-write.ts';

/** What the client trusts before: its newest root and, when there are any, the three documents it accepted last. */
export interface TufState {
  root: string;
  timestamp?: string;
  snapshot?: string;
  targets?: string;
}

/** Never contacted: names are looked up in memory. */
const BASE_URL = 'http://bundle.invalid';

/**
 * Updates from `state` by `offered` (file name → text) as of `nowMs`; answers the sha256 of the config that the client then trusts.
 * @throws KokoaError state_unwritable
 */
export async function updateTuf(
  scratchParent: string,
  state: TufState,
  offered: ReadonlyMap<string, string>,
  nowMs: number,
): Promise<{ configHash: string } | Refusal> {
  await makeDirectory(scratchParent);
  const scratch = await orUnwritable(scratchParent, () => mkdtemp(join(scratchParent, '.scratch-')));
  try {
    for (const [name, text] of Object.entries(state)) await writeFile(join(scratch, `${name}.json`), text);
    const updater = new Updater({
      metadataDir: scratch,
      metadataBaseUrl: BASE_URL,
      fetcher: memoryFetcher(offered),
      config: {
        maxRootRotations: ROOT_CHAIN_MAX,
        rootMaxLength: METADATA_BYTES_MAX,
        timestampMaxLength: METADATA_BYTES_MAX,
        snapshotMaxLength: METADATA_BYTES_MAX,
        targetsMaxLength: METADATA_BYTES_MAX,
      },
    });
    setReferenceTime(updater, nowMs);
    await updater.refresh();
    const target = await updater.getTargetInfo(CONFIG_TARGET);
    const configHash = target?.hashes.sha256;
    return configHash === undefined ? refuse('missing_file', `targets lists no ${CONFIG_TARGET}`) : { configHash };
  } catch (error) {
    return refusalOf(error, scratchParent);
  } finally {
    // What stays is removed with what no bundle needs.
    await rm(scratch, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** Translates what the TUF client throws. It wraps errors of snapshot and targets as text, so text is what decides there. */
export function refusalOf(error: unknown, place = 'its scratch directory'): Refusal {
  const message = error instanceof Error ? error.message : String(error);
  // It hides the failed write of snapshot and targets in a text; on a full disk a good bundle must not count as a bad one.
  const hidden = /Failed to persist.*?\b(E[A-Z]{2,})\b/s.exec(message)?.[1];
  if (error instanceof PersistError || hidden !== undefined || isSystemError(error)) {
    const why = diskTrouble(hidden === undefined ? error : { code: hidden });
    throw new KokoaError('state_unwritable', `cannot write in ${place}: ${why}`, {
      hint: 'Check free space and that the agent owns its state directory.',
      cause: error,
    });
  }
  return refuse(codeOf(error, message), message);
}

const BY_WORDS: readonly [RegExp, VerifyCode][] = [
  [/is expired/, 'expired'],
  [/root was signed by/, 'foreign_root'],
  [/was signed by/, 'bad_signature'],
  [/doesn't match timestamp|does not match snapshot version|Expected version/, 'mixed_versions'],
  [/is less than current/, 'rollback'],
  [/Expected (hash|length)/, 'bad_hash'],
  [/Max length reached/, 'too_large'],
  [/is not offered/, 'missing_file'],
];

function codeOf(error: unknown, message: string): VerifyCode {
  const byWords = BY_WORDS.find(([words]) => words.test(message))?.[1];
  if (error instanceof ExpiredMetadataError) return 'expired';
  if (error instanceof DownloadHTTPError) return 'missing_file';
  if (error instanceof DownloadLengthMismatchError) return 'too_large';
  if (error instanceof BadVersionError) return byWords ?? 'rollback';
  return byWords ?? 'malformed';
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === 'string';
}

function memoryFetcher(offered: ReadonlyMap<string, string>): Fetcher {
  return {
    async downloadBytes(url, maxLength) {
      const name = new URL(url).pathname.slice(1);
      const text = offered.get(name);
      if (text === undefined) throw new DownloadHTTPError(`${name} is not offered`, 404);
      const bytes = Buffer.from(text);
      if (bytes.length > maxLength) throw new DownloadLengthMismatchError(`${name}: Max length reached`);
      return bytes;
    },
    async downloadFile(url) {
      throw new DownloadHTTPError(`${url} is not offered: targets are verified elsewhere`, 404);
    },
  };
}

/** The client reads the clock when it is made; the agent's idea of now is passed in, so that all checks share one. */
function setReferenceTime(updater: Updater, nowMs: number): void {
  const { trustedSet } = updater as unknown as { trustedSet: { referenceTime: Date } };
  trustedSet.referenceTime = new Date(nowMs);
}
