// The adapter with a real program that keeps its zone in a file, and with programs that do what they must not.
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { zoneContract } from '../../test/contract/dns-zone.ts';
import { nameRecords } from '../core/dns/record-set.ts';
import type { ZoneChange } from '../ports/dns-zone.ts';
import { createExecZone, type ExecZoneOptions } from './dns-exec.ts';
import { type KeptRecord, plain, withRecords } from './dns-exec-program.fixture.ts';

const PROGRAM = fileURLToPath(new URL('dns-exec-program.fixture.ts', import.meta.url));
const ZONE = 'hoge.com';
const NAME = 'app.hoge.com';
const SECRET = 's3cr3t-t0ken';
const APEX: KeptRecord[] = [
  { name: ZONE, type: 'SOA', ttl: 300, value: 'ns.hoge.com. admin.hoge.com. 1 3600 900 86400 30' },
  { name: ZONE, type: 'NS', ttl: 300, value: 'ns.hoge.com.' },
];
const never = new AbortController().signal;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kokoa-exec-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function executable(name: string, lines: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, lines);
  await chmod(path, 0o755);
  return path;
}

zoneContract('a program of the operator', async () => {
  const file = join(folder, 'zone.json');
  await writeFile(file, JSON.stringify(APEX));
  const program = await executable('keeper', `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' '${file}'\n`);
  const drop = (records: KeptRecord[], name: string, type: string) =>
    records.filter((one) => one.name !== name.toLowerCase() || one.type !== type);
  return {
    zone: ZONE,
    access: createExecZone({ zone: ZONE, program, credentials: `key of ${ZONE}` }),
    lists: true,
    async put(name, type, ttl, values) {
      const added = values.map((value) => ({ name: name.toLowerCase(), type, ttl, value }));
      withRecords(file, (records) => ({ answer: undefined, keep: [...drop(records, name, type), ...added] }));
    },
    async remove(name, type) {
      withRecords(file, (records) => ({ answer: undefined, keep: drop(records, name, type) }));
    },
    async stands(name) {
      const there = withRecords(file, (records) => ({ answer: records.filter((one) => one.name === name) }));
      return nameRecords(there.map((one) => ({ ...one, value: plain(one) })));
    },
    close: async () => undefined,
  };
});

const CHANGE: ZoneChange = [{ name: NAME, before: [], after: [{ type: 'A', ttl: 30, values: ['203.0.113.1'] }] }];
const RECORD = { name: NAME, type: 'A', ttl: 30, value: '203.0.113.1' };
const OTHER = { ...RECORD, name: 'other.hoge.com' };
const json = (value: unknown) => `cat >/dev/null; printf '%s' '${JSON.stringify(value)}'`;

let count = 0;
async function behind(script: string, options: Partial<ExecZoneOptions> = {}) {
  count += 1;
  const program = await executable(`program-${count}`, `#!/bin/sh\n${script}\n`);
  return createExecZone({ zone: ZONE, program, credentials: SECRET, ...options });
}

const fails = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('what goes in', () => {
  it('is one JSON object, and an environment without anything of the reconciler', async () => {
    vi.stubEnv('KOKOA_OF_THE_RECONCILER', SECRET);
    const zone = await behind(
      `cat > ${folder}/in; env | sort > ${folder}/env; pwd >> ${folder}/env; echo '{"records":[]}'`,
    );
    await zone.read([NAME, OTHER.name], never);
    vi.unstubAllEnvs();
    expect(JSON.parse(await readFile(join(folder, 'in'), 'utf8'))).toEqual({
      version: 1,
      zone: ZONE,
      action: 'read',
      names: [NAME, OTHER.name],
      credentials: SECRET,
    });
    const variables = (await readFile(join(folder, 'env'), 'utf8')).trim().split('\n');
    expect(variables.map((line) => line.split('=')[0]).filter((name) => name !== '_')).toEqual(
      // PWD is dash's own.
      ['HOME', 'LANG', 'PATH', 'PWD', '/'],
    );
    expect(variables).toContain('HOME=/nonexistent');
  });

  it('says of each step of a change which types it decides', async () => {
    const zone = await behind(`cat > ${folder}/in; echo '{"outcomes":[{"kind":"done"}]}'`);
    const owner = {
      name: `x._kokoa-owner.${ZONE}`,
      before: [],
      after: [{ type: 'TXT', ttl: 30, values: ['t'] }],
    } as const;
    expect(await zone.write([[...CHANGE, owner]], never)).toEqual({ outcomes: [{ kind: 'done' }] });
    expect(JSON.parse(await readFile(join(folder, 'in'), 'utf8')).changes).toEqual([
      [
        { ...CHANGE[0], types: ['A', 'AAAA', 'CNAME'] },
        { ...owner, types: ['TXT'] },
      ],
    ]);
  });

  it('is read by nobody, and that is no failure by itself', async () => {
    const zone = await behind(`exec <&-; echo '{"records":[]}'`);
    const names = Array.from({ length: 500 }, (_, at) => `${'n'.repeat(60)}-${at}.hoge.com`);
    expect((await zone.read(names, never)).size).toBe(0);
  });

  it('asks about 500 names at a time', async () => {
    const zone = await behind(`cat > ${folder}/in; echo >> ${folder}/runs; echo '{"records":[]}'`);
    await zone.read(
      Array.from({ length: 1_001 }, (_, at) => `n${at}.hoge.com`),
      never,
    );
    expect(await readFile(join(folder, 'runs'), 'utf8')).toBe('\n\n\n');
    expect(JSON.parse(await readFile(join(folder, 'in'), 'utf8')).names).toEqual(['n1000.hoge.com']);
  });
});

describe('what comes out', () => {
  it('may be that it does not list', async () => {
    expect(await (await behind(json({ unsupported: true }))).list(never)).toBeUndefined();
  });

  it('is put into the one spelling, and names that are none of ours are dropped', async () => {
    const zone = await behind(
      json({
        records: [
          {
            name: 'APP.Hoge.com.',
            type: 'cname',
            ttl: 30,
            value: 'Edges.Hoge.com.',
            steered: 'proxied by the provider',
          },
          { name: 'Living Room._http._tcp.hoge.com', type: 'SRV', ttl: 30, value: '' },
        ],
      }),
    );
    expect(await zone.list(never)).toEqual(
      new Map([
        [
          NAME,
          {
            sets: [{ type: 'CNAME', ttl: 30, values: ['edges.hoge.com'] }],
            others: [],
            steered: 'proxied by the provider',
          },
        ],
      ]),
    );
  });

  it.each([
    ['throttled', 'dns_throttled'],
    ['refused', 'dns_refused'],
    ['credentials', 'dns_credentials'],
    ['unreachable', 'dns_unreachable'],
  ])('may be that it is %s', async (kind, code) => {
    const zone = await behind(json({ error: { kind, message: `no:\n${SECRET}`, retryAfterSeconds: 1.5 } }));
    const expected = { code, message: expect.stringMatching(/: no: \[credentials\]$/) };
    expect(await fails(zone.list(never))).toMatchObject(expected);
    expect(await fails(zone.read([NAME], never))).toMatchObject(expected);
    const { outcomes, stopped, retryAfterMs } = await zone.write([CHANGE, CHANGE], never);
    expect([outcomes, retryAfterMs]).toEqual([
      [{ kind: 'unknown' }, { kind: 'unknown' }],
      kind === 'throttled' ? 1_500 : undefined,
    ]);
    expect(stopped).toMatchObject(expected);
  });

  it('may be half of it, with the reason', async () => {
    const error = { kind: 'throttled', message: 'later', retryAfterSeconds: 2 ** 31 - 1 };
    const zone = await behind(
      json({ outcomes: [{ kind: 'done' }, { kind: 'refused', reason: `not\n${SECRET}` }, { kind: 'unknown' }], error }),
    );
    const { outcomes, stopped, retryAfterMs } = await zone.write([CHANGE, CHANGE, CHANGE], never);
    expect(outcomes).toEqual([{ kind: 'done' }, { kind: 'refused', reason: 'not [credentials]' }, { kind: 'unknown' }]);
    expect(stopped).toMatchObject({ code: 'dns_throttled' });
    expect(retryAfterMs).toBe(24 * 3600_000);
  });
});

const RECORDS = (record: unknown) => json({ records: [record] });

describe('is an error that says so', () => {
  it.each([
    ['another zone', RECORDS({ ...RECORD, name: 'app.fuga.com' }), /no name (of hoge\.com|that it was asked for)/],
    ['a zone that ends alike', RECORDS({ ...RECORD, name: 'xhoge.com' }), /no name/],
    ['a number as a text', RECORDS({ ...RECORD, ttl: '30' }), /\/records\/0\/ttl must be integer/],
    ['a broken TTL', RECORDS({ ...RECORD, ttl: 0.5 }), /\/records\/0\/ttl must be integer/],
    ['no TTL', RECORDS({ ...RECORD, ttl: undefined }), /\/records\/0 must have required property 'ttl'/],
    ['a value that is none', RECORDS({ ...RECORD, value: null }), /\/records\/0\/value must be string/],
    ['a type that is none', RECORDS({ ...RECORD, type: 'A; rm' }), /\/records\/0\/type must match/],
    ['a field too many', RECORDS({ ...RECORD, proxied: true }), /\/records\/0 must NOT have additional properties/],
    ['another contract', json({ version: 2, records: [] }), /must NOT have additional properties/],
    [
      'too many records at a name',
      json({ records: Array(501).fill(RECORD) }),
      /more than 500 records at app\.hoge\.com/,
    ],
    [
      'an error of its own kind',
      json({ error: { kind: 'oops', message: 'x' } }),
      /\/error\/kind must be equal to one of/,
    ],
    ['a list', json([RECORD]), /it must be object/],
    ['null', json(null), /it must be object/],
    ['nothing', 'cat >/dev/null', /it said nothing/],
    ['no UTF-8', `printf '{"records":[{"name":"\\377"}]}'`, /it is not UTF-8/],
    ['half a text', `printf '{"records":['`, /not one JSON text/],
    ['two texts', `printf '{"records":[]}\\n{"records":[]}'`, /not one JSON text/],
    ['chatter before it', `echo working; ${json({ records: [] })}`, /not one JSON text/],
    ['failure', `echo 'no zone\u202e ${SECRET}' >&2; exit 3`, /ended with 3: no zone \[credentials\]$/],
    ['failure after an answer', `${json({ records: [] })}; exit 1`, /ended with 1$/],
    ['a signal', 'kill -9 $$', /ended with SIGKILL$/],
    ['a flood', 'exec head -c 70000000 /dev/zero', /printed too much/],
    ['a flood of complaints', 'exec head -c 2000000 /dev/zero >&2', /printed too much/],
  ])('%s', async (_, script, message) => {
    const zone = await behind(script);
    const expected = { code: 'dns_unreachable', message: expect.stringMatching(message) };
    for (const failure of [await fails(zone.list(never)), await fails(zone.read([NAME], never))]) {
      expect(failure).toMatchObject(expected);
      expect(JSON.stringify(failure) + String(failure) + String((failure as Error).cause)).not.toContain(SECRET);
    }
    expect(await zone.write([CHANGE], never)).toMatchObject({
      outcomes: [{ kind: 'unknown' }],
      stopped: { code: 'dns_unreachable' },
    });
  });

  it('another name than it was asked for', async () => {
    const zone = await behind(json({ records: [RECORD, OTHER] }));
    expect(await fails(zone.read([NAME], never))).toMatchObject({
      message: expect.stringMatching(/\/records\/1\/name is no name that it was asked for/),
    });
    expect((await zone.list(never))?.size).toBe(2);
  });

  it.each([
    ['no outcome', [], /0 outcomes, expected one for each of 1 changes/],
    ['an outcome too many', [{ kind: 'done' }, { kind: 'done' }], /2 outcomes/],
    ['an outcome that is none', [{ kind: 'ok' }], /\/outcomes\/0\/kind must be equal to one of/],
    ['a clash somewhere', [{ kind: 'clash' }], /\/outcomes\/0\/name is no name of this change/],
    ['a clash elsewhere', [{ kind: 'clash', name: OTHER.name }], /is no name of this change/],
    ['a refusal without a reason', [{ kind: 'refused' }], /refused without a reason/],
    ['an unknown without an error', [{ kind: 'unknown' }], /no error says why/],
  ])('%s', async (_, outcomes, message) => {
    const zone = await behind(json({ outcomes }));
    expect(await zone.write([CHANGE], never)).toMatchObject({
      outcomes: [{ kind: 'unknown' }],
      stopped: { code: 'dns_unreachable', message: expect.stringMatching(message) },
    });
  });

  it('no program, and one that is no program', async () => {
    const absent = createExecZone({ zone: ZONE, program: join(folder, 'absent') });
    expect(await fails(absent.list(never))).toMatchObject({
      code: 'dns_unreachable',
      message: expect.stringMatching(/there is no program/),
    });
    const program = await executable('odd', '#!/no/such/interpreter\n');
    expect(await fails(createExecZone({ zone: ZONE, program }).list(never))).toMatchObject({
      code: 'dns_unreachable',
      message: expect.stringMatching(/cannot be started \(ENOENT\)$/),
    });
  });

  it('a program that others may write', async () => {
    const program = await executable('open', `#!/bin/sh\ntouch ${folder}/ran\n`);
    await chmod(program, 0o777);
    const zone = createExecZone({ zone: ZONE, program });
    expect(await fails(zone.list(never))).toMatchObject({
      code: 'dns_refused',
      message: expect.stringMatching(/others may write it/),
    });
    expect(await zone.write([CHANGE], never)).toMatchObject({ stopped: { code: 'dns_refused' } });
    await expect(readFile(join(folder, 'ran'))).rejects.toThrow();
  });
});

describe('ends, with all that it started,', () => {
  const gone = async (file: string) => {
    const pids = (await readFile(join(folder, file), 'utf8')).trim().split('\n').map(Number);
    expect(pids).toHaveLength(2);
    await expect.poll(async () => (await Promise.all(pids.map(isAlive))).includes(true)).toBe(false);
  };

  it('when it hangs', async () => {
    const script = `trap '' TERM\n(trap '' TERM; while :; do sleep 1; done) &\nprintf '%s\\n' $$ $! > ${folder}/hangs\nwait\nwait`;
    const zone = await behind(script, { timeoutMs: 300 });
    expect(await zone.write([CHANGE], never)).toMatchObject({
      outcomes: [{ kind: 'unknown' }],
      stopped: { code: 'dns_unreachable', message: expect.stringMatching(/did not end within 0\.3 s$/) },
    });
    await gone('hangs');
  });

  it('but for what fled into a session of its own, which is not waited for', async () => {
    const flees = `setsid sh -c 'echo $$ > ${folder}/fled; exec sleep 600' &\nwait`;
    const zone = await behind(flees, { timeoutMs: 1_000 });
    expect(await fails(zone.list(never))).toMatchObject({ message: expect.stringMatching(/did not end within 1 s$/) });
    process.kill(Number(await readFile(join(folder, 'fled'), 'utf8')), 'SIGKILL');
  });

  it('when the reconciler stops', async () => {
    const stop = new AbortController();
    const zone = await behind(`sleep 600 &\nprintf '%s\\n' $$ $! > ${folder}/stops\nwait`);
    const reading = fails(zone.read([NAME], stop.signal));
    await expect
      .poll(() => readFile(join(folder, 'stops'), 'utf8').catch(() => ''), { timeout: 10_000 })
      .toMatch(/\n.*\n/);
    stop.abort();
    expect(await reading).toMatchObject({ code: 'dns_unreachable', message: expect.stringMatching(/told to stop/) });
    await gone('stops');
  });

  it('when it leaves something behind', async () => {
    const zone = await behind(
      `sleep 600 >/dev/null 2>&1 </dev/null &\nprintf '%s\\n' $$ $! > ${folder}/leaves\necho '{"records":[]}'`,
    );
    expect((await zone.read([NAME], never)).size).toBe(0);
    await gone('leaves');
  });
});

/** A zombie waits for whoever started it, and does nothing. */
async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') X');
  return !/\) [ZX]/.test(stat);
}
