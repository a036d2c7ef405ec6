// One test file, run in a copy of the repository. Law: only a test that failed, twice, is a failure; whatever else ends a run is a run that
// says nothing.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { FAILURE_MARK } from './failure-reporter.ts';

const REPORTER = fileURLToPath(new URL('failure-reporter.ts', import.meta.url));
const RUN_MS_MAX = 180_000;
const KILL_AFTER_MS = 10_000;
const OUTPUT_CHARACTERS_MAX = 1_000;

export type TestRun =
  | { kind: 'passed' }
  /** `by`: the test and the first line of what it says. */
  | { kind: 'failed'; by: string }
  | { kind: 'broken'; why: string };

/** What does not pass is run again, and the second time counts: a failure by chance does not come twice. */
export async function runTest(copy: string, file: string, signal: AbortSignal): Promise<TestRun> {
  const first = await runOnce(copy, file, signal);
  return first.kind === 'passed' || signal.aborted ? first : runOnce(copy, file, signal);
}

async function runOnce(copy: string, file: string, signal: AbortSignal): Promise<TestRun> {
  const vitest = join(copy, 'node_modules/vitest/vitest.mjs');
  const options = ['--bail=1', '--maxWorkers=1', '--no-cache', `--reporter=${REPORTER}`];
  const { exitCode, timedOut, all } = await execa(process.execPath, [vitest, 'run', file, ...options], {
    ...{ cwd: copy, reject: false, all: true, cancelSignal: signal },
    ...{ timeout: RUN_MS_MAX, forceKillAfterDelay: KILL_AFTER_MS },
  });
  if (timedOut) return { kind: 'broken', why: `did not end within ${RUN_MS_MAX} ms` };
  if (exitCode === 0) return { kind: 'passed' };
  const failure = all.split('\n').find((line) => line.startsWith(FAILURE_MARK));
  return failure === undefined
    ? { kind: 'broken', why: `ended with ${exitCode}, and no test failed: ${all.slice(-OUTPUT_CHARACTERS_MAX)}` }
    : { kind: 'failed', by: failure.slice(FAILURE_MARK.length) };
}
