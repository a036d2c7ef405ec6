// From the pinned fingerprint to the newest root: each root is signed under the one before it and under itself (TUF specification 5.3).
import type { Metadata, Root } from '@tufjs/models';
import { checkSignatures, claimsKeyOf, parseDocument } from './metadata.ts';
import { isRefusal, type Refusal, refuse } from './refusal.ts';
import { rootFingerprint } from './root.ts';

/** Roots an agent follows in all. */
export const ROOT_CHAIN_MAX = 256;

const ONLINE_ROLES = ['timestamp', 'snapshot', 'targets'];

export interface RootChain {
  /** Exact texts of version 1, 2, …; the last is in force. */
  texts: readonly string[];
  root: Metadata<Root>;
  /** The newest version. */
  version: number;
  /**
   * The version that last replaced all three online keys. Versions of documents are compared inside one epoch only, so that a thief
   * who published a far-future version is shaken off by replacing the keys.
   */
  epoch: number;
}

/**
 * Follows `offered` (version → text) from `held`, texts that verified before and may be empty.
 * Refuses with foreign_root when the chain does not start at `fingerprint` or continues without any key of the root before.
 */
export function extendRootChain(
  held: readonly string[],
  offered: ReadonlyMap<number, string>,
  fingerprint: string,
): RootChain | Refusal {
  const texts = [...held];
  for (const version of [...offered.keys()].sort((a, b) => a - b)) {
    const text = offered.get(version) ?? '';
    if (version <= texts.length) {
      if (texts[version - 1] !== text) return refuse('foreign_root', `root ${version} is not the one trusted here`);
    } else if (version === texts.length + 1) {
      texts.push(text);
    } else {
      return refuse('missing_file', `root ${version} is offered, but root ${texts.length + 1} is missing`);
    }
  }
  return verifyRootChain(texts, fingerprint);
}

/** Verifies texts of version 1, 2, … from the pinned fingerprint on. */
export function verifyRootChain(texts: readonly string[], fingerprint: string): RootChain | Refusal {
  const [first] = texts;
  if (first === undefined) return refuse('missing_file', 'root 1 is missing');
  if (texts.length > ROOT_CHAIN_MAX) return refuse('too_large', `more than ${ROOT_CHAIN_MAX} roots`);
  if (rootFingerprint(first) !== fingerprint) {
    return refuse('foreign_root', `root 1 has fingerprint ${rootFingerprint(first)}, pinned is ${fingerprint}`);
  }
  let current: Metadata<Root> | undefined;
  let epoch = { version: 1, root: undefined as Metadata<Root> | undefined };
  for (const [index, text] of texts.entries()) {
    const next = parseDocument('root', text);
    if (isRefusal(next)) return next;
    const refusal = checkStep(current ?? next, next, index + 1);
    if (refusal) return refusal;
    if (epoch.root === undefined || replacesOnlineKeys(epoch.root, next)) epoch = { version: index + 1, root: next };
    current = next;
  }
  if (current === undefined) return refuse('missing_file', 'root 1 is missing');
  return { texts, root: current, version: texts.length, epoch: epoch.version };
}

function checkStep(previous: Metadata<Root>, next: Metadata<Root>, version: number): Refusal | undefined {
  if (!claimsKeyOf(previous, next)) {
    return refuse('foreign_root', `root ${version} is signed by no key of root ${previous.signed.version}`);
  }
  const refusal = checkSignatures(previous, next, next);
  if (refusal) return refusal;
  if (next.signed.version === version) return undefined;
  return refuse('mixed_versions', `root ${version} calls itself version ${next.signed.version}`);
}

function replacesOnlineKeys(old: Metadata<Root>, next: Metadata<Root>): boolean {
  return ONLINE_ROLES.every((role) => {
    const before = new Set(old.signed.roles[role]?.keyIDs);
    return next.signed.roles[role]?.keyIDs.every((keyId) => !before.has(keyId));
  });
}
