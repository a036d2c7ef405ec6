// One signed TUF document as text: read strictly, judged by its signatures. A text that is not canonical is refused, because
// signatures cover the meaning and not the bytes; so every byte of a document that verifies is the byte that was signed.
import {
  type Key,
  Metadata,
  MetadataKind,
  type Root,
  type Snapshot,
  type Targets,
  type Timestamp,
} from '@tufjs/models';
import { Ajv, type ValidateFunction } from 'ajv';
import { canonicalJson } from './canonical.ts';
import { keyIdOf } from './keys.ts';
import { METADATA_BYTES_MAX } from './limits.ts';
import { METADATA_SCHEMAS } from './metadata-schema.ts';
import { type Refusal, refuse } from './refusal.ts';

export interface Documents {
  root: Metadata<Root>;
  timestamp: Metadata<Timestamp>;
  snapshot: Metadata<Snapshot>;
  targets: Metadata<Targets>;
}

export type DocumentKind = keyof Documents;

/** The signed field that binds a document to one node. */
export const NODE_FIELD = 'x-kokoa-node';

/** Reads a document's text; nothing is verified yet but its size, its shape and that it is canonical. */
export function parseDocument<K extends DocumentKind>(kind: K, text: string): Documents[K] | Refusal {
  const bytes = Buffer.byteLength(text);
  if (bytes > METADATA_BYTES_MAX) {
    return refuse('too_large', `${kind} has ${bytes} bytes, at most ${METADATA_BYTES_MAX} are allowed`);
  }
  try {
    const value: unknown = JSON.parse(text);
    const check = shapeOf(kind);
    if (!check(value)) {
      const first = check.errors?.[0];
      return refuse('malformed', `${kind}${first?.instancePath ?? ''} ${first?.message ?? 'has the wrong shape'}`);
    }
    if (canonicalJson(value) !== text) return refuse('malformed', `${kind} is not in canonical form`);
    return fromJson(kind, value);
  } catch {
    return refuse('malformed', `${kind} is not a signed document`);
  }
}

/** The text to store and send: canonical JSON. */
export function documentText(document: Documents[DocumentKind]): string {
  return canonicalJson(document.toJSON());
}

/**
 * Checks that `document` carries a threshold of good signatures for its role under `root`, and that no other signature rides along.
 * For a root, `also` is the root it introduces: its keys sign too (TUF specification 5.3.4, 5.3.5).
 */
export function checkSignatures(
  root: Metadata<Root>,
  document: Documents[DocumentKind],
  also = root,
): Refusal | undefined {
  const role = document.signed.type;
  try {
    root.verifyDelegate(role, document);
    if (also !== root) also.verifyDelegate(role, document);
  } catch {
    return refuse('bad_signature', `${role} does not carry the signatures that root ${root.signed.version} asks for`);
  }
  const allowed = [...(root.signed.roles[role]?.keyIDs ?? []), ...(also.signed.roles[role]?.keyIDs ?? [])];
  const claimed = Object.keys(document.signatures);
  // No more signatures than the threshold counted: each of them was good.
  if (also === root && claimed.length === root.signed.roles[role]?.threshold) return undefined;
  for (const keyId of claimed) {
    const key = root.signed.keys[keyId] ?? also.signed.keys[keyId];
    if (key === undefined || !allowed.includes(keyId) || !signedBy(key, document)) {
      return refuse('bad_signature', `${role} carries a signature that no key of its role made`);
    }
  }
  return undefined;
}

/** True when at least one signature claims to be by a key that `root` names for this role. */
export function claimsKeyOf(root: Metadata<Root>, document: Documents[DocumentKind]): boolean {
  return root.signed.roles[document.signed.type]?.keyIDs.some((keyId) => document.signatures[keyId]) ?? false;
}

function signedBy(key: Key, document: Documents[DocumentKind]): boolean {
  try {
    key.verifySignature(document);
    return true;
  } catch {
    return false;
  }
}

function fromJson<K extends DocumentKind>(kind: K, value: unknown): Documents[K] | Refusal {
  const data = value as Parameters<typeof Metadata.fromJSON>[1];
  const read: { [D in DocumentKind]: () => Documents[D] | Refusal } = {
    root: () => withHonestKeyIds(Metadata.fromJSON(MetadataKind.Root, data)),
    timestamp: () => Metadata.fromJSON(MetadataKind.Timestamp, data),
    snapshot: () => Metadata.fromJSON(MetadataKind.Snapshot, data),
    targets: () => Metadata.fromJSON(MetadataKind.Targets, data),
  };
  return read[kind]();
}

/** A key under two ids would count twice towards a threshold. */
function withHonestKeyIds(root: Metadata<Root>): Metadata<Root> | Refusal {
  for (const [keyId, key] of Object.entries(root.signed.keys)) {
    if (keyId !== keyIdOf(key.keyVal.public ?? '')) return refuse('malformed', 'root names a key by a wrong id');
  }
  return root;
}

let ajv: Ajv | undefined;
const shapes = new Map<DocumentKind, ValidateFunction>();

/** Compiled at first use. The schemas are constants of ours, judged by a test and not again here. */
function shapeOf(kind: DocumentKind): ValidateFunction {
  ajv ??= new Ajv({ strict: true, meta: false, validateSchema: false });
  const known = shapes.get(kind) ?? ajv.compile(METADATA_SCHEMAS[kind]);
  shapes.set(kind, known);
  return known;
}
