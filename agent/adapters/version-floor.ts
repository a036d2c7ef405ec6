// The versions below which nothing is accepted any more, kept apart from TUF's own files and checksummed. The same numbers stand in the
// names of stored bundles, because a torn write spoils what is in files but not what they are called.
import { join } from 'node:path';
import { canonicalJson, sha256Hex } from '../../bundle/canonical.ts';
import { type Refusal, refuse } from '../../bundle/refusal.ts';
import type { VerifiedFiles } from '../../bundle/verify.ts';
import { readBounded, writeDurably } from './durable-write.ts';

export interface Floor {
  /** Digest of the node's name and its pinned root: a floor of another identity counts for nothing. */
  scope: string;
  /** Root version that last replaced all online keys; document versions are compared inside one epoch. */
  epoch: number;
  root: number;
  timestamp: number;
  /** Version of snapshot and targets. */
  documents: number;
}

const FLOOR_BYTES_MAX = 1024;
const FIELDS = ['epoch', 'root', 'timestamp', 'documents'] as const;

/** 16 hex digits that stand for this node under this root of trust. */
export function scopeOf(node: string, fingerprint: string): string {
  return sha256Hex(canonicalJson([fingerprint, node])).slice(0, 16);
}

export function floorOf(files: VerifiedFiles, scope: string): Floor {
  return {
    scope,
    epoch: files.chain.epoch,
    root: files.chain.version,
    timestamp: files.timestampVersion,
    documents: files.version,
  };
}

/** True when accepting `candidate` after `floor` would be going back. */
export function isBelow(candidate: Floor, floor: Floor): boolean {
  if (candidate.scope !== floor.scope) return false;
  if (candidate.epoch < floor.epoch || candidate.root < floor.root) return true;
  if (candidate.epoch > floor.epoch) return false;
  return candidate.timestamp < floor.timestamp || candidate.documents < floor.documents;
}

/** `rollback` when `candidate` is below any of `floors`. */
export function checkFloors(candidate: Floor, floors: readonly (Floor | undefined)[]): Refusal | undefined {
  const above = floors.find((floor) => floor !== undefined && isBelow(candidate, floor));
  if (above === undefined) return undefined;
  const [found, before] = [candidate, above].map(
    ({ root, timestamp, documents }) => `root ${root}, timestamp ${timestamp}, documents ${documents}`,
  );
  return refuse('rollback', `found ${found}; accepted before: ${before}`);
}

/** The floor in the state directory; undefined when absent or damaged. */
export async function readFloor(directory: string): Promise<Floor | undefined> {
  const text = await readBounded(join(directory, 'floor'), FLOOR_BYTES_MAX);
  const [body = '', checksum] = text?.split('\n') ?? [];
  if (sha256Hex(body) !== checksum) return undefined;
  const { scope, ...numbers } = JSON.parse(body) as Floor;
  return FIELDS.every((field) => Number.isSafeInteger(numbers[field])) ? { scope, ...numbers } : undefined;
}

export async function writeFloor(directory: string, floor: Floor): Promise<void> {
  const body = canonicalJson(floor);
  await writeDurably(join(directory, 'floor'), `${body}\n${sha256Hex(body)}\n`, { ours: true });
}

/** The floor as a part of a file name. */
export function floorName(floor: Floor): string {
  return [floor.scope, ...FIELDS.map((field) => floor[field])].join('.');
}

/** Reads back what floorName wrote at the start of `name`. */
export function floorFromName(name: string): Floor | undefined {
  const match = /^([0-9a-f]{16})\.(\d{1,16})\.(\d{1,16})\.(\d{1,16})\.(\d{1,16})\./.exec(name);
  if (!match) return undefined;
  const [, scope = '', epoch, root, timestamp, documents] = match;
  return {
    scope,
    epoch: Number(epoch),
    root: Number(root),
    timestamp: Number(timestamp),
    documents: Number(documents),
  };
}
