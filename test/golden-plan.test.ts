// Golden cases of `kokoa plan`: NNN-name/{before,after} in, expected/ out in every format. BLESS=1 writes what was found; review the diff.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readDataDir } from '../reconciler/adapters/data-dir.ts';
import { judgeData } from '../reconciler/cli/judgement.ts';
import { plannedOf } from '../reconciler/cli/plan.ts';
import { renderChanges } from '../reconciler/cli/plan-print.ts';
import { fileLoader } from '../reconciler/cli/plan-sides.ts';
import type { Changes } from '../reconciler/core/changes/change.ts';

const NOW = new Date('2026-11-21T12:00:00Z');
/** The commit that every case is compared with: overrides name it. */
const BASE = '6b1f0c2d3e4f5061728394a5b6c7d8e9fa0b1c2d';
const GOLDEN = join(import.meta.dirname, 'golden-plan');
const cases = readdirSync(GOLDEN).sort();
const FORMATS = [
  ['text', 'plan.txt'],
  ['markdown', 'plan.md'],
  ['json', 'json.txt'],
] as const;

async function changesIn(name: string): Promise<Changes> {
  const load = fileLoader();
  const side = (of: string) => judgeData(readDataDir(join(GOLDEN, name, of)), NOW, load);
  const [before, after] = [side('before'), side('after')];
  const planned = await plannedOf({ base: BASE, before, after, from: 'main', notes: [], now: NOW });
  if (planned.kind === 'errors') throw new Error(JSON.stringify(planned.judgement.problems, null, 2));
  return planned.changes;
}

function expected(name: string, file: string): string {
  return readFileSync(join(GOLDEN, name, 'expected', file), 'utf8');
}

describe('golden cases of plan', () => {
  test.each(cases.flatMap((name) => FORMATS.map(([output, file]) => [name, output, file] as const)))(
    '%s as %s says exactly what was blessed',
    async (name, output, file) => {
      const printed = renderChanges(await changesIn(name), output);
      if (process.env.BLESS === '1') {
        mkdirSync(join(GOLDEN, name, 'expected'), { recursive: true });
        writeFileSync(join(GOLDEN, name, 'expected', file), printed);
      }
      expect(printed).toBe(expected(name, file));
    },
  );

  test.each(cases)('%s fits into 80 columns, and says nothing twice undefined', (name) => {
    const rows = expected(name, 'plan.txt').split('\n');
    expect(rows.filter((row) => row.length > 80)).toEqual([]);
    expect(`${rows.join('\n')}${expected(name, 'plan.md')}`).not.toMatch(/undefined|\[object/);
  });

  test('show every verdict of the guard, and nothing of a secret', () => {
    const all = cases.map((name) => FORMATS.map(([, file]) => expected(name, file)).join('\n')).join('\n');
    for (const kind of ['pass', 'refused', 'overridden']) expect(all).toContain(`"kind": "${kind}"`);
    expect(all).not.toMatch(/of-these-keys|bfbcdba6|cfbcdba6|134f38f0|234f38f0|YWdl/);
  });
});
