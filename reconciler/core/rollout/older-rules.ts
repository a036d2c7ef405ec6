// A file that was accepted once, read by a program whose rules are stricter by now. Law: a rule that forbids a spelling, a number or a length
// undoes nothing that nodes were told under the rules before it; what has another shape than today's code works with stays unread.
import { emptyDesired } from '../desired.ts';
import type { AnyLoadedFile } from '../files.ts';
import { settingsOf } from '../fleet.ts';
import { loadFile } from '../load.ts';
import type { RuleId } from '../rules.ts';
import { parseYaml } from '../yaml.ts';

/** Texts and numbers that the schema refuses, and sizes: the value has the shape of its type all the same. */
const SPELLING: ReadonlySet<string> = new Set<RuleId>(['KK115', 'KK116', 'KK117', 'KK118']);

/** As `loadFile`; a file with `problems` has a value where only today's rules of spelling refuse it. Never for what is new. */
export function loadAccepted(path: string, blob: string, bytes: Uint8Array): AnyLoadedFile {
  const file = loadFile(path, blob, bytes);
  if (file.value !== undefined || !file.problems.every(({ rule }) => SPELLING.has(rule))) return file;
  const accepted = { ...file, value: parseYaml(path, bytes).value } as AnyLoadedFile;
  return accepted.kind === 'kokoa' && !hasSettings(accepted) ? file : accepted;
}

/** The rules are what keeps code from texts that it cannot read: without them it may throw. */
function hasSettings(kokoa: Extract<AnyLoadedFile, { kind: 'kokoa' }>): boolean {
  try {
    return settingsOf({ ...emptyDesired(), kokoa }) !== undefined;
  } catch {
    return false;
  }
}
