// A checked value of the data as a flat list of what it says, so that two versions can be compared field by field.
import type { Backend } from '../../../schemas/types.ts';

export type Fact =
  | { kind: 'value'; text: string }
  /** In the order of the file. */
  | { kind: 'list'; items: readonly string[] }
  /** Compared, never shown. */
  | { kind: 'secret'; text: string };

/** By field: `limits.maxBody`, `paths[/api].port`. */
export type Facts = Map<string, Fact>;

/**
 * Fields whose values are not for everybody, though they are in git: sealed texts, hashes of tokens, and the headers that only the service
 * sees, into which people paste keys. What the edge answers with, every visitor sees anyway.
 */
const SECRET_FIELD = /(^|\.)(token|sealed)$|^headers\.request\.set\./;

/** Every scalar and every list of scalars in `value`; what is in a list of objects is named by their `name` or `prefix`. */
export function factsOf(value: object): Facts {
  const facts: Facts = new Map();
  addMembers(facts, '', value);
  return facts;
}

function addMembers(facts: Facts, field: string, value: object): void {
  for (const [key, member] of Object.entries(value)) addFacts(facts, field === '' ? key : `${field}.${key}`, member);
}

function addFacts(facts: Facts, field: string, value: unknown): void {
  if (value === undefined || value === null) return;
  if (Array.isArray(value)) addList(facts, field, value);
  else if (typeof value === 'object') addMembers(facts, field, value);
  else facts.set(field, { kind: SECRET_FIELD.test(field) ? 'secret' : 'value', text: String(value) });
}

function addList(facts: Facts, field: string, list: readonly unknown[]): void {
  facts.set(field, list.length === 0 ? { kind: 'value', text: '[]' } : { kind: 'list', items: list.map(nameOf) });
  for (const one of list) {
    if (typeof one !== 'object' || one === null || isBackend(one)) continue;
    const { name: _, prefix: __, ...rest } = one as { name?: string; prefix?: string };
    addMembers(facts, `${field}[${nameOf(one)}]`, rest);
  }
}

function nameOf(item: unknown): string {
  if (typeof item !== 'object' || item === null) return String(item);
  if (isBackend(item)) return backendText(item);
  const { name, prefix } = item as { name?: string; prefix?: string };
  return name ?? prefix ?? '';
}

/** Backends have no name: all that one says is its name. */
function isBackend(item: object): item is Backend {
  return 'origin' in item && 'port' in item && !('prefix' in item);
}

function backendText({ origin, host, port, weight, backup }: Backend): string {
  const at = host === undefined ? `${origin}:${port}` : `${origin} ${host}:${port}`;
  return `${at}${weight === undefined ? '' : ` weight ${weight}`}${backup ? ' backup' : ''}`;
}
