// What Node compiled once is kept for all programs that a test run starts: that halves their start. It goes with the run.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Before the first test. The workers, and what inherits their environment, find the folder. */
export default function keepCompiled(): void {
  const folder = mkdtempSync(join(tmpdir(), 'kokoa-compile-cache-'));
  process.env.NODE_COMPILE_CACHE = folder;
  // Later than a teardown: a worker writes when it ends, and would make the folder again.
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
}

/** For a program that is given an environment of its own. */
export function compileCache(): Record<string, string> {
  const { NODE_COMPILE_CACHE } = process.env;
  return NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE };
}
