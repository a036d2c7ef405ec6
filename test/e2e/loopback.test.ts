// The demo as somebody without rights meets it, where nothing is played: it says what it wants, and is no substitute in CI. What it plays is in
// `loopback.slow.test.ts`.
import { afterAll, expect, it } from 'vitest';
import { openNobody } from './demo-as-nobody.ts';

const nobody = openNobody();
afterAll(nobody.close);

it('fails where CI=true promises the whole, and says why', { timeout: 30_000 }, async () => {
  const { exitCode, stdout } = await nobody.demo([], { CI: 'true' });
  expect(exitCode).toBe(1);
  expect(stdout).toMatch(/The full lab cannot run here: .*Under CI=true everything is played/s);
});

it.each([
  ['--help', 0, 'npm run demo -- --end'],
  ['--end', 0, 'nothing was kept'],
  ['--bogus', 2, "Unknown option '--bogus'"],
] as const)('answers %s with exit code %i', { timeout: 30_000 }, async (option, code, text) => {
  const { exitCode, stdout, stderr } = await nobody.demo([option], {});
  expect(exitCode).toBe(code);
  expect(stdout + stderr).toContain(text);
});
