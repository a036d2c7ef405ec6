// Law: a pull request is told what `kokoa validate --base` tells its author, although only what it changes is looked at.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readDataDir } from '../../adapters/data-dir.ts';
import { judgeData } from '../../cli/judgement.ts';
import { emptyDesired, updateDesired } from '../desired.ts';
import { loadFile } from '../load.ts';
import { judgeChange } from '../ownership.ts';
import type { Problem } from '../problem.ts';
import { type ChangedFile, judgePull, judgePullSteps } from './judge-pull.ts';

const NOW = new Date('2026-11-21T12:00:00Z');
const GOLDEN = join(import.meta.dirname, '../../../test/golden');
const cases = readdirSync(GOLDEN).filter((name) => existsSync(join(GOLDEN, name, 'input')));
const CLEAN = join(GOLDEN, '000-clean', 'input');

interface Both {
  whole: Problem[];
  pull: Problem[];
  isChanged(path: string): boolean;
}

function judgedBothWays(baseDir: string, headDir: string): Both {
  const base = judgeData(readDataDir(baseDir), NOW);
  const [data, head] = [readDataDir(headDir), judgeData(readDataDir(headDir), NOW)];
  const [before, after] = [base, head].map(({ loaded }) => new Map(loaded.map((file) => [file.path, file])));
  const isChanged = (path: string) => before!.get(path)?.blob !== after!.get(path)?.blob;
  const changed: ChangedFile[] = [...new Set([...before!.keys(), ...after!.keys()])]
    .filter(isChanged)
    .map((path) => ({ path, file: after!.get(path) }));
  const desired = updateDesired(
    emptyDesired(),
    base.loaded.map((file) => ({ path: file.path, file })),
  );
  return {
    whole: judgeChange(base, head),
    pull: judgePull(desired, changed, data.problems, NOW).problems,
    // What was not even loaded is not in the data of either side.
    isChanged: (path) => isChanged(path) || !after!.has(path),
  };
}

const errorsIn = (problems: Problem[], isIn: (path: string) => boolean) =>
  problems.filter(({ file, severity }) => severity === 'error' && isIn(file));

describe('a pull request', () => {
  it.each(cases)('that turns the clean data into %s is told every error', (name) => {
    const { whole, pull, isChanged } = judgedBothWays(CLEAN, join(GOLDEN, name, 'input'));
    expect(errorsIn(pull, isChanged)).toEqual(errorsIn(whole, isChanged));
    expect(errorsIn(pull, () => true).length > 0).toBe(errorsIn(whole, () => true).length > 0);
  });

  it.each(cases.filter((name) => existsSync(join(GOLDEN, name, 'base'))))(
    'from its own base, %s, is told every problem of what it changes',
    (name) => {
      const { whole, pull, isChanged } = judgedBothWays(join(GOLDEN, name, 'base'), join(GOLDEN, name, 'input'));
      expect(pull.filter(({ file }) => isChanged(file))).toEqual(whole.filter(({ file }) => isChanged(file)));
    },
  );

  it.each(cases)('that mends %s is told of nothing', (name) => {
    expect(errorsIn(judgedBothWays(join(GOLDEN, name, 'input'), CLEAN).pull, () => true)).toEqual(
      errorsIn(judgedBothWays(join(GOLDEN, name, 'input'), CLEAN).whole, () => true),
    );
  });
});

it('a change with thousands of mistakes is told of as many as anybody reads, at a bounded cost', () => {
  const { loaded } = judgeData(readDataDir(CLEAN), NOW);
  const base = updateDesired(
    emptyDesired(),
    loaded.map((file) => ({ path: file.path, file })),
  );
  const files = Array.from({ length: 5000 }, (_, n): ChangedFile => {
    const path = `routes/hoge/x${n}.yaml`;
    const text = `hostname: x${n}.hoge.com\norigin: nowhere-${n}\nport: 8080\n`;
    return { path, file: loadFile(path, `${n}`, Buffer.from(text)) };
  });
  const steps = judgePullSteps(base, files, [], NOW);
  let taken = 0;
  let step = steps.next();
  for (; !step.done; step = steps.next()) taken += 1;
  const errors = step.value.problems.filter(({ severity }) => severity === 'error');
  expect([errors.length > 2000, errors.length < 2100]).toEqual([true, true]);
  // Others have a turn at every file of what is asked.
  expect(taken).toBeGreaterThan(2000);
});
