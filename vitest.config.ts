// The tests of all rooms. Most of them wait for programs, so that three files at once suit two cores.
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/longest-first.ts';

const OTHERS = ['node_modules/**', '**/*.slow.test.ts'];
/** Rooms without a state that one file could leave to the next: they share what was loaded and compiled. */
const PURE = ['bundle/**/*.test.ts', 'schemas/**/*.test.ts', 'agent/core/**/*.test.ts', 'reconciler/core/**/*.test.ts'];

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
      { test: { name: 'pure', include: PURE, exclude: OTHERS, isolate: false } },
      { test: { name: 'rooms', include: ['**/*.test.ts'], exclude: [...OTHERS, ...PURE] } },
    ],
  },
});
