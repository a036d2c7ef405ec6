// Reads what strace printed (with -y, so that every file descriptor has its path) about one thread. Law: only a call that changes
// something below the watched folder is a point; sockets, pipes and the wake-ups of the event loop are none.
import { resolve } from 'node:path';
import { DISK_CALLS } from './fault-kinds.ts';

export interface TracedCall {
  name: string;
  /** Which call of this name in its thread, from 1: what strace's `when=` counts. */
  nth: number;
  /** Below the watched folder, and '' for it; undefined when the call is about something else, or changes nothing. */
  path: string | undefined;
  injected: boolean;
}

const OPENS = ['openat', 'open'];
const CHANGING_FLAGS = /\bO_(WRONLY|RDWR|CREAT|TRUNC)\b/;

/** `folder` is absolute and real. */
export function tracedCalls(lines: readonly string[], folder: string): TracedCall[] {
  const counts = new Map<string, number>();
  const calls: TracedCall[] = [];
  for (const line of lines) {
    const name = /^(\w+)\(/.exec(line)?.[1];
    if (name === undefined || !DISK_CALLS.includes(name)) continue;
    const nth = (counts.get(name) ?? 0) + 1;
    counts.set(name, nth);
    const isChange = !OPENS.includes(name) || CHANGING_FLAGS.test(line);
    const path = isChange ? pathIn(line, folder) : undefined;
    calls.push({ name, nth, path, injected: isInjected(line) });
  }
  return calls;
}

/** A thread that was killed at a call has no result of it. */
function isInjected(line: string): boolean {
  return line.endsWith('(INJECTED)') || / = \?$/.test(line);
}

/** A name is read from the directory before it: `openat(AT_FDCWD</work>, "file"`. */
function pathIn(line: string, folder: string): string | undefined {
  const paths = [...line.matchAll(/(?:<([^<>]*)>, )?"([^"]*)"|<([^<>]*)>/g)].map(([, directory, name, opened]) =>
    name === undefined ? (opened ?? '') : resolve(directory ?? '/', name),
  );
  const found = paths.find((path) => path === folder || path.startsWith(`${folder}/`));
  return found?.slice(folder.length + 1);
}

/** What changes from run to run (numbers, hashes) as `#`, so that a person sees which file it is. */
export function shapeOf(path: string): string {
  return path.replace(/[0-9a-f]{8,}|\d+/g, '#').replace(/\.scratch-\w+/, '.scratch-#');
}
