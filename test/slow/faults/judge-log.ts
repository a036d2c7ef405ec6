// Judges what a program said about an error of the disk: it names the error and the place, and says it once.
import type { FaultKind } from './fault-kinds.ts';

const WARNING = 40;
/** SQLite and git have words of their own. */
export const DISK_WORDS =
  /the disk is|the disk reports|cannot be (?:opened|written)|No space left|Input\/output error|Read-only file/;

/** The members of a swept edge's pool have no keys that work: said once after every start, sooner or later. */
const OF_THIS_WORLD = 'Invalid checksum in age1';

interface Line {
  level: number;
  msg: string;
  [field: string]: unknown;
}

/** `text`: JSON lines of the agent. @throws Error when a warning is vague, or comes twice */
export function judgeLog(text: string, folder: string, kind: FaultKind): void {
  const warnings = text
    .split('\n')
    .flatMap((line) => parsed(line) ?? [])
    .filter(({ level }) => level >= WARNING);
  const said = new Set<string>();
  for (const { time: _, ...line } of warnings) {
    const whole = JSON.stringify(line);
    if (whole.includes(OF_THIS_WORLD)) continue;
    if (!(whole.includes(kind) || DISK_WORDS.test(whole)) || !whole.includes(folder))
      throw new Error(`names no ${kind} or no place: ${whole}`);
    if (said.has(whole)) throw new Error(`said twice: ${whole}`);
    said.add(whole);
  }
}

function parsed(line: string): Line | undefined {
  try {
    return JSON.parse(line) as Line;
  } catch {
    return undefined;
  }
}
