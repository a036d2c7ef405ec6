// `kokoa get`, against a real server on loopback.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { keyFingerprint } from '../../bundle/fingerprint.ts';
import type { RolloutView } from '../core/rollout/rollout-view.ts';
import { enrolment, type Installation, install, keys, NODE_PATH, report } from '../http/http.fixture.ts';
import { registerGet } from './get.ts';
import { nodeTable } from './node-table.ts';
import { rolloutText } from './rollout-text.ts';
import { runCommand } from './run-command.fixture.ts';

const NOW_MS = Date.parse('2030-01-01T12:00:00Z');
const PRINT = 'abcd 0123 '.repeat(8).trim();

describe('the table', () => {
  it('fits into 80 columns, and says who was refused', () => {
    const text = nodeTable(
      [
        { name: 'tokyo-1', state: 'active', reported: 'applied', fingerprint: PRINT, lastSeen: '2030-01-01T11:59:57Z' },
        {
          ...{ name: 'a-machine-with-a-long-name', state: 'draining', fingerprint: PRINT },
          ...{ lastSeen: '2030-01-01T09:00:00Z', refusedAt: '2030-01-01T11:50:00Z' },
          refusedAnnouncement:
            'another signing key is bound; raise generation above 1 with a new token: kokoa edge token x',
        },
        { name: 'new', state: 'active' },
      ],
      'edges',
      NOW_MS,
    );
    expect(text).toBe(
      [
        'NAME                        STATE     FINGERPRINT                         SEEN',
        'tokyo-1                     applied   abcd 0123 abcd 0123 abcd 0123 abcd  3 s',
        'a-machine-with-a-long-name  draining  abcd 0123 abcd 0123 abcd 0123 abcd  3 h',
        '  refused 10 min ago: another signing key is bound; raise generation above 1',
        '  with a new token: kokoa edge token x',
        'new                         silent    not announced                       never',
        '',
      ].join('\n'),
    );
  });

  it.each([
    ['silent', {}],
    ['suspended (applied)', { restriction: { state: 'suspended' }, reported: 'applied' }],
    ['suspended (applied)', { state: 'suspended', reported: 'applied' }],
    ['revoked (refused)', { state: 'revoked', restriction: { state: 'suspended' }, reported: 'refused' }],
    ['suspended', { state: 'draining', restriction: { state: 'suspended' } }],
    ['old token (applied)', { generation: 2, boundGeneration: 1, reported: 'applied' }],
    ['applied', { generation: 2, boundGeneration: 2, reported: 'applied' }],
    ['suspended (applied)', { state: 'suspended', generation: 2, boundGeneration: 1, reported: 'applied' }],
  ])('says %s of %j', (state, row) => {
    const [, line] = nodeTable([{ name: 'n', state: 'active', ...row }], 'edges', NOW_MS).split('\n');
    expect(line).toMatch(new RegExp(`^n {5}${state.replace(/[()]/g, '\\$&')} {2,}not announced {2,}never$`));
  });

  it.each([
    [undefined, 1, ''],
    [1, 1, ''],
    [2, 2, '\nroot version 2\n'],
    [2, 1, '\nroot version 2, not yet followed by n (1)\n'],
    [2, undefined, '\nroot version 2, not yet followed by n (not said)\n'],
  ])('of root %s, where a node trusts %s, adds %j', (published, rootVersion, text) => {
    const row = { name: 'n', state: 'active', reported: 'applied', ...(rootVersion && { rootVersion }) };
    const silent = { name: 'm', state: 'active' };
    const lines = nodeTable([row, silent], 'edges', NOW_MS, published).split('\n').slice(3);
    expect(lines.join('\n')).toBe(text);
  });

  it.each([['edges'], ['origins']])('says that there are no %s', (kind) => {
    expect(nodeTable([], kind, NOW_MS)).toBe(`no ${kind}\n`);
  });

  it('prints nothing that acts on a terminal', () => {
    const row = { name: 'x\u001b[2J', state: '\u202e', reported: 'y', refusedAnnouncement: '\r\u0007' };
    expect(nodeTable([row], 'edges', NOW_MS)).not.toMatch(/[\u001b\u202e\r\u0007]/);
  });
});

describe('a rollout', () => {
  const GOING: RolloutView = {
    ...{ commit: 'c'.repeat(40), state: 'waiting', wave: 2, since: '2030-01-01T11:00:00.123Z' },
    waves: [['tokyo-1'], ['osaka-1', 'osaka-2']],
  };
  const error = { stage: 'test', code: 'nginx_refused', detail: `line 3: ${'word '.repeat(30)}end` };

  it('says where it is and whom it waits for', () => {
    const waitsFor = [{ node: 'osaka-1' }, { node: 'osaka-2', error }];
    expect(rolloutText({ ...GOING, waitsFor })).toBe(
      [
        'state      waiting',
        `commit     ${'c'.repeat(40)}`,
        'since      2030-01-01T11:00:00Z',
        'wave       2 of 3',
        '  1        tokyo-1: has them',
        '  2        osaka-1, osaka-2: has them',
        '  3        everybody else',
        'waits for  osaka-1',
        'waits for  osaka-2: nginx_refused (test): line 3: word word word word word word',
        `${' '.repeat(11)}${'word '.repeat(14).trim()}`,
        `${' '.repeat(11)}${'word '.repeat(10)}end`,
        '',
      ].join('\n'),
    );
    expect(rolloutText({ ...GOING, state: 'soaking', soakEnds: '2030-01-01T11:01:00.000Z' })).toMatch(
      /^state {6}soaking until 2030-01-01T11:01:00Z\n/,
    );
    expect(rolloutText(null)).toBe('no rollout: everybody has the same settings\n');
  });

  it('says who stopped it, why, and what to do, in 80 columns and without acting on a terminal', () => {
    const stopped = { node: 'tokyo-1\u001b[2J', since: '2030-01-01T11:00:00.000Z', error };
    const waves = [Array.from({ length: 30 }, (_, n) => `node-${n}`)];
    const text = rolloutText({ ...GOING, state: 'stopped', wave: 1, waves, stopped });
    expect(text).toContain('\nstopped by tokyo-1\\u{1b}[2J: nginx_refused (test): line 3');
    expect(text).toContain('\ntodo       correct or revert the settings in kokoa.yaml;');
    expect(text).toContain('node-19 and 10 more');
    expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });
});

describe('the command', () => {
  let at: Installation;
  let scratch: string;
  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'kokoa-get-'));
  });
  afterAll(() => rm(scratch, { recursive: true }));
  beforeEach(async () => {
    at = await install();
    const common = { state: 'active', address: '10.100.0.1', generation: 1 };
    at.served.update({
      listing: {
        routes: [],
        edges: [{ name: 'a', pool: 'default', ...common }],
        origins: [{ name: 'home', ...common }],
      },
    });
  });
  afterEach(() => at.close());
  const get = (...args: string[]) => runCommand(registerGet, ['get', ...args]);

  it('lists what is bound, and beneath it what somebody else announced', async () => {
    const thief = keys();
    await at.post('a', `${NODE_PATH}/status`, report());
    await at.post(
      'a',
      `${NODE_PATH}/status`,
      report({ enrolment: enrolment(thief) }, { signingKey: thief.privateKey }),
    );
    const { stdout, exitCode } = await get('edges', '--url', at.server.url);
    const fingerprint = keyFingerprint(enrolment());
    expect(exitCode).toBe(0);
    expect(stdout.split('\n')[1]).toMatch(new RegExp(`^a +applied +${fingerprint.slice(0, 39)} +\\d s$`));
    expect(stdout).toMatch(/\n {2}refused \d s ago: another signing key is bound; raise generation above 1/);
    const json = JSON.parse((await get('edges', '--url', at.server.url, '-o', 'json')).stdout) as object;
    expect(json).toMatchObject({ edges: [{ name: 'a', fingerprint, refusedAnnouncement: expect.any(String) }] });
    expect(parse((await get('edges', '--url', at.server.url, '-o', 'yaml')).stdout)).toEqual(json);
    expect((await get('origins', '--url', at.server.url)).stdout).toMatch(
      /\nhome +silent +not announced +never\n\nroot version 2\n$/,
    );
  });

  it('shows a rollout as a table, json and yaml', async () => {
    const rollout = async (...args: string[]) => (await get('rollout', '--url', at.server.url, ...args)).stdout;
    expect([await rollout(), await rollout('-o', 'yaml')]).toEqual([rolloutText(null), 'rollout: null\n']);
    const stopped = { node: 'a', since: '2030-01-01T11:00:00.000Z' };
    const view: RolloutView = { commit: 'c', state: 'stopped', wave: 1, waves: [['a']], since: stopped.since, stopped };
    at.served.update({ rollout: () => view });
    expect(await rollout()).toBe(rolloutText(view));
    expect(JSON.parse(await rollout('-o', 'json'))).toEqual({ rollout: view });
    expect(parse(await rollout('-o', 'yaml'))).toEqual({ rollout: view });
  });

  it('says who follows a new root, and whose token is an old one', async () => {
    await at.post('a', `${NODE_PATH}/status`, report({ rootVersion: 1 }));
    expect((await get('edges', '--url', at.server.url)).stdout).toMatch(
      /\n\nroot version 2, not yet followed by a \(1\)\n$/,
    );
    await at.post('a', `${NODE_PATH}/status`, report({ rootVersion: 2 }));
    expect((await get('edges', '--url', at.server.url)).stdout).toMatch(/\n\nroot version 2\n$/);
    const [edge] = at.served.listing.edges;
    at.served.update({ listing: { ...at.served.listing, edges: [{ ...edge!, generation: 2 }] } });
    expect((await get('edges', '--url', at.server.url)).stdout).toMatch(/\na +old token \(applied\) /);
  });

  it.each(['table', 'json', 'yaml'])(
    'prints nothing that acts on a terminal as %s, whatever a node says',
    async (output) => {
      const detail = 'a\u009b2Jb\u202ec\u001b[2Jd\u2028';
      await at.post('a', `${NODE_PATH}/status`, report({ state: 'refused', error: { stage: 's', code: 'c', detail } }));
      const { stdout } = await get('edges', '--url', at.server.url, '-o', output);
      expect(stdout).toContain('refused');
      expect(stdout).not.toMatch(/[\u001b\u0080-\u009f\u202e\u2028]/);
      if (output === 'json') expect(JSON.parse(stdout)).toMatchObject({ edges: [{ error: { detail } }] });
    },
  );

  it('asks with the token of a node where this machine is not enough', async () => {
    await at.close();
    at = await install({ behindProxy: true });
    const file = join(scratch, 'token');
    await writeFile(file, at.token('a'), { mode: 0o600 });
    expect((await get('edges', '--url', at.server.url)).stderr).toMatch(/answers 401.*\n.*--token-file/);
    expect(await get('edges', '--url', at.server.url, '--token-file', file)).toMatchObject({ stdout: 'no edges\n' });
    const far = await get('edges', '--url', 'http://192.0.2.1:8443', '--token-file', file);
    expect(far).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('plain HTTP would show the token') });
  });

  it.each([
    ['nobody listens', 'http://127.0.0.1:1', 1, 'api_unreachable'],
    ['it is no URL', '127.0.0.1:8443', 2, 'usage'],
    ['it is no web address', 'file:///etc/passwd', 2, 'usage'],
  ])('says so where %s', async (_, url, exitCode, code) => {
    expect(await get('edges', '--url', url)).toMatchObject({ exitCode, stderr: expect.stringContaining(code) });
  });
});
