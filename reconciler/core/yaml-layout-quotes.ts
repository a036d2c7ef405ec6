// Which text values need quotes: those that YAML 1.2 reads as something else without them, and those that YAML 1.1 programs do.
import type { Scalar } from './yaml.ts';

/** Words for nothing, true and false in one of the two versions. */
const RESERVED = /^(null|true|false|yes|no|on|off|y|n)$/i;
/** Begins with a letter, so it is no number, and has no sign that means something at its place. */
const PLAIN = /^[\p{L}_/](?!.*(?:: | #|[: ]$))[\p{L}\p{M}\p{N} _./@~+=:;()-]*$/u;
/** Numbers with a unit, IPv4 addresses and networks: no version reads them as numbers. */
const PLAIN_NUMBERS = /^(\d+(ms|[kmgshd])|\d+\.\d+\.\d+\.\d+(\/\d+)?)$/;

/** Takes needless quotes off a node, and makes others single ones unless the text holds what only double ones can say. */
export function plainOrSingle(node: Scalar): void {
  if (node.type !== 'QUOTE_SINGLE' && node.type !== 'QUOTE_DOUBLE') return;
  if (typeof node.value !== 'string') return;
  if (isPlain(node.value)) node.type = 'PLAIN';
  else if (!/['\0-\x1f]/.test(node.value)) node.type = 'QUOTE_SINGLE';
}

function isPlain(value: string): boolean {
  return !RESERVED.test(value) && (PLAIN.test(value) || PLAIN_NUMBERS.test(value));
}
