// Changes between two small worlds: what is said of each, what is not, and that nothing is said of nothing.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Kokoa } from '../../../schemas/types.ts';
import { type Compiled, compile } from '../compile.ts';
import { updateDesired } from '../desired.ts';
import type { AnyLoadedFile } from '../files.ts';
import { isEmptyPlan, planHash, planOf } from '../plan.ts';
import {
  anyWorld,
  changesBetween,
  edge,
  inputOf,
  kokoa,
  loaded,
  origin,
  portRoute,
  route,
  sha,
} from '../world.fixture.ts';
import type { OrderedNames } from './certificates.ts';
import { type Changes, isUnchanged } from './change.ts';
import { changesOf } from './changes.ts';
import { documentOf } from './document.ts';
import { certificatesSection, nodesSection } from './document-sections.ts';
import { verdictOf } from './verdict.ts';

const COMMIT = 'c'.repeat(40);
const FLEET = [edge('e1'), origin('o1'), origin('o2')];

function between(
  from: Compiled | undefined,
  to: Compiled,
  announced?: Map<string, string[]>,
  ordered?: OrderedNames,
): Changes {
  const published = from && { compiled: from, commit: COMMIT };
  const guard = verdictOf(published, to, (desired) => compile({ ...inputOf([]), desired }));
  return changesOf({ published, candidate: to, guard, ...(announced && { announced }), ...(ordered && { ordered }) });
}

/** Two states that differ in these files; kokoa.yaml and a small fleet stand in both unless they are among them. */
function change(
  before: AnyLoadedFile[],
  after: AnyLoadedFile[],
  announced?: Map<string, string[]>,
  ordered?: OrderedNames,
): Changes {
  const [from, to] = [before, after].map((files) => {
    const own = new Set(files.map(({ path }) => path));
    return [...[kokoa(), ...FLEET].filter(({ path }) => !own.has(path)), ...files];
  }) as [AnyLoadedFile[], AnyLoadedFile[]];
  const published = compile(inputOf(from));
  // As a reconciler has it: what is the same in both is the same object.
  const desired = updateDesired(published.desired, changesBetween(from, to));
  return between(published, compile({ ...inputOf([]), desired }, published), announced, ordered);
}

const app = (more = {}) => route('app.hoge.com', 'o1', 8080, more);
const fieldsOf = ({ hosts, ports }: Changes) => [...hosts.changed, ...ports.changed].flatMap(({ fields }) => fields);

describe('logins that an operator has to bring', () => {
  const basic = (users: object) => ({ auth: { basic: { users } } });
  const places = (before: object | undefined, after: object) =>
    change(before === undefined ? [] : [app(before)], [app(after)]).neededLogins;
  const needs = (...names: string[]) => names.map((place) => ({ name: 'app.hoge.com', place }));

  test.each<[string, object | undefined, object, string[]]>([
    ['a file of a new route', undefined, basic({ file: 'wiki-users' }), ['hoge/wiki-users']],
    ['a credential', {}, basic({ credential: 'wiki-users' }), ['credential hoge.wiki-users']],
    ['a variable', {}, basic({ env: 'WIKI_USERS' }), ['variable KOKOA_SECRET_HOGE__WIKI_USERS']],
    ['another file than before', basic({ file: 'a' }), basic({ file: 'b' }), ['hoge/b']],
    ['a file that only a path names', {}, { paths: [{ prefix: '/a', ...basic({ file: 'a' }) }] }, ['hoge/a']],
    [
      'one that two paths name, once',
      {},
      { paths: ['/b', '/a'].map((prefix) => ({ prefix, ...basic({ file: 'a' }) })) },
      ['hoge/a'],
    ],
  ])('%s is said', (_, before, after, expected) => {
    expect(places(before, after)).toEqual(needs(...expected));
  });

  test('what stands in git, was needed before, or is wanted no more is not', () => {
    const file = basic({ file: 'wiki-users' });
    expect(places({}, basic({ sealed: 'c2VhbGVk' }))).toBeUndefined();
    expect(places(file, { ...file, port: 9090 })).toBeUndefined();
    expect(places(file, { paths: [{ prefix: '/a', ...file }] })).toBeUndefined();
    expect(places(file, { port: 9090 })).toBeUndefined();
  });
});

test('a certificate that an operator has to bring is said, and one that stands in git is not', () => {
  const own = (certificate: object) => ({ tls: { certificate } });
  const needed = (before: object, after: object) => change([app(before)], [app(after)]).neededCertificates;
  expect(needed({}, own({ file: 'app' }))).toEqual([{ name: 'app.hoge.com', place: 'hoge/app' }]);
  expect(needed({}, own({ credential: 'app' }))).toEqual([{ name: 'app.hoge.com', place: 'credential hoge.app' }]);
  expect(needed(own({ file: 'app' }), { ...own({ file: 'app' }), port: 9090 })).toBeUndefined();
  expect(needed({}, own({ sealed: 'c2VhbGVk' }))).toBeUndefined();
  const { sections } = documentOf(change([], [app(own({ file: 'app' }))]));
  expect(sections.map(({ title }) => title)).toContain('Certificates to bring');
});

describe('one field of a route', () => {
  test.each([
    ['a value', { port: 9090 }, [{ field: 'port', from: '8080', to: '9090' }]],
    ['a new value', { limits: { maxBody: '1m' } }, [{ field: 'limits.maxBody', to: '1m' }]],
    ['an item of a list', { allow: ['10.0.0.0/8'] }, [{ field: 'allow', to: '10.0.0.0/8' }]],
    ['an empty list', { maintenance: { allow: [] } }, [{ field: 'maintenance.allow', to: '[]' }]],
    [
      'several backends for one',
      {
        origin: undefined,
        port: undefined,
        backends: [{ origin: 'o2', port: 1, host: '10.9.9.9', weight: 2, backup: true }],
      },
      [
        { field: 'backends', to: 'o2 10.9.9.9:1 weight 2 backup' },
        { field: 'origin', from: 'o1' },
        { field: 'port', from: '8080' },
      ],
    ],
    [
      'a path',
      { paths: [{ prefix: '/a.b', origin: 'o1', port: 1 }] },
      [
        { field: 'paths', to: '/a.b' },
        { field: 'paths[/a.b].origin', to: 'o1' },
        { field: 'paths[/a.b].port', to: '1' },
      ],
    ],
    [
      'a sealed text',
      { auth: { basic: { users: { sealed: 'c2VhbGVk' } } } },
      [{ field: 'auth.basic.users.sealed', hidden: 'added' }],
    ],
    [
      'a sealed text of a path',
      { paths: [{ prefix: '/a', auth: { basic: { users: { sealed: 'c2VhbGVk' } } } }] },
      [
        { field: 'paths', to: '/a' },
        { field: 'paths[/a].auth.basic.users.sealed', hidden: 'added' },
      ],
    ],
    [
      'a header for the service',
      { headers: { request: { set: { 'X-Key': 'abc' } } } },
      [{ field: 'headers.request.set.X-Key', hidden: 'added' }],
    ],
    [
      'a header for visitors',
      { headers: { response: { set: { 'X-Key': 'abc' } } } },
      [{ field: 'headers.response.set.X-Key', to: 'abc' }],
    ],
    [
      'a token in a URL',
      { headers: { response: { set: { Link: 'https://a/?api_key=hunter2' } } } },
      [{ field: 'headers.response.set.Link', to: 'https://a/?api_key=*******' }],
    ],
    ['another pool', { pool: 'spare' }, [{ field: 'pool', from: 'default', to: 'spare' }]],
  ])('%s', (_, more, fields) => {
    expect(fieldsOf(change([app()], [app(more)]))).toEqual(fields);
  });

  test('a list in another order is one change', () => {
    const [from, to] = [app({ allow: ['10.0.0.1', '10.0.0.2'] }), app({ allow: ['10.0.0.2', '10.0.0.1'] })];
    expect(fieldsOf(change([from], [to]))).toEqual([
      { field: 'allow', from: '10.0.0.1, 10.0.0.2', to: '10.0.0.2, 10.0.0.1' },
    ]);
  });

  test('long values are cut around their first difference', () => {
    const page = (word: string) => app({ errorPages: { '502': `${'x'.repeat(500)}${word}${'y'.repeat(500)}` } });
    const [field] = fieldsOf(change([page('cold')], [page('warm')]));
    expect(field).toMatchObject({
      from: `…${'x'.repeat(20)}cold${'y'.repeat(36)}…`,
      to: expect.stringContaining('xwarmy'),
    });
  });

  test('values that differ only in what is not shown are said to have changed', () => {
    const page = (password: string) => app({ errorPages: { '502': `https://me:${password}@a/` } });
    expect(fieldsOf(change([page('hunter2')], [page('hunter3')]))).toEqual([
      { field: 'errorPages.502', hidden: 'changed' },
    ]);
  });

  test('a long name is cut, and never in the middle of a character', () => {
    const name = '\u{1f600}'.repeat(100);
    const [field] = fieldsOf(change([app()], [app({ headers: { response: { set: { [name]: 'a' } } } })]));
    expect(field?.field).toBe(`headers.response.set.${'\u{1f600}'.repeat(59)}…`);
  });

  test('what acts on a terminal is written out', () => {
    const [field] = fieldsOf(change([app()], [app({ errorPages: { '502': '\u001b[31m\u202eabc\nd' } })]));
    expect(field?.to).toBe('\\u{1b}[31m\\u{202e}abc\\u{a}d');
  });
});

describe('hosts and public ports', () => {
  test('are removed, added and changed, each once and sorted', () => {
    const [b, a, c] = [route('b.hoge.com', 'o1'), route('a.hoge.com', 'o1'), route('c.hoge.com', 'o2')];
    const { hosts, pools } = change([b, a, app()], [c, app({ port: 1 })]);
    expect(hosts.removed.map(({ name }) => name)).toEqual(['a.hoge.com', 'b.hoge.com']);
    expect(hosts.added.map(({ name, fields }) => [name, fields])).toEqual([['c.hoge.com', []]]);
    expect(hosts.changed.map(({ name }) => name)).toEqual(['app.hoge.com']);
    expect(pools).toEqual([
      {
        pool: 'default',
        hosts: { removed: 2, added: 1, changed: 1 },
        ports: { removed: 0, added: 0, changed: 0 },
        edges: ['e1'],
      },
    ]);
  });

  test('a file that is moved to another team is a change of its team', () => {
    const moved = loaded('route', 'routes/fuga/app.yaml', app().value as never);
    expect(fieldsOf(change([app()], [moved]))).toEqual([{ field: 'team', from: 'hoge', to: 'fuga' }]);
  });

  test('an origin that moves changes its hosts, whose files say what they said', () => {
    const moved = origin('o1', { wireguard: { address: '10.100.7.7' } });
    expect(fieldsOf(change([app()], [app(), moved]))).toEqual([
      { field: 'address of o1', from: '10.100.1.2', to: '10.100.7.7' },
    ]);
  });

  test('an end in the past takes a host away and says why', () => {
    const { hosts } = change([app()], [app({ expiresAt: '2026-11-20T00:00:00Z' })]);
    expect(hosts.removed[0]?.fields).toEqual([{ field: 'expiresAt', to: '2026-11-20T00:00:00Z' }]);
  });

  test('a public port is another one in another pool, and its service may lose the addresses of visitors', () => {
    const before = [portRoute('a', 1000), portRoute('b', 2000, { proxyProtocol: true }), portRoute('c', 3000)];
    const after = [portRoute('a', 1000, { pool: 'spare' }), portRoute('b', 2000), portRoute('c', 3000)];
    const { ports, addressesLost, certificates } = change(before, after);
    expect([ports.removed, ports.added, ports.changed].map((list) => list.map(({ name }) => name))).toEqual([
      ['tcp 1000'],
      ['tcp 1000'],
      ['tcp 2000'],
    ]);
    expect(addressesLost).toEqual(['tcp 1000', 'tcp 2000']);
    expect(certificates).toEqual({ perWeek: 50, domains: [], wildcards: [] });
  });
});

describe('certificates', () => {
  const OWN = { tls: { certificate: { file: 'app' } } };
  test.each([
    ['a new host', [], [app()], ['app.hoge.com']],
    ['a host that stays', [app()], [app({ port: 1 })], []],
    [
      'a host that no longer passes through',
      [app({ protocol: 'tls', proxyProtocol: true })],
      [app()],
      ['app.hoge.com'],
    ],
    ['a host that passes through', [app()], [app({ protocol: 'tls', proxyProtocol: true })], []],
    ['a host that brings its own', [], [app(OWN)], []],
    ['a host that will bring its own', [app()], [app(OWN)], []],
    ['a host that brings it no more', [app(OWN)], [app()], ['app.hoge.com']],
    ['a host in another pool', [app()], [app({ pool: 'spare' })], ['app.hoge.com']],
    ['a host whose time is over', [app()], [app({ expiresAt: '2026-11-20T00:00:00Z' })], []],
    ['a host that comes back', [app({ expiresAt: '2026-11-20T00:00:00Z' })], [app()], []],
    [
      'a redirect',
      [],
      [loaded('route', 'routes/hoge/r.yaml', { hostname: 'r.hoge.com', redirect: { to: 'https://a.com' } })],
      ['r.hoge.com'],
    ],
  ])('%s', (_, before, after, ordered) => {
    expect(change(before, after).certificates.domains.flatMap(({ hostnames }) => hostnames)).toEqual(ordered);
  });

  test('are counted by registered domain, private suffixes among them; wildcards apart', () => {
    const names = [
      'b.hoge.com',
      'a.x.hoge.com',
      'me.github.io',
      'www.you.github.io',
      'a.example.co.jp',
      '*.w.hoge.com',
    ];
    expect(
      change(
        [],
        names.map((name) => route(name, 'o1')),
      ).certificates,
    ).toEqual({
      perWeek: 50,
      domains: [
        { domain: 'example.co.jp', hostnames: ['a.example.co.jp'] },
        { domain: 'hoge.com', hostnames: ['a.x.hoge.com', 'b.hoge.com'] },
        { domain: 'me.github.io', hostnames: ['me.github.io'] },
        { domain: 'you.github.io', hostnames: ['www.you.github.io'] },
      ],
      wildcards: ['*.w.hoge.com'],
    });
  });

  test('a hundred hosts under one wildcard are one order, and the next hundred are none', () => {
    const zones = [{ name: 'hoge.com', provider: 'rfc2136', wildcard: true }] as NonNullable<Kokoa['zones']>;
    const some = (from: number) => Array.from({ length: 100 }, (_, n) => route(`h${from + n}.hoge.com`, 'o1'));
    const ordered = [{ domain: 'hoge.com', hostnames: ['*.hoge.com'] }];
    const before = [kokoa({ zones })];
    expect(change(before, [...before, ...some(0)]).certificates.domains).toEqual(ordered);
    expect(change([...before, ...some(0)], [...before, ...some(0), ...some(100)]).certificates.domains).toEqual([]);
  });

  test('what was ordered this week is taken off, and what may be ordered is what kokoa.yaml says', () => {
    const files = [kokoa({ acme: { server: 'https://ca.example/dir', limits: { newNamesPerDomain: 10 } } })];
    const routes = ['a.hoge.com', 'b.hoge.com', 'a.fuga.com'].map((name) => route(name, 'o1'));
    const counted = new Map([
      ['hoge.com', 9],
      ['piyo.com', 3],
    ]);
    const { certificates } = change(files, [...files, ...routes], undefined, counted);
    expect(certificates).toMatchObject({
      perWeek: 10,
      domains: [
        { domain: 'fuga.com', left: 10 },
        { domain: 'hoge.com', left: 1 },
      ],
    });
    const lines = JSON.stringify(certificatesSection(certificates));
    expect(lines).toContain('2 to order, 1 left this week');
    expect(lines).toContain('"loud":true');
    expect(lines).not.toContain('only the reconciler knows');
  });

  const noEdge = (...files: AnyLoadedFile[]) => {
    const changes = change([edge('e1'), edge('e2'), app()], [...files, app()]);
    const { sections } = documentOf(changes);
    return {
      bereft: changes.bereft,
      text: JSON.stringify(sections.find(({ title }) => title.includes('without an edge'))),
    };
  };

  test.each(['revoked', 'compromised'] as const)(
    'a pool of which all edges are %s has none left, and that is loud',
    (state) => {
      const { bereft, text } = noEdge(edge('e1', { state }), edge('e2', { state }));
      expect(bereft).toEqual([{ pool: 'default', hosts: 1, left: [] }]);
      expect(text).toContain('has no edge left: ","nobody serves its 1 host"');
      expect(text).toContain('"loud":true');
      expect(text).toContain('escrow');
      expect(text).toContain('kokoa certs export');
    },
  );

  test('a pool whose last edges drain or are suspended has none that takes anything new', () => {
    const { bereft, text } = noEdge(edge('e1', { state: 'draining' }), edge('e2', { state: 'suspended' }));
    expect(bereft?.[0]?.left).toEqual([
      { node: 'e1', state: 'draining' },
      { node: 'e2', state: 'suspended' },
    ]);
    expect(text).toContain('has no active edge left');
    expect(noEdge(edge('e1', { pool: 'spare' }), edge('e2', { state: 'revoked' })).bereft).toHaveLength(1);
  });

  test('a pool with an active edge, or without hosts, is not told of', () => {
    expect(noEdge(edge('e1'), edge('e2', { state: 'compromised' })).bereft).toBeUndefined();
    const gone = edge('e1', { state: 'revoked' });
    expect(change([app()], [gone]).bereft).toBeUndefined();
    expect(change([gone, app()], [gone, app({ port: 1 })]).bereft).toBeUndefined();
  });

  const nodesSaid = (before: AnyLoadedFile, after: AnyLoadedFile) =>
    JSON.stringify(nodesSection(change([edge('e9'), before], [edge('e9'), after]).nodes));
  const OTHER = `sha256:${'0'.repeat(63)}7`;

  test.each<[string, object, string | undefined]>([
    ['nothing else', {}, 'its token and keys of before count again'],
    ['another token', { token: OTHER }, 'its keys of before count again'],
    ['a larger generation', { generation: 2 }, 'its token of before counts again'],
    ['both', { token: OTHER, generation: 2 }, undefined],
  ])('an edge that was compromised and is active again with %s', (_, more, said) => {
    const text = nodesSaid(edge('e1', { state: 'compromised' }), edge('e1', { state: 'active', ...more }));
    if (said === undefined) expect(text).not.toContain('of before');
    else expect(text).toContain(said);
  });

  test('of an origin that becomes compromised nothing is said to be ordered anew', () => {
    const text = nodesSaid(origin('o1'), origin('o1', { state: 'compromised' }));
    expect(text).toContain('nothing is ordered anew');
    expect(text).not.toContain('pool');
  });

  test('what a compromised edge had is ordered anew, and what was brought is named', () => {
    const routes = [app(), route('b.hoge.com', 'o1', 80, OWN), route('c.hoge.com', 'o1', 80, { pool: 'spare' })];
    const spare = edge('e2', { pool: 'spare' });
    const revoked = edge('e1', { state: 'compromised' });
    const { certificates } = change([spare, ...routes], [spare, revoked, ...routes]);
    expect(certificates.anew).toEqual([{ pool: 'default', edges: ['e1'], count: 1, brought: ['b.hoge.com'] }]);
    const text = JSON.stringify(certificatesSection(certificates));
    expect(text).toContain(': 1 is ordered anew, because their keys were on ');
    expect(text).toContain('b.hoge.com');
    expect(text).toContain('"loud":true');
    expect(text).not.toContain('first certificate');
    expect(change([spare, revoked, ...routes], [spare, revoked, app({ port: 1 })]).certificates.anew).toBeUndefined();
    const again = edge('e1', { state: 'compromised', generation: 2 });
    expect(change([revoked, ...routes], [again, ...routes]).certificates.anew).toMatchObject([{ edges: ['e1'] }]);
  });

  test.each([
    [50, undefined],
    [51, true],
  ])('%i for one domain are loud: %s', (number, loud) => {
    const routes = Array.from({ length: number }, (_, n) => route(`h${n}.hoge.com`, 'o1'));
    const section = documentOf(change([], routes)).sections.find(({ title }) => title === 'Certificates');
    expect(section?.loud).toBe(loud);
  });
});

describe('nodes and settings', () => {
  test('a new token is said to have changed, and a slot without one is revoked', () => {
    const { nodes } = change(
      [edge('e2'), edge('e3')],
      [edge('e2', { token: sha('other') }), edge('e3', { token: undefined } as never)],
    );
    expect(nodes.changed.map(({ node, state, fields }) => [node, state, fields])).toEqual([
      ['e2', 'active', [{ field: 'token', hidden: 'changed' }]],
      [
        'e3',
        'revoked',
        [
          { field: 'state', from: 'active', to: 'revoked' },
          { field: 'token', hidden: 'removed' },
        ],
      ],
    ]);
  });

  test('another default pool moves the edges that name none', () => {
    const pools = [{ name: 'spare' }, { name: 'default' }];
    const { nodes, settings } = change([], [kokoa({ pools })]);
    expect(nodes.changed.map(({ node, pool }) => [node, pool])).toEqual([['e1', 'spare']]);
    expect(settings).toEqual([{ field: 'pools', from: 'default, spare', to: 'spare, default' }]);
  });

  test('an override is no change', () => {
    const override = { plan: sha('a'), base: COMMIT, reason: 'why not' };
    expect(isUnchanged(change([], [kokoa({ guards: { override } })]))).toBe(true);
  });
});

describe('the verdict', () => {
  const many = Array.from({ length: 10 }, (_, n) => route(`h${n}.hoge.com`, 'o1'));

  test('refuses with an override that, once pasted, lets the same plan pass', () => {
    const { guard } = change(many, many.slice(5));
    if (guard.kind !== 'refused') throw new Error(guard.kind);
    expect(guard.override).toContain(`plan: ${guard.planHash}\n    base: ${COMMIT}\n`);
    const override = { plan: guard.planHash, base: COMMIT, reason: 'meant' };
    expect(change(many, [...many.slice(5), kokoa({ guards: { override } })]).guard).toMatchObject({
      kind: 'overridden',
    });
  });

  test('does not count restrictions: they hold at once', () => {
    const { guard, nodes } = change([edge('e1')], [edge('e1', { state: 'revoked' })]);
    const nothing = compile(inputOf([kokoa()]));
    expect(guard).toEqual({ kind: 'pass', planHash: planHash(planOf(nothing, nothing)) });
    expect(nodes.changed).toHaveLength(1);
  });

  test('of the first plan is that nothing can be lost', () => {
    const first = between(undefined, compile(inputOf([kokoa(), ...FLEET, app()])));
    expect([first.guard.kind, first.base, first.settings]).toEqual(['pass', undefined, []]);
    expect(first.hosts.added).toHaveLength(1);
    expect(first.nodes.added).toHaveLength(3);
  });
});

describe('what owners of origins keep closed', () => {
  test.each([
    [['8080'], []],
    [['8000-8090'], []],
    [['8081'], ['8080']],
    [['8080/udp'], ['8080']],
    [['192.168.1.20:8080'], ['8080']],
    [[], ['8080']],
  ])('%j leaves out %j', (allow, closed) => {
    const { refusedServices } = change([], [app()], new Map([['o1', allow]]));
    expect(refusedServices.map(({ service }) => service)).toEqual(closed);
  });

  test('names hosts behind an origin and UDP as allow-lists do, and is silent of those that announced nothing', () => {
    const lists = new Map([['o1', ['53']]]);
    const lan = app({ host: '192.168.1.20', paths: [{ prefix: '/a', origin: 'o2', port: 1 }] });
    const dns = portRoute('dns', 5353, { protocol: 'udp', port: 53 });
    expect(change([], [lan, dns], lists).refusedServices).toEqual([
      { name: 'app.hoge.com', origin: 'o1', service: '192.168.1.20:8080' },
      { name: 'udp 5353', origin: 'o1', service: '53/udp' },
    ]);
    expect(change([], [lan, dns]).refusedServices).toEqual([]);
  });
});

describe('any two worlds', () => {
  test('the same one twice is no change', () => {
    fc.assert(
      fc.property(anyWorld, ({ files, ...rest }) => {
        const [a, b] = [compile(inputOf(files, rest)), compile(inputOf([...files].reverse(), rest))];
        expect(isUnchanged(between(a, b))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test('what the plan has is said, and compiling on top of the one before says the same', () => {
    fc.assert(
      fc.property(anyWorld, anyWorld, (from, to) => {
        const before = compile(inputOf(from.files, to));
        const after = compile(inputOf(to.files, to));
        const desired = updateDesired(before.desired, changesBetween(from.files, to.files));
        const changes = between(before, after);
        expect(between(before, compile({ ...inputOf([], to), desired }, before))).toEqual(changes);
        const plan = planOf(before, after);
        const names = (list: readonly { hostname: string }[]) => list.map(({ hostname }) => hostname);
        expect(changes.hosts.removed.map(({ name }) => name)).toEqual(names(plan.hosts.removed));
        expect(changes.hosts.added.map(({ name }) => name)).toEqual(names(plan.hosts.added));
        const changed = new Set(changes.hosts.changed.map(({ name }) => name));
        expect(names(plan.hosts.moved).filter((name) => !changed.has(name))).toEqual([]);
        if (!isEmptyPlan(plan)) expect(isUnchanged(changes)).toBe(false);
      }),
      { numRuns: 100 },
    );
  });
});
