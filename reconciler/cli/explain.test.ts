import { describe, expect, it } from 'vitest';
import { rules } from '../core/rules.ts';
import { registerExplain } from './explain.ts';
import { runCommand } from './run-command.fixture.ts';

const explain = (...args: string[]) => runCommand(registerExplain, ['explain', ...args]);
const inOneRow = (text: string) => text.replace(/\s+/g, ' ');

describe('kokoa explain', () => {
  it.each([[], ...Object.keys(rules).map((id) => [id])])('says all of %s in 80 columns', async (...args) => {
    const { stdout } = await explain(...args);
    expect(stdout.split('\n').filter((row) => row.length > 80)).toEqual([]);
    for (const id of args) {
      const { title, why, fix } = rules[id as keyof typeof rules];
      expect(inOneRow(stdout)).toBe(inOneRow(`${id}: ${title} Why: ${why} Do: ${fix} `));
    }
  });

  it('puts the second row below the words of the first', async () => {
    const rows = (await explain('kk017')).stdout.split('\n');
    expect(rows[2]).toMatch(/^Why: \S/);
    expect(rows[3]).toMatch(/^ {5}\S/);
  });

  it('lists every rule', async () => {
    const listed = (await explain()).stdout.match(/^KK\d{3}/gm);
    expect(listed).toEqual(Object.keys(rules));
  });
});
