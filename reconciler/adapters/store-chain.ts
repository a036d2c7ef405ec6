// Whether a stored row is what was once signed: the hashes from the timestamp down to the config. Law: a row with a broken link is never told,
// renewed or signed over; whose signatures it carries is for the agents to say.
import { sha256Hex } from '../../bundle/canonical.ts';
import { CONFIG_TARGET } from '../../bundle/config.ts';
import { NODE_FIELD } from '../../bundle/metadata.ts';
import type { PublishedNode } from '../ports/store.ts';

/** The first link that does not hold, in words; undefined: the row is whole. */
export function brokenLink(row: PublishedNode): string | undefined {
  if (!isConfigWhole(row)) return 'the config is not the one that was signed';
  const [timestamp, snapshot, targets] = [row.timestamp, row.snapshot, row.targets].map(signedPart);
  if (!isOf(targets, row) || hashIn(targets.targets, CONFIG_TARGET) !== row.configHash)
    return 'the targets are not those of the config';
  if (!isOf(snapshot, row) || hashIn(snapshot.meta, 'targets.json') !== sha256Hex(row.targets))
    return 'the snapshot is not that of the targets';
  if (!isOf(timestamp, row) || hashIn(timestamp.meta, 'snapshot.json') !== sha256Hex(row.snapshot))
    return 'the timestamp is not that of the snapshot';
  const isStamped = timestamp.version === row.timestampVersion && expiresMs(timestamp) === row.timestampExpiresMs;
  return isStamped ? undefined : 'the timestamp is not the one that was signed last';
}

/** Where nothing else of the row is: what its node was told last can still be read. */
export function isConfigWhole({ config, configHash }: PublishedNode): boolean {
  return sha256Hex(config) === configHash;
}

type Signed = Readonly<Record<string, unknown>>;

function signedPart(text: string): Signed | undefined {
  try {
    return objectIn(JSON.parse(text) as unknown, 'signed');
  } catch {
    return undefined;
  }
}

function isOf(document: Signed | undefined, { node }: PublishedNode): document is Signed {
  return document?.[NODE_FIELD] === node;
}

/** TUF specification 4.4: `NAME: {hashes: {sha256}}`. */
function hashIn(list: unknown, name: string): unknown {
  return objectIn(objectIn(list, name), 'hashes')?.sha256;
}

function expiresMs({ expires }: Signed): number {
  return Date.parse(String(expires));
}

function objectIn(value: unknown, name: string): Signed | undefined {
  const member = typeof value === 'object' && value !== null ? (value as Signed)[name] : undefined;
  return typeof member === 'object' && member !== null ? (member as Signed) : undefined;
}
