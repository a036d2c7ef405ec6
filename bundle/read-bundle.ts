// Reads a bundle response from JSON that anyone may have made: every name, size and number is checked before a text is looked at.
import {
  BUNDLE_BYTES_MAX,
  CHUNK_BYTES_MAX,
  CONFIG_BYTES_MAX,
  METADATA_BYTES_MAX,
  ROOTS_PER_RESPONSE_MAX,
} from './limits.ts';
import { isRefusal, type Refusal, refuse } from './refusal.ts';

/** The signed texts of one node, with the versions that their file names claim, where they came with names. */
export interface BundleFiles {
  /** version → text. */
  roots: ReadonlyMap<number, string>;
  timestamp: string;
  snapshot: string;
  targets: string;
  config: string;
  named?: { snapshot: number; targets: number; config: string };
  /** The node that the response says it is for. */
  addressee?: string;
}

export interface ReadBundle {
  files: BundleFiles;
  /** sha256 → text; not yet compared. */
  chunks: ReadonlyMap<string, string>;
}

/** Chunks of one response: two hex digits of bucket. */
export const CHUNKS_MAX = 256;

const FILE_NAME =
  /^(?:(?<root>[1-9]\d{0,15})\.root|timestamp|(?<snapshot>[1-9]\d{0,15})\.snapshot|(?<targets>[1-9]\d{0,15})\.targets|(?<config>[0-9a-f]{64})\.config)\.json$/;
const CHUNK_NAME = /^[0-9a-f]{64}$/;

/** Takes a BundleResponse apart. Nothing is trusted afterwards; it is only known to have the right shape and size. */
export function readBundle(value: unknown): ReadBundle | Refusal {
  if (!isRecord(value) || typeof value.node !== 'string') return refuse('malformed', 'the bundle names no node');
  const texts = readTexts(value.files, 'files', ROOTS_PER_RESPONSE_MAX + 4);
  if (isRefusal(texts)) return texts;
  const chunks = readTexts(value.chunks, 'chunks', CHUNKS_MAX);
  if (isRefusal(chunks)) return chunks;
  const refusal = checkSizes(texts, chunks);
  if (refusal) return refusal;
  const sorted = sortFiles(texts);
  if (isRefusal(sorted)) return sorted;
  return { files: { ...sorted, addressee: value.node }, chunks };
}

function readTexts(value: unknown, what: string, max: number): Map<string, string> | Refusal {
  if (!isRecord(value)) return refuse('malformed', `${what} is no object`);
  const entries = Object.entries(value);
  if (entries.length > max)
    return refuse('too_large', `${what} has ${entries.length} entries, at most ${max} are allowed`);
  const texts = new Map<string, string>();
  for (const [name, text] of entries) {
    const known = what === 'files' ? FILE_NAME.test(name) : CHUNK_NAME.test(name);
    if (!known) return refuse('malformed', `${what} has an unknown name ${name.slice(0, 80)}`);
    if (typeof text !== 'string' || !text.isWellFormed()) return refuse('malformed', `${name} is no text`);
    texts.set(name, text);
  }
  return texts;
}

function checkSizes(texts: ReadonlyMap<string, string>, chunks: ReadonlyMap<string, string>): Refusal | undefined {
  let total = 0;
  for (const [name, text] of [...texts, ...chunks]) {
    const bytes = Buffer.byteLength(text);
    const max = chunks.has(name)
      ? CHUNK_BYTES_MAX
      : name.endsWith('.config.json')
        ? CONFIG_BYTES_MAX
        : METADATA_BYTES_MAX;
    if (bytes > max) return refuse('too_large', `${name} has ${bytes} bytes, at most ${max} are allowed`);
    total += bytes;
  }
  if (total <= BUNDLE_BYTES_MAX) return undefined;
  return refuse('too_large', `the bundle has ${total} bytes, at most ${BUNDLE_BYTES_MAX} are allowed`);
}

function sortFiles(texts: ReadonlyMap<string, string>): BundleFiles | Refusal {
  const roots = new Map<number, string>();
  const found: Partial<Record<'timestamp' | 'snapshot' | 'targets' | 'config', { claim: string; text: string }>> = {};
  for (const [name, text] of texts) {
    const { root, ...others } = FILE_NAME.exec(name)?.groups ?? {};
    if (root !== undefined) {
      roots.set(Number(root), text);
      continue;
    }
    const kind = (['snapshot', 'targets', 'config'] as const).find((k) => others[k] !== undefined) ?? 'timestamp';
    if (found[kind]) return refuse('mixed_versions', `the bundle holds two ${kind} files`);
    found[kind] = { claim: others[kind] ?? '', text };
  }
  const { timestamp, snapshot, targets, config } = found;
  if (!timestamp) return missing('timestamp.json');
  if (!snapshot) return missing('snapshot.json');
  if (!targets) return missing('targets.json');
  if (!config) return missing('config.json');
  return {
    roots,
    timestamp: timestamp.text,
    snapshot: snapshot.text,
    targets: targets.text,
    config: config.text,
    named: { snapshot: Number(snapshot.claim), targets: Number(targets.claim), config: config.claim },
  };
}

function missing(name: string): Refusal {
  return refuse('missing_file', `the bundle holds no ${name}`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
