// The adapter at servers that are away, silent, wrong or say no: a real knot, with somebody between where one is needed.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { type LoopbackKnot, startLoopbackKnot } from '../../test/loopback-knot.ts';
import type { RecordSet, ZoneChange } from '../ports/dns-zone.ts';
import { createRfc2136Zone } from './dns-rfc2136-zone.ts';
import type { Rfc2136Options } from './nsupdate.ts';

vi.setConfig({ testTimeout: 60_000 });

const never = new AbortController().signal;
const A: RecordSet = { type: 'A', ttl: 30, values: ['203.0.113.1'] };
const TXT: RecordSet = { type: 'TXT', ttl: 30, values: ['kokoa1 x'] };
const ADDRESS = Buffer.from([203, 0, 113, 1]);
const UNKNOWN = { kind: 'unknown' };
const create = (name: string, set = A): ZoneChange => [{ name, before: [], after: [set] }];
const servers = new Set<Server>();
const sockets = new Set<Socket>();
let knot: LoopbackKnot;
let texts: LoopbackKnot;

beforeAll(async () => {
  const many = Array.from({ length: 3_000 }, (_, index) => `n${index} A 203.0.113.1`);
  const cut = ['sub NS ns.sub', 'sub A 203.0.113.7', 'ns.sub A 203.0.113.8', `sub DS 1 8 2 ${'ab'.repeat(32)}`];
  const made = [
    'd DNAME x.example.',
    'far CNAME nowhere',
    'any TYPE999 \\# 1 00',
    '*.w A 203.0.113.1',
    'own.w A 203.0.113.1',
  ];
  const zones = { 'hoge.com': [...cut, ...made, 'a A 203.0.113.1'], 'many.com': many };
  knot = await startLoopbackKnot(zones, { acl: ['action: [update, transfer]'] });
  texts = await startLoopbackKnot(
    { 'hoge.com': ['*.w A 203.0.113.1', 'own.w A 203.0.113.1'] },
    { acl: ['action: update', 'update-type: TXT'] },
  );
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers) await new Promise((closed) => server.close(closed));
  for (const set of [servers, sockets]) set.clear();
});

afterAll(() => Promise.all([knot?.close(), texts?.close()]));

const zone = (change: Partial<Rfc2136Options> = {}) =>
  createRfc2136Zone({ zone: 'hoge.com', address: '127.0.0.1', port: knot.port, key: knot.key, ...change });

/** Where somebody listens. */
async function listen(onSocket: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    onSocket(socket);
  }).listen(0, '127.0.0.1');
  servers.add(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Somebody between, who passes on what he likes of the answers. */
const between = (change: (answer: Buffer, end: () => void) => Buffer) =>
  listen((socket) => {
    const upstream = connect(knot.port, '127.0.0.1');
    sockets.add(upstream);
    socket.pipe(upstream).on('error', () => socket.destroy());
    upstream.on('data', (answer: Buffer) => {
      let isEnd = false;
      const passed = change(answer, () => {
        isEnd = true;
      });
      socket.write(passed, () => isEnd && socket.destroy());
    });
    upstream.on('close', () => socket.destroy());
  });

/** Somebody between, who gives updates another code: after two bytes of length and two of id stand opcode and code (RFC 2136, 2.2). */
const answerUpdates = (code: number) =>
  between((answer) => {
    if (((answer[4]! >> 3) & 15) === 5) answer[5] = (answer[5]! & 0xf0) | code;
    return answer;
  });

async function expectNothing(options: Partial<Rfc2136Options>, code: string) {
  const broken = zone(options);
  const [listed, found, { outcomes, stopped }] = await Promise.all([
    broken.list(never).catch((error: unknown) => error),
    broken.read(['a.hoge.com'], never).catch((error: unknown) => error),
    broken.write([create('new.hoge.com'), create('newer.hoge.com')], never),
  ]);
  expect([listed, found]).toMatchObject([{ code }, { code }]);
  expect([outcomes, stopped]).toMatchObject([[UNKNOWN, UNKNOWN], { code }]);
  expect((await zone().read(['new.hoge.com'], never)).size).toBe(0);
}

it('takes a server that is away for nothing else', () => expectNothing({ port: 1 }, 'dns_unreachable'));

it('takes a server that says nothing for nothing else', async () => {
  await expectNothing({ port: await listen(() => {}) }, 'dns_unreachable');
});

it('takes a server that hangs up for nothing else', async () => {
  await expectNothing(
    { port: await listen((socket) => socket.once('data', () => socket.destroy())) },
    'dns_unreachable',
  );
});

it('stops waiting when nobody waits for it any more', async () => {
  const silent = zone({ port: await listen(() => {}) });
  const started = performance.now();
  const left = AbortSignal.timeout(200);
  const failures = [silent.list(left), silent.read(['a.hoge.com'], left)].map((one) =>
    one.catch((error: unknown) => error),
  );
  for (const failure of failures) expect(await failure).toMatchObject({ code: 'dns_unreachable' });
  expect(await silent.write([create('new.hoge.com')], AbortSignal.timeout(200))).toMatchObject({
    outcomes: [UNKNOWN],
    stopped: { code: 'dns_unreachable' },
  });
  expect(performance.now() - started).toBeLessThan(3_500);
});

it.each([
  ['another secret', { secret: randomBytes(32).toString('base64') }],
  ['another name', { name: 'other' }],
])('says that the key is wrong: %s', async (_, change) => {
  const key = { ...knot.key, ...change };
  await expectNothing({ key }, 'dns_credentials');
  const failure = await zone({ key })
    .list(never)
    .catch((error: unknown) => error);
  expect(JSON.stringify(failure) + String(failure)).not.toContain(key.secret);
});

it('says that a server is not the authority of the zone', async () => {
  for (const other of ['fuga.com', 'com', 'a.hoge.com', 'sub.hoge.com']) {
    await expect(zone({ zone: other }).list(never)).rejects.toMatchObject({ code: 'dns_refused' });
    await expect(zone({ zone: other }).read([`x.${other}`], never)).rejects.toMatchObject({ code: 'dns_refused' });
    const { outcomes, stopped } = await zone({ zone: other }).write([create(`x.${other}`)], never);
    expect([outcomes, stopped]).toMatchObject([[UNKNOWN], { code: 'dns_refused' }]);
  }
});

it('believes no answer that somebody changed on the way', async () => {
  const port = await between((answer) => {
    const at = answer.indexOf(ADDRESS);
    if (at >= 0) answer[at + 3] = 9;
    return answer;
  });
  await expect(zone({ port }).list(never)).rejects.toMatchObject({ code: 'dns_unreachable' });
  await expect(zone({ port }).read(['a.hoge.com'], never)).rejects.toMatchObject({ code: 'dns_unreachable' });
});

it.each([
  ['is done', 0],
  ['is not done', 6],
])('believes nobody else that an update %s', async (_, code) => {
  const port = await answerUpdates(code);
  const { outcomes, stopped } = await zone({ port }).write([create('a.hoge.com')], never);
  expect([outcomes, stopped]).toMatchObject([[UNKNOWN], { code: 'dns_unreachable' }]);
});

it('believes nobody else that a name is made up by a wildcard', async () => {
  const port = await answerUpdates(3);
  await expect(zone({ port }).read(['own.w.hoge.com'], never)).rejects.toMatchObject({ code: 'dns_unreachable' });
});

it.each([10, 1_000, 30_000])('takes a transfer that breaks off after %i bytes for no list', async (bytes) => {
  const all = await zone({ zone: 'many.com' }).list(never);
  expect(all?.size).toBe(3_002);
  let passed = 0;
  const port = await between((answer, end) => {
    const some = answer.subarray(0, Math.max(0, bytes - passed));
    passed += some.length;
    if (passed === bytes) end();
    return some;
  });
  await expect(zone({ zone: 'many.com', port }).list(never)).rejects.toMatchObject({ code: 'dns_unreachable' });
});

it('is told by name what a transfer tells: where another zone begins, what a DNAME and a CNAME make up', async () => {
  const names = ['sub', 'ns.sub', 'x.sub', 'd', 'x.d', 'far', 'nowhere', 'a', 'own.w', 'x.w', '*.w', 'w', 'ns'];
  const asked = names.map((name) => `${name}.hoge.com`);
  const found = await zone().read([...asked, 'hoge.com'], never);
  const standing = ['sub', 'd', 'far', 'a', 'own.w', '*.w', 'ns'].map((name) => `${name}.hoge.com`);
  // Of a type that few servers would tell, nothing is asked.
  standing.splice(1, 1);
  expect([...found.keys()].sort()).toEqual([...standing, 'hoge.com'].sort());
  expect(found.get('sub.hoge.com')).toEqual({ sets: [], others: ['NS'] });
  const listed = await zone().list(never);
  for (const name of standing) expect(listed?.get(name)?.sets).toEqual(found.get(name)?.sets);
  expect([...listed!.keys()].filter((name) => name.endsWith('.sub.hoge.com'))).toEqual([]);
  expect(listed?.get('any.hoge.com')).toEqual({ sets: [], others: ['TYPE999'] });
});

it('writes no CNAME beside a record of a type that it does not ask for', async () => {
  const cname: RecordSet = { type: 'CNAME', ttl: 30, values: ['pool.example.net'] };
  for (const name of ['any.hoge.com', 'd.hoge.com', 'sub.hoge.com'])
    expect((await zone().write([create(name, cname)], never)).outcomes).toEqual([{ kind: 'clash', name }]);
  expect((await zone().list(never))?.get('any.hoge.com')?.others).toEqual(['TYPE999']);
});

it('asks for each of many names where it may not transfer the zone, and tells those of wildcards from their own', async () => {
  const access = zone({ port: texts.port, key: texts.key });
  const names = Array.from({ length: 300 }, (_, index) => `n${index}.w.hoge.com`);
  const own = names.filter((_, index) => index % 3 === 0);
  expect(
    (
      await access.write(
        own.map((name) => create(name, TXT)),
        never,
      )
    ).stopped,
  ).toBeUndefined();
  expect(await access.list(never)).toBeUndefined();
  const found = await access.read(names, never);
  expect([...found]).toEqual(own.map((name) => [name, { sets: [TXT], others: [] }]));
});

it('says of each change that the key may not write it, and makes the others', async () => {
  const access = zone({ port: texts.port, key: texts.key });
  const names = ['a', 'b', 'c', 'd', 'e'].map((name) => `${name}.hoge.com`);
  const { outcomes, stopped } = await access.write(
    names.map((name) => create(name, name < 'c' ? A : TXT)),
    never,
  );
  expect(stopped).toBeUndefined();
  expect(outcomes.map(({ kind }) => kind)).toEqual(['refused', 'refused', 'done', 'done', 'done']);
  expect(outcomes[0]).toEqual({ kind: 'refused', reason: expect.stringContaining('a.hoge.com') });
  expect([...(await access.read(names, never)).keys()]).toEqual(names.slice(2));
  expect((await access.read(['own.w.hoge.com', 'x.w.hoge.com'], never)).size).toBe(1);
});

it('sends nothing that is no record of the zone, and makes the others', async () => {
  const broken = { ...TXT, values: ['x"\nupdate delete a.hoge.com. A\nsend\n'] };
  const changes = [create('x.hoge.com', broken), create('hoge.net'), create('fine.hoge.com')];
  const { outcomes } = await zone().write(changes, never);
  expect(outcomes.map(({ kind }) => kind)).toEqual(['refused', 'refused', 'done']);
  expect((await zone().read(['a.hoge.com', 'b\nhoge.com', 'hoge.net', 'HOGE.com'], never)).size).toBe(1);
});

it('gives its key to no argument and no environment of a program', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kokoa-dig-'));
  const before = process.env.PATH;
  try {
    for (const program of ['dig', 'nsupdate']) {
      const { stdout: path } = await execa('which', [program]);
      const file = join(folder, program);
      await writeFile(file, `#!/bin/sh\n{ echo ${program} "$@"; env; } >> ${folder}/seen\nexec ${path} "$@"\n`);
      await chmod(file, 0o700);
    }
    process.env.PATH = `${folder}:${before}`;
    await zone().list(never);
    await zone().read(['own.w.hoge.com'], never);
    expect((await zone().write([create('seen.hoge.com')], never)).outcomes).toEqual([{ kind: 'done' }]);
    const seen = await readFile(join(folder, 'seen'), 'utf8');
    expect(seen).toContain('nsupdate');
    expect(seen).toContain('dig -r');
    expect(seen).not.toContain(knot.key.secret);
  } finally {
    process.env.PATH = before;
    await rm(folder, { recursive: true, force: true });
  }
});
