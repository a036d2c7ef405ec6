import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dataTop } from './data-top.ts';

let top: string;
beforeAll(() => {
  top = mkdtempSync(join(tmpdir(), 'kokoa-top-'));
  mkdirSync(join(top, 'routes/hoge'), { recursive: true });
  mkdirSync(join(top, '.git'));
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

test('outside of a clone it is this folder alone', () => {
  rmSync(join(top, '.git'), { recursive: true });
  expect(dataTop(undefined, join(top, 'routes/hoge'))).toBe('.');
  mkdirSync(join(top, '.git'));
});

test('nothing is taken from a folder of another user', () => {
  const ownerOf = (folder: string) => (folder === top ? 65_534 : 0);
  expect(dataTop(undefined, join(top, 'routes/hoge'), ownerOf)).toBe('.');
});
