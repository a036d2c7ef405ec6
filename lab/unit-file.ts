// A unit file of systemd as text → settings. Law: what systemd would read, and no guess; systemd.syntax(7).
import { KokoaError } from '../bundle/error.ts';

/** Key → its values in their order, of one section. */
export type UnitSection = ReadonlyMap<string, readonly string[]>;

/** Section → its settings. @throws KokoaError lab_bad_unit */
export function parseUnit(text: string): ReadonlyMap<string, UnitSection> {
  const sections = new Map<string, Map<string, string[]>>();
  let section: Map<string, string[]> | undefined;
  for (const line of text.replace(/\s*\\\n\s*/g, ' ').split('\n')) {
    if (/^\s*([#;]|$)/.test(line)) continue;
    const heading = /^\[(\w+)\]$/.exec(line);
    const [, key, value = ''] = /^(\w+)=(.*)$/.exec(line) ?? [];
    if (heading) {
      section = sections.get(heading[1]!) ?? new Map();
      sections.set(heading[1]!, section);
    } else if (section && key) {
      // An empty value forgets those before it; lists begin anew.
      section.set(key, value.trim() === '' ? [] : [...(section.get(key) ?? []), value.trim()]);
    } else throw new KokoaError('lab_bad_unit', `neither a heading nor KEY=VALUE: ${JSON.stringify(line)}`);
  }
  return sections;
}

/** The last value; undefined when there is none. */
export function single(section: UnitSection, key: string): string | undefined {
  return section.get(key)?.at(-1);
}

/** All words of all values. */
export function words(section: UnitSection, key: string): string[] {
  return (section.get(key) ?? []).flatMap((value) => value.split(/\s+/));
}

/** As systemd reads a truth. @throws KokoaError lab_bad_unit */
export function truth(section: UnitSection, key: string): boolean {
  const value = single(section, key) ?? 'no';
  if (['yes', 'true', 'on', '1'].includes(value)) return true;
  if (['no', 'false', 'off', '0'].includes(value)) return false;
  throw new KokoaError('lab_bad_unit', `${key}=${value} is neither yes nor no`);
}
