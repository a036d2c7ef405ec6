// The tests of all rooms. Most of them wait for programs, so that three files at once suit two cores.
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/longest-first.ts';

const OTHERS = ['node_modules/**', '**/*.slow.test.ts'];
/** Rooms without a state that one file could leave to the next: they share what was loaded and compiled. */
const PURE = ['bundle/**/*.test.ts', 'schemas/**/*.test.ts', 'agent/core/**/*.test.ts', 'reconciler/core/**/*.test.ts'];

/** Of what is waited for in the middle of a test. */
const PATIENT = { expect: { poll: { timeout: 20_000 } } };

export default defineConfig({
  test: {
    // Bounds against hanging: a busy machine is slow.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 3,
    allowOnly: false,
    globalSetup: ['test/compile-cache.ts'],
    sequence: { sequencer: LongestFirst },
    projects: [
      { test: { name: 'pure', include: PURE, exclude: OTHERS, isolate: false, ...PATIENT } },
      { test: { name: 'rooms', include: ['**/*.test.ts'], exclude: [...OTHERS, ...PURE], ...PATIENT } },
    ],
  },
});
