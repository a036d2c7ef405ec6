import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openLearnedEndpoints } from './learned-endpoints.ts';

const A = Buffer.alloc(32, 1).toString('base64');
const B = Buffer.alloc(32, 2).toString('base64');

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kokoa-endpoints-'));
  path = join(folder, 'endpoints.json');
});

afterEach(() => rmSync(folder, { recursive: true }));

describe('learned endpoints', () => {
  test('are there after a restart, and gone once forgotten', async () => {
    const first = openLearnedEndpoints(path);
    await first.remember([
      { publicKey: A, endpoint: '198.51.100.1:1' },
      { publicKey: B, endpoint: '[2001:db8::1]:2' },
    ]);
    const second = openLearnedEndpoints(path);
    expect(Object.fromEntries(await second.all())).toEqual({ [A]: '198.51.100.1:1', [B]: '[2001:db8::1]:2' });
    await second.forget([A]);
    expect(Object.fromEntries(await openLearnedEndpoints(path).all())).toEqual({ [B]: '[2001:db8::1]:2' });
    expect(readdirSync(folder)).toEqual(['endpoints.json']);
  });

  test('a peer without an endpoint, and an interface without peers, forget nothing', async () => {
    const endpoints = openLearnedEndpoints(path);
    await endpoints.remember([{ publicKey: A, endpoint: '198.51.100.1:1' }]);
    await endpoints.remember([{ publicKey: A }]);
    await endpoints.remember([]);
    expect(Object.fromEntries(await endpoints.all())).toEqual({ [A]: '198.51.100.1:1' });
  });

  test('the file is written only when something changed', async () => {
    const endpoints = openLearnedEndpoints(path);
    await endpoints.remember([{ publicKey: A, endpoint: '198.51.100.1:1' }]);
    const { ino } = statSync(path);
    await endpoints.remember([{ publicKey: A, endpoint: '198.51.100.1:1' }]);
    await endpoints.forget([B]);
    expect(statSync(path).ino).toBe(ino);
  });

  test.each([
    ['a torn file', '{"AQEBAQEBAQEBAQEBAQEBAQEB'],
    ['an empty file', ''],
    ['a list', '[1, 2]'],
    ['null', 'null'],
    ['a file that is too large', JSON.stringify({ [A]: '198.51.100.1:1', pad: 'x'.repeat(1024 * 1024) })],
  ])('%s counts as nothing remembered', async (_, text) => {
    writeFileSync(path, text);
    expect([...(await openLearnedEndpoints(path).all())]).toEqual([]);
  });

  test('foreign entries are left out one by one', async () => {
    const entries = { [A]: '198.51.100.1:1', [B]: 'evil.example:1', remove: '198.51.100.1:2', __proto__x: '1' };
    writeFileSync(path, JSON.stringify(entries).replace('__proto__x', '__proto__'));
    expect([...(await openLearnedEndpoints(path).all())]).toEqual([[A, '198.51.100.1:1']]);
    expect(readFileSync(path, 'utf8')).toContain('evil.example');
  });
});
