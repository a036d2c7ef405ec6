// Headers that the edge changes, sorted by name; blocks that say nothing are left out.
import type { WireHeaderChanges, WireRoute } from '../../../bundle/config.ts';
import type { HeaderChanges, Headers, Hsts } from '../../../schemas/types.ts';

/** Undefined when nothing is changed. */
export function wireHeaders(headers: Headers | undefined): WireRoute['headers'] {
  const request = wireChanges(headers?.request);
  const response = wireChanges(headers?.response);
  if (request === undefined && response === undefined) return undefined;
  return { ...(request && { request }), ...(response && { response }) };
}

export function wireHsts({ maxAge, includeSubDomains, preload }: Hsts): NonNullable<WireRoute['hsts']> {
  return { maxAge, ...(includeSubDomains && { includeSubDomains }), ...(preload && { preload }) };
}

/** As typed, because some clients mind the case; sorted without it, because it has no meaning (RFC 9110 §5.1). */
export function sortedNames(names: Iterable<string>): string[] {
  return [...new Set(names)].sort(byName);
}

function wireChanges({ set = {}, remove = [] }: HeaderChanges = {}): WireHeaderChanges | undefined {
  const names = sortedNames(Object.keys(set));
  if (names.length + remove.length === 0) return undefined;
  return {
    ...(names.length > 0 && { set: names.map((name) => ({ name, value: set[name]! })) }),
    ...(remove.length > 0 && { remove: sortedNames(remove) }),
  };
}

function byName(a: string, b: string): number {
  const [x, y] = [a.toLowerCase(), b.toLowerCase()];
  return x < y ? -1 : x > y ? 1 : a < b ? -1 : 1;
}
