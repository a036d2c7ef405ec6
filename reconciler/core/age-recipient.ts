// An age X25519 recipient as a person types it: bech32 with its checksum (BIP 173), so that a slip of the pen is seen before an edge
// finds out that it cannot encrypt to it.

const ALPHABET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const GENERATORS = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
const PREFIX = 'age';
const SEPARATOR = '1';

/** True when the checksum of a text of the form `age1` and 58 characters holds. */
export function isAgeRecipient(text: string): boolean {
  if (!/^age1[02-9ac-hj-np-z]{58}$/.test(text)) return false;
  const prefix = Array.from(PREFIX, (letter) => letter.charCodeAt(0));
  const data = Array.from(text.slice(PREFIX.length + SEPARATOR.length), (letter) => ALPHABET.indexOf(letter));
  const values = [...prefix.map((code) => code >> 5), 0, ...prefix.map((code) => code & 31), ...data];
  return values.reduce(polymod, 1) === 1;
}

function polymod(before: number, value: number): number {
  const top = before >>> 25;
  const next = ((before & 0x1ffffff) << 5) ^ value;
  return GENERATORS.reduce((sum, generator, bit) => ((top >>> bit) & 1 ? sum ^ generator : sum), next);
}
