// The tests of all rooms. Most of them wait for programs, so that three files at once suit two cores.
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/longest-first.ts';

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['node_modules/**', '**/*.slow.test.ts'],
    // Bounds against hanging: a busy machine is slow.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 3,
    allowOnly: false,
    globalSetup: ['test/compile-cache.ts'],
    sequence: { sequencer: LongestFirst },
  },
});
