// `kokoa get`, against a real server on loopback.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { keyFingerprint } from '../../bundle/fingerprint.ts';
import { enrolment, type Installation, install, keys, NODE_PATH, report } from '../http/http.fixture.ts';
import { registerGet } from './get.ts';
import { nodeTable } from './node-table.ts';
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

  it.each([['edges'], ['origins']])('says that there are no %s', (kind) => {
    expect(nodeTable([], kind, NOW_MS)).toBe(`no ${kind}\n`);
  });

  it('prints nothing that acts on a terminal', () => {
    const row = { name: 'x\u001b[2J', state: '\u202e', reported: 'y', refusedAnnouncement: '\r\u0007' };
    expect(nodeTable([row], 'edges', NOW_MS)).not.toMatch(/[\u001b\u202e\r\u0007]/);
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
    expect((await get('origins', '--url', at.server.url)).stdout).toMatch(/\nhome +silent +not announced +never\n$/);
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
