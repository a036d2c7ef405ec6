// Finds secrets in whatever somebody else could read: as they are, as base64 at any offset, base64url, hex and URL-encoded. Law: white
// space counts nowhere, so that no line break hides one.
import { createPrivateKey } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

export interface Secret {
  name: string;
  /** What nobody may see; its first bytes are enough. */
  bytes: Buffer;
}

export interface Hit {
  secret: string;
  /** A path, or what was looked at. */
  where: string;
}

/** Longer secrets are looked for by their beginning. */
const BYTES_LOOKED_FOR = 36;
const SECRET_BYTES_MIN = 12;

/** A text as it is; at least 12 bytes, so that it stands nowhere by chance. */
export function secretText(name: string, text: string): Secret {
  const bytes = Buffer.from(text.trim(), 'utf8');
  if (bytes.length < SECRET_BYTES_MIN) throw new TypeError(`${name} is too short to be looked for`);
  return { name, bytes };
}

/** The private number of every key in a text with PEM blocks, also where they stand inside JSON. */
export function pemSecrets(name: string, text: string): Secret[] {
  const blocks = text.replaceAll('\\n', '\n').match(/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END/g) ?? [];
  return blocks.map((block, at) => {
    const { d } = createPrivateKey(`${block} ${block.match(/BEGIN (.*?)-----/)![1]}-----\n`).export({ format: 'jwk' });
    return { name: `${name}#${at}`, bytes: Buffer.from(d!, 'base64url') };
  });
}

const written = new WeakMap<Secret, string[]>();

/** Every way to write it that is looked for; without white space. */
function formsOf(secret: Secret): string[] {
  const forms = written.get(secret) ?? writtenAs(secret);
  written.set(secret, forms);
  return forms;
}

function writtenAs({ bytes }: Secret): string[] {
  const part = bytes.subarray(0, BYTES_LOOKED_FOR);
  // The characters that depend on what stands before and after are left out.
  const base64 = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), part])
      .toString('base64')
      .replaceAll('=', '');
    return text.slice(before === 0 ? 0 : before + 1, Math.floor(((before + part.length) * 8) / 6));
  });
  const forms = [
    part.toString('latin1'),
    ...base64,
    ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
    ...[part.toString('hex'), part.toString('hex').toUpperCase()],
    ...(isText(part) ? [encodeURIComponent(part.toString('utf8'))] : []),
  ];
  return [...new Set(forms.map(squeezed))];
}

function squeezed(text: string): string {
  return text.replace(/\\[nrt]|\s+/g, '');
}

/** Which of the secrets stand in `content`. */
export function findSecrets(secrets: readonly Secret[], where: string, content: Buffer | string): Hit[] {
  const text = squeezed(typeof content === 'string' ? content : content.toString('latin1'));
  return secrets
    .filter((secret) => formsOf(secret).some((form) => text.includes(form)))
    .map(({ name }) => ({ secret: name, where }));
}

export interface FoundFile {
  /** Relative to the top. */
  path: string;
  mode: number;
  content: Buffer;
}

/** Every regular file below `top` but what `skip` matches. */
export function* filesBelow(top: string, skip: RegExp, folder = ''): Generator<FoundFile> {
  for (const entry of readdirSync(join(top, folder), { withFileTypes: true })) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (skip.test(path)) continue;
    if (entry.isDirectory()) yield* filesBelow(top, skip, path);
    else if (entry.isFile()) {
      const full = join(top, path);
      yield { path, mode: statSync(full).mode & 0o777, content: readFileSync(full) };
    }
  }
}

function isText(bytes: Buffer): boolean {
  return bytes.every((byte) => byte >= 0x20 && byte < 0x7f);
}
