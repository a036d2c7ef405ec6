// Canonical bytes: the same value is the same bytes, whoever writes it. Keys sorted by code unit, no white space, UTF-8.
import { hash } from 'node:crypto';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/**
 * Serialises `value` (plain JSON data; undefined members are left out) to canonical JSON: RFC 8785 for the data we use
 * (strings, booleans, safe integers, arrays, objects). @throws TypeError for anything else.
 */
export function canonicalJson(value: unknown): string {
  return serialise(value as Json);
}

/** Lower-case hex sha256. */
export function sha256Hex(data: string | Uint8Array): string {
  return hash('sha256', data, 'hex');
}

function serialise(value: Json): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new TypeError(`canonical JSON holds safe integers only, found ${value}`);
    return String(value);
  }
  if (Array.isArray(value)) return `[${value.map(serialise).join(',')}]`;
  if (typeof value !== 'object') throw new TypeError(`canonical JSON cannot hold a ${typeof value}`);
  return serialiseObject(value as { readonly [key: string]: Json | undefined });
}

/** Texts of frozen objects: a list of 256 chunk references changes in one place, and every config of the pool holds it. */
const frozenTexts = new WeakMap<object, string>();

/** What is frozen must be so in depth: its text is made once. */
function serialiseObject(value: { readonly [key: string]: Json | undefined }): string {
  const known = frozenTexts.get(value);
  if (known !== undefined) return known;
  const text = textOf(value);
  if (Object.isFrozen(value)) frozenTexts.set(value, text);
  return text;
}

function textOf(value: { readonly [key: string]: Json | undefined }): string {
  let text = '{';
  for (const key of Object.keys(value).sort()) {
    const member = value[key];
    if (member === undefined) continue;
    if (text.length > 1) text += ',';
    text += `${JSON.stringify(key)}:${serialise(member)}`;
  }
  return `${text}}`;
}
