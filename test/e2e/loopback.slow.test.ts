// The demo as somebody without rights plays it: what it can, and what it left out.
import { afterAll, expect, it } from 'vitest';
import { CHAPTERS } from '../../lab/chapters.ts';
import { DEMO_MS, openNobody } from './demo-as-nobody.ts';

const scenes = Object.values(CHAPTERS).flat();
const skipped = scenes.filter(({ only }) => only === 'full').length;
const nobody = openNobody();
afterAll(nobody.close);

it('plays the story on loopback and counts what it left out', { timeout: DEMO_MS }, async () => {
  const { exitCode, stdout, stderr } = await nobody.demo([], {});
  expect(stderr).toBe('');
  expect({ exitCode, stdout }).toMatchObject({ exitCode: 0 });
  expect(stdout).toContain(`${scenes.length - skipped} assertions held`);
  expect(stdout.split('\n').at(-1)).toMatch(new RegExp(`^mode: loopback, skipped: ${skipped} \\(.+\\)$`));
  expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
});
