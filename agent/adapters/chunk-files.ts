// Chunks of routes on disk, each named by its own sha256 and shared by all stored bundles. A file whose content differs from its name
// counts as absent.
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Hex } from '../../bundle/canonical.ts';
import { checkChunks, readChunk } from '../../bundle/check-config.ts';
import type { Chunk, ChunkReference, NodeConfig } from '../../bundle/config.ts';
import { CHUNK_BYTES_MAX } from '../../bundle/limits.ts';
import { isRefusal, type Refusal, refuse } from '../../bundle/refusal.ts';
import { makeOwnDirectory, readBounded, writeAllDurably } from './durable-write.ts';

/** A chunk's exact text and what it says. */
export interface ReadText {
  text: string;
  chunk: Chunk;
}

export interface ChunkFiles {
  /** The stored chunk, verified; undefined when it is absent or damaged. */
  read(reference: ChunkReference): Promise<Chunk | undefined>;
  /** Stores verified texts (sha256 → text) and remembers what they parse to. */
  write(texts: ReadonlyMap<string, ReadText>): Promise<void>;
  /** Removes all but these. */
  prune(keep: ReadonlySet<string>): Promise<void>;
}

/** The chunks that a config refers to; none for an origin. */
export function referencesOf(config: NodeConfig): readonly ChunkReference[] {
  return config.role === 'edge' ? config.edge.chunks : [];
}

/** `directory` is the state directory; chunks are in its `chunks/`. */
export function chunkFiles(directory: string): ChunkFiles {
  const chunks = join(directory, 'chunks');
  // Parsing is most of the work at 100 000 routes, and a change touches one chunk. Content addressed, so never stale.
  const parsed = new Map<string, Chunk>();
  return {
    async read(reference) {
      const path = join(chunks, reference.sha256);
      const known = parsed.get(reference.sha256);
      if (known && (await sizeOf(path)) === reference.bytes) return known;
      const text = await readBounded(path, CHUNK_BYTES_MAX);
      const chunk = text === undefined ? undefined : readChunk(reference, text);
      if (chunk === undefined || isRefusal(chunk)) return undefined;
      parsed.set(reference.sha256, chunk);
      return chunk;
    },
    async write(texts) {
      if (texts.size === 0) return;
      await makeOwnDirectory(chunks);
      await writeAllDurably(chunks, new Map([...texts].map(([sha256, { text }]) => [sha256, text])), { ours: true });
      for (const [sha256, { chunk }] of texts) parsed.set(sha256, chunk);
    },
    async prune(keep) {
      for (const sha256 of parsed.keys()) if (!keep.has(sha256)) parsed.delete(sha256);
      for (const name of await readdir(chunks).catch(() => [])) {
        if (!keep.has(name)) await rm(join(chunks, name), { recursive: true, force: true });
      }
    },
  };
}

/** All chunks of a config in its order: from `offered` (sha256 → text) where they came, from disk where they did not. */
export async function collectChunks(
  stored: ChunkFiles,
  config: NodeConfig,
  offered: ReadonlyMap<string, string>,
): Promise<{ chunks: Chunk[]; arrived: Map<string, ReadText> } | Refusal> {
  for (const [sha256, text] of offered) {
    if (sha256Hex(text) !== sha256) return refuse('bad_hash', `chunk ${sha256} is not the text that was signed`);
  }
  const chunks: Chunk[] = [];
  const arrived = new Map<string, ReadText>();
  for (const reference of referencesOf(config)) {
    const text = offered.get(reference.sha256);
    const chunk = text === undefined ? await stored.read(reference) : readChunk(reference, text);
    if (chunk === undefined) return refuse('missing_file', `chunk ${reference.sha256} neither came nor is it here`);
    if (isRefusal(chunk)) return chunk;
    if (text !== undefined) arrived.set(reference.sha256, { text, chunk });
    chunks.push(chunk);
  }
  return checkChunks(chunks) ?? { chunks, arrived };
}

async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    (found) => found.size,
    () => undefined,
  );
}
