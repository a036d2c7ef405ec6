// Takes the certificates of a parcel: what `kokoa certs escrow-restore` packed for this machine when all edges of its pool were lost. Each
// is judged like any other; the pool gets them from here, as from any holder.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { PARCEL_FORMAT, type ParcelHead, type ParcelItem } from '../bundle/api.ts';
import { judgeCertificate } from '../bundle/certificate.ts';
import { readCertificateText } from '../bundle/certificate-text.ts';
import { KokoaError } from '../bundle/error.ts';
import type { CertificateStore } from './ports/certificate-store.ts';
import type { Sealing } from './ports/sealing.ts';

const LINE_CHARACTERS_MAX = 300 * 1024;
const ITEMS_MAX = 200_000;
const NOTHING = 'it holds no certificate and key';

export interface RestoreRequest {
  file: string;
  /** The node's own age identity, secret. */
  ageIdentity: string;
  sealing: Sealing;
  store: CertificateStore;
  /** ms since the epoch. */
  now: number;
}

export interface Restored {
  pool: string;
  names: string[];
  /** One that is held already and not older stays. */
  leftOut: { name: string; reason: string }[];
}

/** @throws KokoaError parcel_unreadable, other_recipient, certificate_store_failed */
export async function restoreCertificates({
  file,
  ageIdentity,
  sealing,
  store,
  now,
}: RestoreRequest): Promise<Restored> {
  const own = await sealing.recipientOf(ageIdentity);
  const held = new Map((await store.list()).held.map((one) => [one.hostname, one]));
  let restored: Restored | undefined;
  for await (const line of linesOf(file)) {
    if (!restored) {
      restored = { pool: poolOf(line, own, file), names: [], leftOut: [] };
      continue;
    }
    const { name, sealed } = parse<ParcelItem>(line, file);
    if (typeof name !== 'string' || typeof sealed !== 'string') throw unreadable(file, 'holds a line that is no item');
    if (restored.names.length + restored.leftOut.length >= ITEMS_MAX) throw unreadable(file, 'holds too many items');
    const reason = await takeOne(name, sealed);
    if (reason === undefined) restored.names.push(name);
    else restored.leftOut.push({ name, reason });
  }
  if (!restored) throw unreadable(file, 'is empty');
  return restored;

  async function takeOne(hostname: string, sealed: string): Promise<string | undefined> {
    const before = held.get(hostname);
    try {
      const pair = readCertificateText(await sealing.open(ageIdentity, sealed));
      if (!pair) return NOTHING;
      const notOlderThan = before && before.notAfter > now ? before.notBefore : undefined;
      const judged = judgeCertificate({
        ...{ ...pair, hostname, now },
        ...(notOlderThan !== undefined && { notOlderThan }),
      });
      if (!judged.ok) return `${judged.code}: ${judged.detail}`;
      if (before?.fingerprint256 === judged.fingerprint256) return 'it is held already';
      await store.write(hostname, judged, 'relayed', pair.keptFrom);
      return undefined;
    } catch (error) {
      if (error instanceof KokoaError && error.code === 'certificate_store_failed') throw error;
      return error instanceof KokoaError ? error.message : NOTHING;
    }
  }
}

function poolOf(line: string, own: string, file: string): string {
  const { format, pool, recipient } = parse<ParcelHead>(line, file);
  if (format !== PARCEL_FORMAT || typeof pool !== 'string') throw unreadable(file, 'is no parcel of this version');
  if (recipient === own) return pool;
  throw new KokoaError(
    'other_recipient',
    `${file} is for the machine with ${String(recipient).slice(0, 80)}, not this one`,
    {
      hint: `pack it again with --recipient ${own}`,
    },
  );
}

async function* linesOf(file: string): AsyncGenerator<string> {
  const stream = createReadStream(file, { encoding: 'utf8' });
  // A line that does not end is cut off by the limit, and not read into memory to its end.
  let sinceBreak = 0;
  stream.on('data', (part) => {
    const at = String(part).lastIndexOf('\n');
    sinceBreak = at < 0 ? sinceBreak + part.length : part.length - at;
    if (sinceBreak > LINE_CHARACTERS_MAX) stream.destroy(new Error('a line is too long'));
  });
  const failed = new Promise<never>((_, reject) => stream.once('error', reject));
  failed.catch(() => undefined);
  const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await Promise.race([lines.next(), failed]);
      if (next.done) return;
      if (next.value !== '') yield next.value;
    }
  } catch (cause) {
    throw unreadable(
      file,
      `cannot be read: ${(cause as NodeJS.ErrnoException).code ?? (cause as Error).message}`,
      cause,
    );
  } finally {
    stream.destroy();
  }
}

function parse<T extends object>(line: string, file: string): Partial<T> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) return value as Partial<T>;
  } catch {
    // Said below.
  }
  throw unreadable(file, 'holds a line that is no JSON object');
}

function unreadable(file: string, why: string, cause?: unknown): KokoaError {
  return new KokoaError('parcel_unreadable', `${file} ${why}`, {
    hint: 'give the whole file that kokoa certs escrow-restore wrote',
    cause,
  });
}
