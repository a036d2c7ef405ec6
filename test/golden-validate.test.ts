// Golden cases of `kokoa validate`: a folder of data and every problem it must give, as a change of `base` where there is one. BLESS=1 writes what was found; review the diff.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { judgeDir } from '../reconciler/cli/validate.ts';
import { judgeChange } from '../reconciler/core/ownership.ts';
import type { Problem } from '../reconciler/core/problem.ts';
import { rules } from '../reconciler/core/rules.ts';

/** What is over is judged by the clock. */
const NOW = new Date('2026-11-21T12:00:00Z');
const GOLDEN = join(import.meta.dirname, 'golden');
const cases = readdirSync(GOLDEN)
  .filter((name) => existsSync(expectedFile(name)))
  .sort();

function expectedFile(name: string): string {
  return join(GOLDEN, name, 'expected', 'problems.json');
}

function found(name: string): Problem[] {
  const head = judgeDir(join(GOLDEN, name, 'input'), NOW);
  const base = join(GOLDEN, name, 'base');
  return existsSync(base) ? judgeChange(judgeDir(base, NOW), head) : head.problems;
}

function expected(name: string): Problem[] {
  return (JSON.parse(readFileSync(expectedFile(name), 'utf8')) as { problems: Problem[] }).problems;
}

describe('golden cases of validate', () => {
  it.each(cases)('%s gives exactly the problems that were blessed', (name) => {
    const problems = found(name);
    if (process.env.BLESS === '1') writeFileSync(expectedFile(name), `${JSON.stringify({ problems }, null, 2)}\n`);
    expect(problems).toEqual(expected(name));
  });

  it.each(Object.keys(rules))('%s has a case that carries its number and shows it', (rule) => {
    const named = cases.filter((name) => name.startsWith(`${rule.slice(2)}-`));
    expect(named).toHaveLength(1);
    expect(expected(named[0]!).map((problem) => problem.rule)).toContain(rule);
  });

  it('no case expects a rule that the registry does not have, or a place before the first line', () => {
    for (const problem of cases.flatMap(expected)) {
      expect(Object.keys(rules)).toContain(problem.rule);
      expect(Math.min(problem.line, problem.column)).toBeGreaterThanOrEqual(1);
      expect(`${problem.message}${problem.hint}`).not.toMatch(/\n|undefined|\[object/);
    }
  });
});

describe('the example data of this repository', () => {
  it('is clean', () => {
    const { problems, loaded } = judgeDir(join(import.meta.dirname, '..'));
    expect(problems).toEqual([]);
    expect(loaded.length).toBeGreaterThanOrEqual(7);
  });
});
