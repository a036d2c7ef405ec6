// `headers`: what the edge changes on the way to the service and back.
import type { HeaderChanges, Headers } from '../../../schemas/types.ts';
import { block, type FieldCheck, type FieldPlace, type FieldProblem, listOf, mapOf, one, refuse } from './field.ts';
import { type HeaderUse, isCredential, reservation } from './reserved-headers.ts';

/** Printable ASCII (RFC 9110, 5.5) without what a web server would interpret. */
const ADMITTED = /[^ -#%-[\]-~]/u;

export const headers = block<Headers>({ request: changes('request'), response: changes('response') });

function changes(way: 'request' | 'response'): FieldCheck<HeaderChanges> {
  return block<HeaderChanges>(
    {
      set: mapOf(one(judgeValue), (set, place) => judgeNames(Object.keys(set), `${way}.set`, place)),
      remove: listOf(headerName(`${way}.remove`)),
    },
    judgeTwice,
  );
}

/** The name of a header as an entry of a list. */
export function headerName(use: HeaderUse): FieldCheck<string> {
  return one((name, place) => {
    const reserved = reservation(name, use);
    if (reserved === undefined) return [];
    return [refuse(place, 'KK323', `found ${name}, expected none: it ${reserved.why}`, reserved.hint)];
  });
}

function judgeNames(names: readonly string[], use: HeaderUse, place: FieldPlace): FieldProblem[] {
  return names.flatMap((name) => {
    const reserved = reservation(name, use);
    if (reserved === undefined)
      return use === 'request.set' && isCredential(name) ? [judgeCredential(name, place)] : [];
    return [
      {
        ...refuse(place, 'KK323', `found ${name}, expected none: it ${reserved.why}`, reserved.hint, `/${name}`),
        part: 'key',
      },
    ];
  });
}

/** A secret cannot be told from another value, so it is a warning: a marker such as `X-Auth: edge` harms nobody. */
function judgeCredential(name: string, place: FieldPlace): FieldProblem {
  const message = `found ${name}, expected no header that lets in whoever knows its value: everybody who reads git does`;
  const hint =
    'delete it, and if it is a secret and was pushed, change it; let a small proxy beside the service add it, or let the service trust the tunnel';
  return { ...refuse(place, 'KK354', message, hint, `/${name}`), part: 'key', severity: 'warning' };
}

/** The value itself is not repeated: people put secrets into headers. */
function judgeValue(value: string, place: FieldPlace): FieldProblem[] {
  const odd = ADMITTED.exec(value)?.[0];
  if (odd !== undefined) {
    const message = `found the character ${named(odd)}, expected printable ASCII without $ and backslash`;
    return [refuse(place, 'KK324', message, 'write the value without it')];
  }
  if (!/^ | $/.test(value)) return [];
  return [refuse(place, 'KK324', 'found a space at an end, expected none', 'delete the space')];
}

/** A header is set or removed, once, whatever the case of its name. */
function judgeTwice({ set = {}, remove = [] }: HeaderChanges, place: FieldPlace): FieldProblem[] {
  const seen = new Map<string, string>();
  const all = [
    ...Object.keys(set).map((name) => ({ name, step: `/set/${name}`, as: `set as ${name}` })),
    ...remove.map((name, index) => ({ name, step: `/remove/${index}`, as: `removed as ${name}` })),
  ];
  return all.flatMap(({ name, step, as }) => {
    const before = seen.get(name.toLowerCase());
    seen.set(name.toLowerCase(), before ?? as);
    if (before === undefined) return [];
    const message = `found ${name}, which is ${before} already, expected one of them`;
    return [{ ...refuse(place, 'KK325', message, 'keep one of them; case makes no difference', step), part: 'key' }];
  });
}

function named(character: string): string {
  const code = character.codePointAt(0)!;
  const point = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
  return code > 0x20 && code < 0x7f ? `${character} (${point})` : point;
}
