import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dataTop } from './data-top.ts';

let top: string;
beforeAll(() => {
  top = mkdtempSync(join(tmpdir(), 'kokoa-top-'));
  mkdirSync(join(top, 'routes/hoge'), { recursive: true });
  mkdirSync(join(top, 'other/.git'), { recursive: true });
  mkdirSync(join(top, 'other/routes'));
  writeFileSync(join(top, 'kokoa.yaml'), '');
});
afterAll(() => rmSync(top, { recursive: true, force: true }));

test.each([
  ['the folder itself', '', '.'],
  ['the nearest above', 'routes/hoge', '../..'],
  ['this one in a clone without data, whatever lies above the clone', 'other/routes', '.'],
])('the folder of the data is %s', (_, from, expected) => {
  expect(dataTop(undefined, join(top, from))).toBe(expected);
});

test('a folder that was named is that folder', () => {
  expect(dataTop('elsewhere', join(top, 'routes/hoge'))).toBe('elsewhere');
});
