// Judges single keys and scalars of a YAML file: what two programs could read differently is refused, not interpreted.
import { type Finding, forbiddenCharacters } from './yaml-text.ts';

/** A scalar as the parser resolved it, with its text in the file. */
export interface ScalarNode {
  value: unknown;
  source?: string | undefined;
}

const SHOWN_CHARS_MAX = 60;
const RESERVED_KEYS = new Set(['__proto__', 'constructor', 'prototype']);
const PLAIN_INTEGER = /^(0|-?[1-9][0-9]*)$/;

/** What is wrong with the key of a map; undefined: nothing, and its name joins `seen`. A key that is no scalar is undefined. */
export function judgeKey(key: ScalarNode | undefined, offset: number, seen: Set<string>): Finding | undefined {
  if (typeof key?.value !== 'string') {
    const found = key === undefined ? 'a key that is a collection' : `the key ${shown(key.source) || 'nothing'}`;
    const hint = 'put the key in quotes, or correct the line';
    return { offset, rule: 'KK014', message: `found ${found}, expected text as a key`, hint };
  }
  const name = key.value;
  const quoted = JSON.stringify(shown(name));
  if (name === '<<') {
    const message = 'found a merge key (<<), expected plain properties';
    return { offset, rule: 'KK011', message, hint: 'write the properties out' };
  }
  if (RESERVED_KEYS.has(name)) {
    const message = `found the key ${quoted}, expected a name that programs do not reserve`;
    return { offset, rule: 'KK013', message, hint: 'choose another name' };
  }
  if (seen.has(name))
    return {
      offset,
      rule: 'KK012',
      message: `found the key ${quoted} twice, expected it once`,
      hint: 'keep one of the two',
    };
  seen.add(name);
  return judgeText(name, offset);
}

/** What is wrong with a scalar value. Numbers must be plain integers: nothing in the data is a fraction. */
export function judgeScalar({ value, source }: ScalarNode, offset: number): Finding | undefined {
  if (typeof value === 'string') return judgeText(value, offset);
  if (typeof value !== 'number' || (PLAIN_INTEGER.test(source ?? '') && Number.isSafeInteger(value))) return undefined;
  const message = `found the number ${shown(source)}, expected a plain whole number or quoted text`;
  return { offset, rule: 'KK015', message, hint: 'write a whole number in digits only; put quotes around text' };
}

/** Escapes such as "\u202e" and "\ud800" make characters that the text of the file does not show. */
function judgeText(text: string, offset: number): Finding | undefined {
  if (!text.isWellFormed()) {
    const message = 'found half a character (a lone surrogate), expected whole ones';
    return { offset, rule: 'KK004', message, hint: 'write the character itself' };
  }
  const finding = forbiddenCharacters(text, 1)[0];
  return finding && { ...finding, offset };
}

function shown(text: string | undefined): string {
  return (text ?? '').slice(0, SHOWN_CHARS_MAX);
}
