import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkAll, checkFleet, checkRoute, viewOf } from './check.ts';
import { expectedAddress, isEndpoint, parseNetwork, parseUrl } from './check-network.ts';
import { emptyDesired, updateDesired } from './desired.ts';
import { viewOfDesired } from './desired-view.ts';
import type { AnyLoadedFile } from './files.ts';
import { loadFile } from './load.ts';

const KOKOA = `controlPlane:
  urls: [https://control.hoge.com]
acme:
  server: https://acme.example/directory
teams:
  - name: hoge
    hostnames: ['*.Hoge.com']
  - name: fuga
    hostnames: ['*.fuga.com', fuga.com]
network:
  wireguard: 10.100.0.0/16
pools:
  - name: default
  - name: asia
`;
const token = (digit: string) => `sha256:${digit.repeat(64)}`;

const GOOD: Record<string, string> = {
  'kokoa.yaml': KOKOA,
  'origins/home.yaml': `name: home\nteams: [hoge]\nwireguard: {address: 10.100.1.1}\ntoken: ${token('1')}\n`,
  'origins/office.yaml': `name: office\nteams: [fuga, hoge]\nwireguard: {address: 10.100.1.2}\ntoken: ${token('2')}\n`,
  'edges/tokyo-1.yaml': `name: tokyo-1\nwireguard: {address: 10.100.0.1}\ntoken: ${token('3')}\npool: asia\n`,
  'routes/hoge/app.yaml': 'hostname: app.hoge.com\norigin: home\nport: 80\n',
  'routes/hoge/deep.yaml': "hostname: '*.a.b.hoge.com'\norigin: office\nport: 80\npool: asia\n",
  'routes/fuga/apex.yaml': 'hostname: fuga.com\norigin: office\nport: 80\n',
};

function loaded(files: Record<string, string | undefined>): AnyLoadedFile[] {
  return Object.entries(files).flatMap(([path, text]) =>
    text === undefined ? [] : [loadFile(path, 'b', Buffer.from(text))],
  );
}

/** `file:line:column rule` of everything that checkAll says when `change` is laid over good data. */
function found(change: Record<string, string | undefined>): string[] {
  return checkAll(viewOf(loaded({ ...GOOD, ...change }))).map(
    ({ file, line, column, rule }) => `${file}:${line}:${column} ${rule}`,
  );
}

describe('checkAll', () => {
  it('finds nothing in good data', () => {
    expect(found({})).toEqual([]);
  });

  it.each<[string, Record<string, string | undefined>, string[]]>([
    [
      'an unknown team',
      { 'routes/hog/x.yaml': 'hostname: x.hoge.com\norigin: home\nport: 1\n' },
      ['routes/hog/x.yaml:1:1 KK301'],
    ],
    [
      "another team's name",
      { 'routes/hoge/x.yaml': 'hostname: x.fuga.com\norigin: home\nport: 1\n' },
      ['routes/hoge/x.yaml:1:11 KK302'],
    ],
    [
      'the apex, which *.zone does not grant',
      { 'routes/hoge/x.yaml': 'hostname: hoge.com\norigin: home\nport: 1\n' },
      ['routes/hoge/x.yaml:1:11 KK302'],
    ],
    [
      'an unknown origin',
      { 'routes/hoge/x.yaml': 'hostname: x.hoge.com\norigin: hme\nport: 1\n' },
      ['routes/hoge/x.yaml:2:9 KK304'],
    ],
    [
      'an origin of another team',
      { 'routes/fuga/x.yaml': 'hostname: x.fuga.com\norigin: home\nport: 1\n' },
      ['routes/fuga/x.yaml:2:9 KK305'],
    ],
    [
      'one name in two spellings',
      { 'routes/hoge/x.yaml': 'hostname: APP.hoge.com.\norigin: home\nport: 1\n' },
      ['routes/hoge/app.yaml:1:11 KK303', 'routes/hoge/x.yaml:1:11 KK303'],
    ],
    [
      'burst alone',
      { 'routes/hoge/x.yaml': 'hostname: x.hoge.com\norigin: home\nport: 1\nlimits: {burst: 3}\n' },
      ['routes/hoge/x.yaml:4:17 KK307'],
    ],
    ['a removed origin', { 'origins/home.yaml': undefined }, ['routes/hoge/app.yaml:2:9 KK304']],
    [
      'unknown teams of an origin',
      { 'origins/home.yaml': GOOD['origins/home.yaml']!.replace('[hoge]', '[hoge, nobody]') },
      ['origins/home.yaml:2:15 KK301'],
    ],
    [
      'an address outside',
      { 'edges/tokyo-1.yaml': GOOD['edges/tokyo-1.yaml']!.replace('10.100.0.1', '10.99.0.1') },
      ['edges/tokyo-1.yaml:2:22 KK405'],
    ],
    [
      'a token in two spellings',
      {
        'edges/tokyo-1.yaml': GOOD['edges/tokyo-1.yaml']!.replace(token('3'), token('a').slice('sha256:'.length)),
        'origins/home.yaml': GOOD['origins/home.yaml']!.replace(token('1'), token('a')),
      },
      ['edges/tokyo-1.yaml:3:8 KK407', 'origins/home.yaml:4:8 KK407'],
    ],
  ])('finds %s', (_, change, expected) => {
    expect(found(change)).toEqual(expected);
  });

  it('does not depend on the order of the files', () => {
    const bad = {
      ...GOOD,
      'routes/hoge/a.yaml': GOOD['routes/hoge/app.yaml']!,
      'routes/hoge/b.yaml': GOOD['routes/hoge/app.yaml']!,
      'routes/fuga/c.yaml': GOOD['routes/hoge/app.yaml']!,
      'routes/nobody/d.yaml': 'hostname: d.nobody.com\norigin: hoem\nport: 1\npool: asai\n',
      'edges/x.yaml': GOOD['edges/tokyo-1.yaml']!,
      'origins/x.yaml': GOOD['origins/home.yaml']!.replace('home', 'tokyo-1'),
    };
    const files = loaded(bad);
    const expected = checkAll(viewOf(files));
    expect(expected.length).toBeGreaterThan(10);
    fc.assert(
      fc.property(fc.shuffledSubarray(files, { minLength: files.length }), (shuffled) => {
        expect(checkAll(viewOf(shuffled))).toEqual(expected);
      }),
      { numRuns: 50 },
    );
  });

  it("says the same of the reconciler's own index", () => {
    const files = loaded({
      ...GOOD,
      'origins/home.yaml': undefined,
      'routes/hoge/b.yaml': GOOD['routes/hoge/app.yaml']!,
      'edges/x.yaml': 'name: [',
    });
    const desired = updateDesired(
      emptyDesired(),
      files.map((file) => ({ path: file.path, file })),
    );
    expect(checkAll(viewOf(files))).toHaveLength(4);
    expect(checkAll(viewOfDesired(desired))).toEqual(checkAll(viewOf(files)));
  });

  it('is checkFleet and every checkRoute', () => {
    const files = loaded({ ...GOOD, 'origins/home.yaml': undefined, 'edges/x.yaml': GOOD['edges/tokyo-1.yaml']! });
    const view = viewOf(files);
    const parts = [...checkFleet(view), ...[...view.routes].flatMap(({ path }) => checkRoute(view, path))];
    expect(checkAll(view)).toEqual(expect.arrayContaining(parts));
    expect(checkAll(view)).toHaveLength(parts.length);
  });
});

describe('an unknown origin', () => {
  const said = (path: string, change: Record<string, string> = {}) =>
    checkRoute(
      viewOf(loaded({ ...GOOD, ...change, [path]: 'hostname: x.hoge.com\norigin: hme\nport: 1\n' })),
      path,
    ).map(({ message, hint }) => [message, hint]);

  it('is answered with those that the team may use', () => {
    expect(said('routes/hoge/x.yaml')).toEqual([
      ['found the origin hme, expected one of home, office', 'did you mean home?'],
    ]);
    expect(said('routes/fuga/x.yaml').at(-1)).toEqual([
      'found the origin hme, expected one of office',
      'add it with: kokoa origin add hme',
    ]);
  });

  it('is answered with those that cannot be read too, as they may list the team', () => {
    expect(said('routes/fuga/x.yaml', { 'origins/home.yaml': 'name: [' }).at(-1)?.[0]).toContain('home, office');
  });

  it('says when there is none for the team', () => {
    const nobody = { 'origins/office.yaml': GOOD['origins/office.yaml']!.replace('fuga, ', '') };
    expect(said('routes/fuga/x.yaml', nobody).at(-1)?.[0]).toBe(
      'found the origin hme, expected one that lists team fuga: there is none',
    );
  });

  it('of a team that is not there either is answered with all', () => {
    expect(said('routes/hog/x.yaml').map(([message]) => message)).toEqual([
      'found the team hog, expected one of fuga, hoge',
      'found the origin hme, expected one of home, office',
    ]);
  });
});

describe('blame', () => {
  const broken = 'hostname: app.hoge.com\norigin: home\nport: 0\n';

  it('a broken file that claims a good route is told so, the good one is left alone', () => {
    expect(found({ 'routes/hoge/new.yaml': broken })).toEqual(['routes/hoge/new.yaml:1:11 KK303']);
  });

  it('routes are not blamed for a broken kokoa.yaml', () => {
    expect(found({ 'kokoa.yaml': 'teams: [' })).toEqual([]);
  });

  it('routes are not blamed for a broken origin', () => {
    expect(found({ 'origins/home.yaml': 'name: [' })).toEqual([]);
  });

  it('a missing kokoa.yaml is said once', () => {
    expect(found({ 'kokoa.yaml': undefined })).toEqual(['kokoa.yaml:1:1 KK401']);
  });

  it('a claim names the other files, but not all of very many', () => {
    const many = Object.fromEntries(
      Array.from({ length: 50 }, (_, i) => [
        `routes/hoge/x${String(i).padStart(2, '0')}.yaml`,
        GOOD['routes/hoge/app.yaml']!,
      ]),
    );
    const view = viewOf(loaded({ ...GOOD, ...many }));
    expect(checkRoute(view, 'routes/hoge/app.yaml')).toMatchObject([
      {
        message:
          'found the hostname app.hoge.com, also claimed by routes/hoge/x00.yaml, routes/hoge/x01.yaml, routes/hoge/x02.yaml and 47 more, expected one file per hostname',
      },
    ]);
  });

  it('a node without a token is a warning, unless it is revoked on purpose', () => {
    const edge = GOOD['edges/tokyo-1.yaml']!.replace(/token.*\n/, '');
    const severities = (text: string) =>
      checkFleet(viewOf(loaded({ ...GOOD, 'edges/tokyo-1.yaml': text }))).map(({ rule, severity }) => [rule, severity]);
    expect(severities(edge)).toEqual([['KK409', 'warning']]);
    expect(severities(`${edge}state: suspended\n`)).toEqual([['KK409', 'warning']]);
    expect(severities(`${edge}state: revoked\n`)).toEqual([]);
  });

  it('asks the limits of kokoa.yaml before it misses a rate', () => {
    const route = 'hostname: x.hoge.com\norigin: home\nport: 1\nlimits: {burst: 3}\n';
    expect(
      found({ 'routes/hoge/x.yaml': route, 'kokoa.yaml': `${KOKOA}defaults: {limits: {requestsPerSecond: 5}}\n` }),
    ).toEqual([]);
  });

  it('asks again of the same file under another kokoa.yaml, and under the first one once more', () => {
    const route = loaded({ 'routes/hoge/x.yaml': 'hostname: x.hoge.com\norigin: home\nport: 1\nlimits: {burst: 3}\n' });
    const rulesUnder = (text: string) =>
      checkAll(viewOf([...route, ...loaded({ ...GOOD, 'kokoa.yaml': text })])).map(({ rule }) => rule);
    expect(rulesUnder(KOKOA)).toEqual(['KK307']);
    expect(rulesUnder(`${KOKOA}defaults: {limits: {requestsPerSecond: 5}}\n`)).toEqual([]);
    expect(rulesUnder(KOKOA)).toEqual(['KK307']);
  });

  it('answers nothing for a path that is no route', () => {
    expect(checkRoute(viewOf(loaded(GOOD)), 'routes/hoge/none.yaml')).toEqual([]);
  });
});

describe('addresses', () => {
  it.each([
    ['10.100.0.0/16', undefined],
    ['192.168.7.8/29', undefined],
    ['100.64.0.0/10', undefined],
    ['10.0.0.0/8', undefined],
    ['10.100.0.0/7', 'a prefix between /8 and /29'],
    ['10.100.0.0/30', 'a prefix between /8 and /29'],
    ['10.100.1.0/16', "the network's own address, 10.100.0.0/16"],
    ['203.0.113.0/24', 'a private network (RFC 1918 or RFC 6598)'],
    ['172.0.0.0/8', 'a private network (RFC 1918 or RFC 6598)'],
    ['169.254.0.0/16', 'a private network (RFC 1918 or RFC 6598)'],
    ['300.1.1.1/16', 'an IPv4 network such as 10.100.0.0/16'],
    ['10/16', 'an IPv4 network such as 10.100.0.0/16'],
  ])('the network %s expects %s', (cidr, expected) => {
    const network = parseNetwork(cidr);
    expect('expected' in network ? network.expected : undefined).toBe(expected);
  });

  it('a host address is any but the first and the last', () => {
    const network = parseNetwork('10.1.2.8/29');
    if ('expected' in network) throw new Error(network.expected);
    const good = Array.from({ length: 256 }, (_, last) => `10.1.2.${last}`).filter(
      (address) => expectedAddress(network, address) === undefined,
    );
    expect(good).toEqual(['10.1.2.9', '10.1.2.10', '10.1.2.11', '10.1.2.12', '10.1.2.13', '10.1.2.14']);
  });

  it.each([
    ['203.0.113.7:51820', true],
    ['[2001:db8::7]:51820', true],
    ['203.0.113.7', false],
    ['203.0.113.7:0', false],
    ['203.0.113.7:65536', false],
    ['203.0.113.7:051820', false],
    ['203.0.113:51820', false],
    ['0x7f.0.0.1:51820', false],
    ['2001:db8::7:51820', false],
    ['[fe80::1%eth0]:51820', false],
    ['home.hoge.com:51820', false],
    ['203.0.113.7:51820\n', false],
  ])('%j is an endpoint: %s', (text, expected) => {
    expect(isEndpoint(text)).toBe(expected);
  });

  it.each([
    ['https://control.hoge.com:8443', { loopback: false, secure: true }],
    ['http://127.0.0.1:8080', { loopback: true, secure: false }],
    ['http://[::1]:8080', { loopback: true, secure: false }],
    ['http://localhost', { loopback: true, secure: false }],
    ['http://10.0.0.1', { loopback: false, secure: false }],
    ['https://[[', undefined],
    ['https://a:99999', undefined],
  ])('the URL %s is %o', (text, expected) => {
    expect(parseUrl(text)).toEqual(expected);
  });
});
