// Tests that take minutes: `npm run test:slow -- tests`.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['**/*.slow.test.ts'],
    exclude: ['node_modules/**'],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 20_000 } },
    maxWorkers: 1,
    allowOnly: false,
    globalSetup: ['test/compile-cache.ts'],
  },
});
