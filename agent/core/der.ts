// DER (X.690) taken apart as far as certificates need it. Law: what is not exactly in form is undefined, never a guess.

export interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
}

/** Of one constructed element; a certificate has a few dozen. */
const ELEMENTS_MAX = 256;
/** Of a length: 64 KB are more than any certificate has. */
const LENGTH_BYTES_MAX = 2;

/** All elements of `bytes`, one after the other. Undefined: a byte is missing or too many, or a length is not in its shortest form. */
export function elementsOf(bytes: Uint8Array): Element[] | undefined {
  const elements: Element[] = [];
  let at = 0;
  while (at < bytes.length) {
    const head = readHead(bytes, at);
    if (!head || head.end > bytes.length || elements.length >= ELEMENTS_MAX) return undefined;
    elements.push({ tag: bytes[at]!, content: bytes.subarray(head.start, head.end) });
    at = head.end;
  }
  return elements;
}

/** Where the content begins and ends (§8.1.3, §10.1). Tags of several bytes are not known here. */
function readHead(bytes: Uint8Array, at: number): { start: number; end: number } | undefined {
  const [tag = 0x1f, first = 0x80] = bytes.subarray(at, at + 2);
  if ((tag & 0x1f) === 0x1f) return undefined;
  if (first < 0x80) return { start: at + 2, end: at + 2 + first };
  const count = first & 0x7f;
  const start = at + 2 + count;
  if (count < 1 || count > LENGTH_BYTES_MAX || start > bytes.length) return undefined;
  const length = bytes.subarray(at + 2, start).reduce((sum, byte) => sum * 256 + byte, 0);
  const isShortest = length >= 0x80 && length >= 256 ** (count - 1);
  return isShortest ? { start, end: start + length } : undefined;
}
