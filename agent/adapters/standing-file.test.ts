import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KeptStanding } from '../ports/standing-store.ts';
import { createStandingFile } from './standing-file.ts';

const KEPT: KeptStanding = {
  ...{ agentVersion: '0.1.0', state: 'refused', since: '2030-01-01T00:00:00.000Z', reason: 'nginx_refused (test): no' },
  leftOut: [{ name: 'tcp 25565', reason: 'no backend' }],
  condemned: {
    kind: 'refused',
    configHash: 'a'.repeat(64),
    stage: 'test',
    code: 'nginx_refused',
    detail: 'no',
    judgedBy: '{"version":"1.22.1"}',
  },
  unbound: 'another WireGuard key is bound',
  unheard: { kind: 'suspended', since: '2030-01-01T00:00:00.000Z', reason: 'control.test: status 403' },
  unobtained: [{ hostname: 'a.test', reason: 'acme_unreachable: no' }],
  checks: [{ node: 'tokyo-2', up: false, since: '2030-01-01T00:00:00.000Z', reason: 'timeout' }],
  backendsDown: {
    count: 3,
    first: [
      {
        ...{ address: '10.100.1.1', port: 8080, check: 'http', hostname: 'a.test', up: false },
        ...{ since: '2030-01-01T00:00:00.000Z', reason: 'timeout', withdrawn: true },
      },
    ],
  },
  backendsFailing: { count: 2, first: [{ backend: '10.100.1.1:8080', since: '2030-01-01T00:00:00.000Z' }] },
};

let dir: string;
const path = () => join(dir, 'state.json');

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kokoa-state-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe('the note of how a node stands', () => {
  it('comes back as it was written, and is for nobody else', async () => {
    const file = createStandingFile(path());
    expect(await file.read()).toBeUndefined();
    await file.write(KEPT);
    expect(await file.read()).toEqual(KEPT);
    expect((await stat(path())).mode & 0o777).toBe(0o600);
  });

  it('cut anywhere counts as nothing noted', async () => {
    const file = createStandingFile(path());
    await file.write(KEPT);
    const text = await readFile(path(), 'utf8');
    for (let length = 0; length < text.trimEnd().length; length += 7) {
      await writeFile(path(), text.slice(0, length));
      expect(await file.read()).toBeUndefined();
    }
  });

  it.each<[string, unknown]>([
    ['another state', { ...KEPT, state: 'broken' }],
    ['a time that is none', { ...KEPT, since: 'yesterday' }],
    ['a day that no month has', { ...KEPT, since: '2030-13-45T00:00:00.000Z' }],
    ['a restoration at no time', { ...KEPT, restored: { at: 'yesterday', what: ['packet filter'] } }],
    ['a reason with a control', { ...KEPT, reason: 'a\u001b[2J' }],
    ['a hash that leads elsewhere', { ...KEPT, condemned: { ...KEPT.condemned, configHash: '../x' } }],
    ['a judge that is none', { ...KEPT, condemned: { ...KEPT.condemned, judgedBy: 5 } }],
    ['a stage nobody knows', { ...KEPT, condemned: { ...KEPT.condemned, stage: 'x' } }],
    ['what nobody wrote', { ...KEPT, more: 1 }],
    ['a silence of no kind', { ...KEPT, unheard: { ...KEPT.unheard, kind: 'x' } }],
    ['a silence at no time', { ...KEPT, unheard: { ...KEPT.unheard, since: '2030-13-45T00:00:00.000Z' } }],
    ['a check at no time', { ...KEPT, checks: [{ ...KEPT.checks![0], since: '2030-13-01T00:00:00.000Z' }] }],
    ['too many hosts', { ...KEPT, unobtained: Array.from({ length: 6 }, () => KEPT.unobtained![0]) }],
    ['too many parts', { ...KEPT, leftOut: Array.from({ length: 101 }, () => ({ name: 'a.test', reason: '' })) }],
    ['more than can be', { ...KEPT, reason: 'x'.repeat(300_000) }],
    ['no object', [KEPT]],
  ])('with %s counts as nothing noted', async (_, value) => {
    await writeFile(path(), JSON.stringify(value));
    expect(await createStandingFile(path()).read()).toBeUndefined();
  });
});
