// What a doctor says of facts: tables of what machines are like, and what is to be done.
import { describe, expect, test } from 'vitest';
import { judgeFilters } from './doctor-filters.ts';
import { judgeNames, NAMES_ASKED_MAX, namesToAsk } from './doctor-names.ts';
import { fromPreflight, judgeCertificates, judgeNode, type NodeFacts } from './doctor-node.ts';
import { judgeOrigin, type OriginFacts } from './doctor-origin.ts';
import { judgeTunnels, type TunnelFact } from './doctor-tunnels.ts';

const NOW = Date.UTC(2026, 10, 23);

describe('tunnels', () => {
  const counted = (sent: number, received: number) => ({ sent, received });
  const alive: TunnelFact = {
    ...{ node: 'osaka-1', endpoint: '198.51.100.12:51820', handshakeAgeSeconds: 20 },
    ...{ before: counted(900, 800), after: counted(1000, 900) },
  };
  const dialled = { node: 'tokyo-1', endpoint: '198.51.100.11:51820', handshakeAgeSeconds: undefined };
  const mute: TunnelFact = { ...dialled, before: counted(148, 0), after: counted(296, 0), answersByTcp: true };
  const { endpoint: _, ...awaited } = { ...mute, node: 'home' };
  const { endpoint: __, ...other } = { ...alive, node: 'office' };

  test.each<[string, TunnelFact[], string, RegExp, RegExp | undefined]>([
    ['one that lives', [alive], 'ok', /handshake 20 s ago, 1000 bytes sent, 900 received/, undefined],
    [
      'dialled, one-way, the only one',
      [mute],
      'trouble',
      /one-way: no handshake yet, 296 bytes/,
      /this side.*UDP 51820 out/,
    ],
    ['dialled, one-way, others live', [mute, alive], 'trouble', /one-way/, /tokyo-1’s side.*UDP 51820 in/],
    ['dialled, the machine is gone', [{ ...mute, answersByTcp: false }], 'trouble', /by TCP either/, /tokyo-1 runs/],
    [
      'dialled, nothing was ever sent',
      [{ ...mute, after: counted(0, 0), before: counted(0, 0) }],
      'trouble',
      /nothing leaves/,
      /agent runs/,
    ],
    [
      'dialled, packets come and no handshake',
      [{ ...mute, after: counted(296, 92) }],
      'trouble',
      /although packets come/,
      /another key/,
    ],
    [
      'dialled, silent since an hour',
      [{ ...mute, handshakeAgeSeconds: 3600 }],
      'trouble',
      /no handshake for 3600 s/,
      /this side/,
    ],
    [
      'awaited, nothing from anybody',
      [{ ...awaited, before: counted(0, 0), after: counted(0, 0) }],
      'trouble',
      /nothing comes/,
      /UDP 51820 is not let in here/,
    ],
    ['awaited, others live', [{ ...awaited, after: counted(0, 0) }, other], 'warning', /nothing comes/, /home’s side/],
    [
      'awaited, its packets come, ours get lost',
      [{ ...awaited, after: counted(184, 296) }],
      'trouble',
      /one-way: its packets come/,
      /UDP 51820 out of this machine/,
    ],
    [
      'alive, a port that is closed there',
      [{ ...other, service: { port: 8080, answers: false } }],
      'warning',
      /nothing answers on its port 8080/,
      /--allow/,
    ],
    ['alive, a port that answers', [{ ...other, service: { port: 8080, answers: true } }], 'ok', /20 s ago/, undefined],
  ])('%s', (_name, facts, level, found, todo) => {
    const [first] = judgeTunnels(facts, 51_820);
    expect(first).toMatchObject({ level, found: expect.stringMatching(found) });
    if (todo === undefined) expect(first).not.toHaveProperty('todo');
    else expect(first?.todo).toMatch(todo);
  });
});

describe('an origin', () => {
  const listener = (address: string, port: number, protocol: 'tcp' | 'udp' = 'tcp') => ({
    protocol,
    address,
    port,
    owner: 'node (pid 7)',
  });
  const facts: OriginFacts = {
    origin: { ports: [8080, 9000], udpPorts: [53], forwards: [{ port: 20_000, host: '192.168.1.20', hostPort: 80 }] },
    allow: '8080',
    listeners: [listener('0.0.0.0', 8080)],
    ...{ address: '10.100.1.1', silentForwards: [] },
  };

  test('names what routes want and its owner keeps closed, and the whole list to type', () => {
    expect(judgeOrigin(facts)[0]).toMatchObject({
      ...{ level: 'warning', found: 'routes want 9000, 53/udp, 192.168.1.20:80, and it keeps that closed' },
      todo: expect.stringContaining('--allow 8080,9000,53/udp,192.168.1.20:80;'),
    });
  });

  test.each([
    [[], 'nothing listens there', /start it/],
    [
      [listener('127.0.0.1', 8080)],
      'node (pid 7) listens on loopback only',
      /host: 127.0.0.1 in the route, and 127.0.0.1:8080/,
    ],
    [
      [listener('0000:0000:0000:0000:0000:0000:0000:0001', 8080)],
      'node (pid 7) listens on loopback only',
      /10.100.1.1/,
    ],
    [[listener('192.168.1.5', 8080)], 'it listens on 192.168.1.5 only', /10.100.1.1/],
    [[listener('0.0.0.0', 8080, 'udp')], 'nothing listens there', /start it/],
  ])('says of %j: %s', (listeners, found, todo) => {
    const service = judgeOrigin({ ...facts, listeners }).find(({ what }) => what === 'the service on TCP 8080');
    expect(service).toMatchObject({ level: 'warning', found, todo: expect.stringMatching(todo) });
  });

  test.each([['0.0.0.0'], ['::'], ['10.100.1.1']])('is content with a listener on %s', (address) => {
    const found = judgeOrigin({ ...facts, origin: { ports: [8080] }, listeners: [listener(address, 8080)] });
    expect(found.map(({ level }) => level)).toEqual(['ok', 'ok']);
  });

  test('says of a forward that nothing answers there', () => {
    const found = judgeOrigin({ ...facts, silentForwards: ['192.168.1.20:80'] });
    expect(found.map(({ what }) => what)).toContain('the service at 192.168.1.20:80');
  });
});

describe('names of routes', () => {
  const pool = ['198.51.100.11', '2001:db8::11'];
  const judged = (addresses: string[] | undefined, unknownEdges = 0) =>
    judgeNames({ names: [{ name: 'a.hoge.com', addresses }], pool, unknownEdges });

  test.each([
    [['198.51.100.11'], 0, 'ok', /all 1 asked/],
    [['203.0.113.9'], 0, 'trouble', /1 of 1 asked lead elsewhere: a.hoge.com \(203.0.113.9\)$/],
    [['203.0.113.9'], 2, 'warning', /\(2 edges of the pool are not known here/],
    [['198.51.100.11', '2001:db8::99'], 0, 'warning', /lead here and elsewhere/],
    [[], 0, 'warning', /lead nowhere/],
    [['10.0.0.5'], 0, 'warning', /a private resolver answers on this machine/],
    [undefined, 0, 'warning', /did not answer for 1/],
  ])('that answer %j, %d edges unknown: %s', (addresses, unknown, level, found) => {
    expect(judged(addresses, unknown)).toMatchObject([{ level, found: expect.stringMatching(found) }]);
  });

  test('are asked a few of many, spread over all', () => {
    const names = namesToAsk(Array.from({ length: 1000 }, (_, at) => `h${at}.hoge.com`));
    expect(names).toHaveLength(NAMES_ASKED_MAX);
    expect([names[0], names.at(-1)]).toEqual(['h0.hoge.com', 'h950.hoge.com']);
    expect(namesToAsk(['*.hoge.com'])).toEqual(['kokoa-doctor.hoge.com']);
    expect(namesToAsk([])).toEqual([]);
  });
});

describe('packet filters', () => {
  const needed = [
    { protocol: 'tcp' as const, port: 80 },
    { protocol: 'tcp' as const, port: 443 },
  ];
  const chain = { chain: { family: 'inet', table: 'filter', name: 'input', hook: 'input', policy: 'drop' } };
  const rule = (right: unknown) => ({
    rule: {
      family: 'inet',
      table: 'filter',
      expr: [{ match: { op: '==', left: { payload: { field: 'dport' } }, right } }],
    },
  });
  const judged = (...nftables: object[]) =>
    judgeFilters(JSON.stringify({ nftables: [{ metainfo: {} }, ...nftables] }), needed)[0];

  test.each([
    [[], 'ok', /none is seen/],
    [[{ chain: { ...chain.chain, policy: 'accept' } }], 'ok', /none/],
    [[{ chain: { ...chain.chain, table: 'kokoa_kokoa0' } }], 'ok', /none/],
    [[chain], 'warning', /no rule of it names TCP 80, TCP 443/],
    [[chain, rule(80)], 'warning', /names TCP 443$/],
    [[chain, rule({ set: [80, { range: [400, 500] }] })], 'ok', /none/],
    [[chain, { rule: { family: 'inet', table: 'filter', expr: [{ xt: null }] } }], 'ok', /none/],
    [
      [chain, { rule: { family: 'inet', table: 'filter', expr: [{ xt: { type: 'match', name: 'tcp' } }] } }],
      'ok',
      /none/,
    ],
    [[chain, { rule: { family: 'ip', table: 'filter', expr: [80, 443] } }], 'warning', /TCP 80, TCP 443/],
  ])('%j: %s', (nftables, level, found) => {
    expect(judged(...nftables)).toMatchObject({ level, found: expect.stringMatching(found) });
  });

  test.each([[undefined], ['no json'], ['{}'], ['null']])(
    'that are not to be read (%j) are said to be unseen',
    (listing) => {
      expect(judgeFilters(listing, needed)).toMatchObject([{ level: 'warning', found: 'they cannot be seen' }]);
    },
  );
});

describe('a node', () => {
  const well: NodeFacts = {
    ...{ agents: 1, isLocked: true, unit: 'enabled', agentVersion: '0.1.0', nowMs: NOW },
    standing: { state: 'applied', since: '2026-11-22T00:00:00Z', agentVersion: '0.1.0', leftOut: [] },
    ...{ goodSinceMs: NOW - 3 * 3_600_000, wordEndsMs: NOW + 1, freeInodes: { free: 1_000_000, all: 2_000_000 } },
  };
  const standing = well.standing!;

  test('in order is well', () => {
    expect(judgeNode(well)).toEqual([
      { level: 'ok', what: 'the agent', found: 'it runs' },
      { level: 'ok', what: 'the configuration', found: 'the one in force is 3 hours old' },
    ]);
  });

  test.each<[string, Partial<NodeFacts>, string, RegExp]>([
    ['two agents', { agents: 2 }, 'trouble', /2 agents run/],
    ['no agent', { agents: 0, isLocked: false }, 'trouble', /it does not run/],
    ['no unit', { unit: '' }, 'warning', /not installed/],
    ['a unit that is off', { unit: 'disabled' }, 'warning', /disabled/],
    ['nothing applied', { goodSinceMs: undefined }, 'trouble', /nothing was applied yet/],
    [
      'no word that is good',
      { wordEndsMs: NOW - 1 },
      'warning',
      /no word of the control plane is good since 2026-11-22/,
    ],
    [
      'a refused bundle',
      { standing: { ...standing, state: 'refused', reason: 'guard: x' } },
      'warning',
      /^refused: guard: x$/,
    ],
    [
      'a token of before',
      { standing: { ...standing, unheard: { kind: 'unauthorized', since: 'T', reason: 'r' } } },
      'trouble',
      /unauthorized since T: r/,
    ],
    [
      'a clashing key',
      { standing: { ...standing, unbound: 'the key is of another' } },
      'trouble',
      /not accepted: the key/,
    ],
    [
      'an old program',
      { standing: { ...standing, agentVersion: '0.0.9' } },
      'warning',
      /0.0.9 runs, 0.1.0 is installed/,
    ],
    ['few inodes', { freeInodes: { free: 5, all: 1000 } }, 'warning', /5 inodes/],
  ])('with %s', (_name, facts, level, found) => {
    const bad = judgeNode({ ...well, ...facts }).filter((one) => one.level !== 'ok');
    expect(bad).toMatchObject([{ level, found: expect.stringMatching(found), todo: expect.stringMatching(/./) }]);
  });

  test('certificates: those that end are trouble, those that are missing are to look at', () => {
    expect(judgeCertificates({ hosts: 2, without: [], ending: [] })).toMatchObject([{ level: 'ok' }]);
    const ending = [{ hostname: 'a.hoge.com', notAfter: NOW }];
    expect(judgeCertificates({ hosts: 2, without: ['b.hoge.com'], ending })).toMatchObject([
      { level: 'warning', found: '1 of 2 hosts have none: b.hoge.com' },
      { level: 'trouble', found: 'they end and were not renewed: a.hoge.com on 2026-11-23' },
    ]);
  });

  test('what a preflight finds is said once, in the words of a doctor', () => {
    expect(fromPreflight([])).toMatchObject([{ level: 'ok' }]);
    expect(fromPreflight([{ severity: 'error', what: 'nginx', found: 'old', todo: 'new' }])).toEqual([
      { level: 'trouble', what: 'nginx', found: 'old', todo: 'new' },
    ]);
  });
});
