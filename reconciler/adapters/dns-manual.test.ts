// A zone that people write, as the public sees it: against a real knot, and against a server that does what it must not.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type LoopbackKnot, startLoopbackKnot } from '../../test/loopback-knot.ts';
import type { NameRecords, RecordSet, RecordType } from '../ports/dns-zone.ts';
import { createManualZone } from './dns-manual.ts';
import { createPublicResolver, type PublicResolverOptions } from './dns-public.ts';

const never = new AbortController().signal;
const set = (type: RecordType, ...values: string[]): RecordSet => ({ type, ttl: 0, values });
let knot: LoopbackKnot;

beforeAll(async () => {
  knot = await startLoopbackKnot({
    'hoge.com': [
      '@ A 203.0.113.2',
      '@ A 203.0.113.1',
      '@ AAAA 2001:DB8:0::1',
      '@ MX 10 mail',
      '@ TXT "v=spf1" " -all"',
      'app CNAME Edges.Hoge.com.',
      'away CNAME edges.example.net.',
      'edges CNAME further',
      'further A 203.0.113.9',
      'quoted TXT "say \\"no\\""',
      'mail MX 10 mail',
      'b.deep A 203.0.113.3',
      '*.star CNAME edges.example.net.',
      ...Array.from({ length: 40 }, (_, at) => `n${at} A 203.0.113.4`),
      ...Array.from({ length: 200 }, (_, at) => `big A 198.51.100.${at}`),
    ],
  });
});
afterAll(() => knot.close());

const zoneAt = (port: number, options: PublicResolverOptions = {}) =>
  createManualZone({
    zone: 'hoge.com',
    resolver: createPublicResolver({ servers: [`127.0.0.1:${port}`], ...options }),
  });
const read = async (...names: string[]) =>
  zoneAt(knot.port).read(
    names.map((name) => `${name}.hoge.com`),
    never,
  );

it.each<[string, string, NameRecords | undefined]>([
  ['a name that leads on, and not where that leads', 'app', { sets: [set('CNAME', 'edges.hoge.com')], others: [] }],
  ['a name that leads out of the zone', 'away', { sets: [set('CNAME', 'edges.example.net')], others: [] }],
  ['a text that is none of ours', 'quoted', { sets: [], others: ['TXT'] }],
  ['other types alone', 'mail', { sets: [], others: ['MX'] }],
  ['nothing where no name is', 'absent', undefined],
  ['nothing where names are below', 'deep', undefined],
  ['the wildcard', '*.star', { sets: [set('CNAME', 'edges.example.net')], others: [] }],
  ['what a wildcard makes up', 'any.star', { sets: [set('CNAME', 'edges.example.net')], others: [] }],
])('sees %s', async (_, name, expected) => {
  expect((await read(name)).get(`${name}.hoge.com`)).toEqual(expected);
});

it('sees the zone itself with all that stands there', async () => {
  const found = await zoneAt(knot.port).read(['hoge.com'], never);
  expect(found.get('hoge.com')).toEqual({
    sets: [set('A', '203.0.113.1', '203.0.113.2'), set('AAAA', '2001:db8::1'), set('TXT', 'v=spf1 -all')],
    others: ['MX'],
  });
});

it('sees many names, and more addresses than one packet holds', async () => {
  const names = Array.from({ length: 40 }, (_, at) => `n${at}`);
  const found = await read(...names, 'big', 'absent');
  expect(found.size).toBe(41);
  expect(found.get('big.hoge.com')?.sets[0]?.values).toHaveLength(200);
});

it('cannot list, and writes nothing', async () => {
  const zone = zoneAt(knot.port);
  expect(await zone.list(never)).toBeUndefined();
  const change = [{ name: 'hoge.com', before: [set('A', '203.0.113.1', '203.0.113.2')], after: [] }];
  const refused = { kind: 'refused', reason: 'people set the records of hoge.com' };
  expect(await zone.write([change, change], never)).toEqual({ outcomes: [refused, refused] });
  expect((await zone.read(['hoge.com'], never)).get('hoge.com')?.sets[0]).toEqual(
    set('A', '203.0.113.1', '203.0.113.2'),
  );
});

let server: Socket | undefined;
afterEach(async () => {
  if (server === undefined) return;
  await new Promise<void>((closed) => server?.close(closed));
  server = undefined;
});

type Answer = (question: { packet: Buffer; type: number; asked: number }) => Buffer | undefined;

/** A server that answers as it likes; nothing listens on its port by TCP. */
async function misbehaving(answer: Answer): Promise<number> {
  const socket = createSocket('udp4');
  server = socket;
  let asked = 0;
  socket.on('message', (packet, from) => {
    asked += 1;
    // The question ends with its type and class; what follows is an OPT record, 11 bytes long.
    const options = packet.readUInt16BE(10) > 0 ? 11 : 0;
    const reply = answer({ packet, type: packet.readUInt16BE(packet.length - options - 4), asked });
    if (reply !== undefined) socket.send(reply, from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket.address().port;
}

function reply(
  packet: Buffer,
  { code = 0, flags = 0, address }: { code?: number; flags?: number; address?: number[] },
) {
  const options = packet.readUInt16BE(10) > 0 ? 11 : 0;
  const question = packet.subarray(0, packet.length - options);
  const record = address ? Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4, ...address]) : Buffer.alloc(0);
  const made = Buffer.concat([question, record]);
  made.writeUInt16BE(0x8180 | flags | code, 2);
  made.writeUInt16BE(address ? 1 : 0, 6);
  made.writeUInt16BE(0, 10);
  return made;
}

const A = 1;
const TRUNCATED = 0x0200;
const otherId = (packet: Buffer) => {
  const made = reply(packet, { address: [6, 6, 6, 6] });
  made.writeUInt16BE((packet.readUInt16BE(0) + 1) % 65_536, 0);
  return made;
};

it.each<[string, Answer]>([
  ['fails', ({ packet }) => reply(packet, { code: 2 })],
  ['refuses', ({ packet }) => reply(packet, { code: 5 })],
  ['knows no such question', ({ packet }) => reply(packet, { code: 4 })],
  ['is silent', () => undefined],
  ['is silent about one type', ({ packet, type }) => (type === A ? undefined : reply(packet, {}))],
  ['fails for one type', ({ packet, type }) => reply(packet, { code: type === A ? 2 : 0 })],
  ['cuts every answer short', ({ packet }) => reply(packet, { flags: TRUNCATED })],
  ['answers to somebody else', ({ packet }) => otherId(packet)],
  ['sends rubbish', ({ packet }) => Buffer.concat([packet.subarray(0, 2), Buffer.alloc(40, 0xff)])],
])('a server that %s is never taken for a name at which nothing stands', async (_, answer) => {
  const port = await misbehaving(answer);
  await expect(zoneAt(port, { timeoutMs: 200, tries: 1 }).read(['app.hoge.com'], never)).rejects.toMatchObject({
    code: 'dns_unreachable',
    message: expect.stringMatching(/^127\.0\.0\.1:\d+ did not say what stands at app\.hoge\.com: E[A-Z]+$/),
  });
});

it('addresses are seen where the server knows no CNAME at a name, and says that there is no such name', async () => {
  const port = await misbehaving(({ packet, type }) =>
    reply(packet, type === A ? { address: [203, 0, 113, 7] } : { code: 3 }),
  );
  expect(await zoneAt(port).read(['app.hoge.com'], never)).toEqual(
    new Map([['app.hoge.com', { sets: [set('A', '203.0.113.7')], others: [] }]]),
  );
});

it('what was seen is forgotten at once', async () => {
  const port = await misbehaving(({ packet, type, asked }) =>
    reply(packet, type === A ? { address: [203, 0, 113, asked] } : {}),
  );
  const zone = zoneAt(port);
  const look = async () => (await zone.read(['app.hoge.com'], never)).get('app.hoge.com')?.sets[0]?.values[0];
  expect(await look()).not.toBe(await look());
});

it('one name without an answer fails all, and no other is asked any more', async () => {
  let most = 0;
  const port = await misbehaving(({ packet, asked }) => {
    most = asked;
    return reply(packet, { code: 2 });
  });
  const names = Array.from({ length: 2_000 }, (_, at) => `n${at}.hoge.com`);
  await expect(zoneAt(port, { tries: 1 }).read(names, never)).rejects.toMatchObject({ code: 'dns_unreachable' });
  expect(most).toBeLessThan(200);
});

it('a question ends when the work is stopped', async () => {
  const port = await misbehaving(() => undefined);
  const zone = zoneAt(port, { timeoutMs: 30_000 });
  const stop = new AbortController();
  const reading = zone.read(['app.hoge.com'], stop.signal);
  setTimeout(() => stop.abort(), 50);
  await expect(reading).rejects.toMatchObject({ message: expect.stringMatching(/the work was stopped$/) });
  await expect(zone.read(['app.hoge.com'], stop.signal)).rejects.toMatchObject({ code: 'dns_unreachable' });
});
