// Which system calls a unit leaves to its process. Law: the sets are systemd's own, asked of the one that is installed.
import { execaSync } from 'execa';
import { KokoaError } from '../bundle/error.ts';
import { truth, type UnitSection, words } from './unit-file.ts';

interface CallFilter {
  /** Names of system calls. */
  allow: string[];
  /** Of socket(2), as `AF_UNIX`; undefined: any. */
  families?: string[];
  /** clone(2) may make no namespaces. */
  noNamespaces: boolean;
}

export function callFilter(unit: UnitSection): CallFilter {
  const allow = new Set<string>();
  for (const value of unit.get('SystemCallFilter') ?? []) {
    const taken = value.startsWith('~');
    for (const name of value.replace(/^~/, '').split(/\s+/).flatMap(expand)) {
      if (taken) allow.delete(name);
      else allow.add(name);
    }
  }
  // systemd.exec(5): these are permitted whatever the filter says.
  for (const name of expand('@default')) allow.add(name);
  const families = words(unit, 'RestrictAddressFamilies');
  return {
    allow: [...allow].sort(),
    ...(families.length > 0 && { families }),
    noNamespaces: truth(unit, 'RestrictNamespaces'),
  };
}

const expanded = new Map<string, readonly string[]>();

/** A set `@name` → the calls in it, by systemd's own list. @throws KokoaError lab_bad_unit */
function expand(name: string): readonly string[] {
  if (!name.startsWith('@')) return [name];
  const before = expanded.get(name);
  if (before) return before;
  const { stdout, failed } = execaSync('systemd-analyze', ['syscall-filter', name], { reject: false });
  const lines = failed ? [] : stdout.split('\n').map((line) => line.trim());
  const members = lines.slice(1).filter((line) => line !== '' && !line.startsWith('#'));
  if (members.length === 0) throw new KokoaError('lab_bad_unit', `systemd-analyze knows no set ${name}`);
  const calls = members.flatMap(expand);
  expanded.set(name, calls);
  return calls;
}
