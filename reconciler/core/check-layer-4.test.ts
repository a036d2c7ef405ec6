import { describe, expect, it } from 'vitest';
import type { Kokoa } from '../../schemas/types.ts';
import { checkAll, viewOf } from './check.ts';
import { viewOfDesired } from './desired-view.ts';
import type { AnyLoadedFile } from './files.ts';
import { loadFile } from './load.ts';
import { desiredOf, edge, kokoa, origin } from './world.fixture.ts';

const TEAM = { name: 'hoge', hostnames: ['*.hoge.com'], ports: [25565, '30000-30100'] };
const POOLS = [{ name: 'default', tlsPassthrough: true }, { name: 'plain' }];
const REST = [kokoa({ teams: [TEAM], pools: POOLS }), edge('tokyo-1'), origin('home')];

const TO = 'origin: home\nport: 8080\n';
const TLS = `hostname: app.hoge.com\nprotocol: tls\nproxyProtocol: true\n${TO}`;
const TCP = `protocol: tcp\npublicPort: 25565\nproxyProtocol: true\n${TO}`;
const UDP = `protocol: udp\npublicPort: 25565\n${TO}`;

function routeFile(text: string, name = 'app'): AnyLoadedFile {
  return loadFile(`routes/hoge/${name}.yaml`, name, Buffer.from(text));
}

/** `line:column rule` of what is said of routes; asked twice, of a list and of an index. */
function found(texts: readonly string[], rest: readonly AnyLoadedFile[] = REST): string[] {
  const routes = texts.map((text, index) => routeFile(text, `r${index}`));
  const all = [...rest, ...routes];
  const said = [...routes.flatMap(({ problems }) => problems), ...checkAll(viewOf(all))];
  expect(checkAll(viewOfDesired(desiredOf(all)))).toEqual(checkAll(viewOf(all)));
  return said.map(({ file, line, column, rule }) => `${file.replace(/^.*\/|\.yaml$/g, '')}:${line}:${column} ${rule}`);
}

/** The rules that a kokoa.yaml with this in it breaks. */
function broken(more: Partial<Kokoa>, ...edges: AnyLoadedFile[]): string[] {
  return checkAll(viewOf([kokoa(more), ...edges])).map(({ rule, message }) => `${rule} ${message}`);
}

describe('a route of layer 4', () => {
  it.each([
    ['tls', TLS],
    ['tls of every name', TLS.replace('app', "'*.app").replace('.com', ".com'")],
    ['tcp', TCP],
    ['udp', UDP],
    ['tcp on the last port of a range', TCP.replace('25565', '30100')],
    ['udp on the first port of a range', UDP.replace('25565', '30000')],
  ])('is good: %s', (_, text) => {
    expect(found([text])).toEqual([]);
  });

  it.each([
    ['allow: [203.0.113.0/24]', '', '', ''],
    ['deny: [203.0.113.0/24]', '', '', ''],
    ['pool: default', '', '', ''],
    ['expiresAt: 2027-03-31T18:00Z', '', '', ''],
    ['host: 192.168.1.20', '', '', ''],
    ['sticky: true', '', '', ''],
    ['limits: {connections: 5}', 'KK338', '', ''],
    ['limits: {requestsPerSecond: 5}', 'KK338', 'KK338', 'KK338'],
    ['limits: {maxBody: 5k}', 'KK338', 'KK338', 'KK338'],
    ['timeouts: {connect: 2s}', 'KK338', '', 'KK338'],
    ['timeouts: {read: 2h}', 'KK338', '', ''],
    ['timeouts: {send: 2h}', 'KK338', 'KK338', 'KK338'],
    ['auth: {basic: {users: {file: a}}}', 'KK338', 'KK338', 'KK338'],
    ['paths: [{prefix: /a, public: true}]', 'KK338', 'KK338', 'KK338'],
    ['headers: {request: {remove: [A]}}', 'KK338', 'KK338', 'KK338'],
    ['hsts: {maxAge: 0}', 'KK338', 'KK338', 'KK338'],
    ['tls: {certificate: {file: a}}', 'KK338', 'KK338', 'KK338'],
    ['maintenance: {allow: []}', 'KK338', 'KK338', 'KK338'],
    ["errorPages: {'404': a}", 'KK338', 'KK338', 'KK338'],
    ['originTls: {verify: none}', 'KK338', 'KK338', 'KK338'],
  ])('with %s is told by tls: "%s", by tcp: "%s", by udp: "%s"', (line, ...rules) => {
    const said = [TLS, TCP, UDP].map((text) => found([`${text}${line}\n`]).map((one) => one.split(' ')[1]));
    expect(said).toEqual(rules.map((rule) => (rule === '' ? [] : [rule])));
  });

  it('is told of a redirect once, at its key', () => {
    const only = TLS.replace(TO, 'redirect: {to: https://www.hoge.com}\n');
    expect(found([only])).toEqual(['r0:4:1 KK338']);
  });

  it.each([
    ['KK336', TCP.replace('publicPort: 25565\n', ''), 'r0:1:11'],
    ['KK336', UDP.replace('publicPort: 25565\n', ''), 'r0:1:11'],
    ['KK336', `hostname: app.hoge.com\n${TO}publicPort: 25565\n`, 'r0:4:13'],
    ['KK336', `${TLS}publicPort: 25565\n`, 'r0:6:13'],
    ['KK337', TCP.replace('proxyProtocol: true\n', ''), 'r0:1:11'],
    ['KK337', TLS.replace('proxyProtocol: true\n', ''), 'r0:2:11'],
    ['KK337', `${UDP}proxyProtocol: false\n`, 'r0:5:16'],
    ['KK337', `hostname: app.hoge.com\n${TO}proxyProtocol: true\n`, 'r0:4:16'],
    ['KK339', TCP.replace('true', 'false'), 'r0:3:16'],
    ['KK339', TLS.replace('true', 'false'), 'r0:3:16'],
    ['KK340', TCP.replace('25565', '25564'), 'r0:2:13'],
    ['KK340', UDP.replace('25565', '30101'), 'r0:2:13'],
    ['KK350', TCP.replace('25565', '443'), 'r0:2:13'],
    ['KK346', `${TLS}pool: plain\n`, 'r0:2:11'],
    ['KK306', `${TLS}pool: nobody\n`, 'r0:6:7'],
    ['KK335', `hostname: app.hoge.com\n${TCP}`, 'r0:1:11'],
    ['KK113', TO, 'r0:1:1'],
    ['KK113', TLS.replace('hostname: app.hoge.com\n', ''), 'r0:1:1'],
  ])('breaks %s: %j', (rule, text, at) => {
    expect(found([text])).toEqual([`${at} ${rule}`]);
  });

  it('is no reason to hold anything back where it only warns', () => {
    const problems = checkAll(viewOf([...REST, routeFile(TCP.replace('true', 'false'))]));
    expect(problems.map(({ severity }) => severity)).toEqual(['warning']);
  });

  it('is not blamed where there is no kokoa.yaml to ask', () => {
    const rest = [loadFile('kokoa.yaml', 'k', Buffer.from('teams: [')), origin('home')];
    expect(found([TLS, TCP, TCP.replace('25565', '1')], rest)).toEqual([]);
  });
});

describe('a public port', () => {
  it('is one route of a pool, however the pool is named', () => {
    expect(found([TCP, `${TCP}pool: default\n`, UDP, `${TCP}pool: plain\n`])).toEqual([
      'r0:2:13 KK345',
      'r1:2:13 KK345',
    ]);
  });

  it('belongs to another pool when another one is the default', () => {
    const turned = [kokoa({ teams: [TEAM], pools: [...POOLS].reverse() }), origin('home')];
    expect(found([TCP, `${TCP}pool: default\n`, `${TCP}pool: plain\n`], turned)).toEqual([
      'r0:2:13 KK345',
      'r2:2:13 KK345',
    ]);
  });

  it('is not taken by a file that is broken', () => {
    expect(found([TCP, `${TCP}port: a\n`]).filter((one) => one.startsWith('r0'))).toEqual([]);
  });
});

describe('grants of ports', () => {
  const granted = (ports: string[], ...edges: AnyLoadedFile[]) =>
    broken({ teams: [{ ...TEAM, ports }] }, ...edges).map((said) => said.replace(/:.*/, ''));
  const kept = (name: string, port?: number) =>
    edge(name, { wireguard: { address: `10.100.0.${name.slice(-1)}`, ...(port !== undefined && { port }) } });

  it.each([
    [['25565', '30000-30100'], []],
    [['51820'], []],
    [['23-79', '81-442', '444-65535'], []],
    [['22'], ['KK350 teams[0].ports[0]']],
    [['80'], ['KK350 teams[0].ports[0]']],
    [['443'], ['KK350 teams[0].ports[0]']],
    [['1-65535'], ['KK350 teams[0].ports[0]']],
    [['2-1'], ['KK349 teams[0].ports[0]']],
    [['1000-2000', '2000-3000'], ['KK118 teams[0].ports[1]']],
    [['1000-2000', '2001-3000', '1500'], ['KK118 teams[0].ports[2]']],
  ])('%j: %j', (ports, said) => {
    expect(granted(ports)).toEqual(said);
  });

  it('leave out the tunnel ports of all edges, 51820 where a file says none', () => {
    const edges = [kept('tokyo-1'), kept('osaka-2', 40_000)];
    expect(granted(['50000-60000', '39999-40000', '41000'], ...edges)).toEqual([
      'KK350 teams[0].ports[0]',
      'KK350 teams[0].ports[1]',
    ]);
    expect(granted(['51820'], kept('osaka-2', 40_000))).toEqual([]);
  });

  it('of a team that stands there twice are those of both, so that only that is said', () => {
    const twice = kokoa({ teams: [TEAM, { ...TEAM, ports: ['40000'] }], pools: POOLS });
    expect(found([TCP, TCP.replace('25565', '40000')], [twice, origin('home')])).toEqual([
      'kokoa:1:1 KK403',
      'kokoa:1:1 KK403',
    ]);
  });

  it('say what is left of a range', () => {
    const [problem] = checkAll(viewOf([kokoa({ teams: [{ ...TEAM, ports: ['50000-60000'] }] }), kept('tokyo-1')]));
    expect(problem?.hint).toBe('write 50000-51819, 51821-60000');
  });
});

describe('the load balancer of a pool', () => {
  const from = (...proxyProtocolFrom: string[]) =>
    broken({ pools: [{ name: 'default', proxyProtocolFrom }] }).map((said) => said.replace(/:.*/, ''));

  it.each([
    [['203.0.113.0/24', '203.0.113.7', '2001:db8::/32'], []],
    [['0.0.0.0/1'], []],
    [['0.0.0.0/0'], ['KK351 pools[0].proxyProtocolFrom[0]']],
    [['203.0.113.0/24', '::/0'], ['KK351 pools[0].proxyProtocolFrom[1]']],
    [['203.0.113.1/24'], ['KK318 pools[0].proxyProtocolFrom[0]']],
    [['lb.example'], ['KK318 pools[0].proxyProtocolFrom[0]']],
    [['203.0.113.7', '203.0.113.7/32'], ['KK118 pools[0].proxyProtocolFrom[1]']],
  ])('at %j: %j', (networks, said) => {
    expect(from(...networks)).toEqual(said);
  });
});

describe('stripPrefix', () => {
  const site = (protocol: string, path: string) =>
    found([`hostname: app.hoge.com\n${TO}protocol: ${protocol}\npaths: [{prefix: /a, stripPrefix: true${path}}]\n`]);

  it.each([
    ['h2c', '', ['r0:5:35 KK347']],
    ['h2c', ', origin: home, port: 1', []],
    ['http', ', origin: home, port: 1, protocol: h2c', ['r0:5:35 KK347']],
    ['http', '', []],
    ['h2c', ', backends: [{origin: home, port: 1}]', []],
    ['http', ', backends: [{origin: home, port: 1}], protocol: h2c', ['r0:5:35 KK347']],
  ])('on a %s route, of a path with "%s": %j', (protocol, path, said) => {
    expect(site(protocol, path)).toEqual(said);
  });
});
