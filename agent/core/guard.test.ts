// What is refused although it is signed, and what must pass.
import { describe, expect, test } from 'vitest';
import type { Chunk, EdgeConfig, OriginConfig, WireRoute, WireStream } from '../../bundle/config.ts';
import { loadTemplates } from '../adapters/templates.ts';
import { GUARDED_HOSTS_MIN, guardConfig, guardTree } from './guard.ts';
import { CLASSES_MAX, SPARED_UPSTREAMS_MAX } from './guard-routes.ts';
import { without } from './left-out.ts';
import { renderNginx } from './render-nginx.ts';

const templates = await loadTemplates();

describe('a config', () => {
  test('with backends behind peers passes', () => {
    expect(guardConfig(edge(), [{ routes: [route('a.hoge.com')] }])).toEqual({
      ok: true,
      withoutPeer: [],
      leftOut: [],
    });
  });

  test('whose origin has not announced its keys passes and is named', () => {
    const verdict = guardConfig(edge(), [{ routes: [route('a.hoge.com', '10.100.9.9'), route('b.hoge.com')] }]);
    expect(verdict).toEqual({ ok: true, withoutPeer: ['a.hoge.com'], leftOut: [] });
  });

  const routes: [string, string, unknown][] = [
    ['a backend on loopback', 'address_outside_network', route('a.hoge.com', '127.0.0.1')],
    ['a backend in another private network', 'address_outside_network', route('a.hoge.com', '192.168.1.1')],
    ['a backend at the metadata address', 'address_outside_network', route('a.hoge.com', '169.254.169.254')],
    ['a backend on the internet', 'address_outside_network', route('a.hoge.com', '8.8.8.8')],
    ['a backend with IPv6', 'address_outside_network', route('a.hoge.com', '::ffff:10.100.1.1')],
    ['a backend with a name', 'address_outside_network', route('a.hoge.com', 'localhost')],
    ['a backend in octal', 'address_outside_network', route('a.hoge.com', '10.100.001.1')],
    ['a backend in a short form', 'address_outside_network', route('a.hoge.com', '10.6553857')],
    ['a backend at the network itself', 'address_outside_network', route('a.hoge.com', '10.100.0.0')],
    ['a backend at the broadcast address', 'address_outside_network', route('a.hoge.com', '10.100.255.255')],
    ['a backend that is no text', 'address_outside_network', route('a.hoge.com', 7 as unknown as string)],
    ['a backend that is the node itself', 'backend_is_self', route('a.hoge.com', '10.100.0.1')],
    ['a hostname with a directive', 'hostname_invalid', route('a.com;load_module x')],
    ['a hostname in upper case', 'hostname_invalid', route('A.hoge.com')],
    ['a hostname of one label', 'hostname_invalid', route('localhost')],
    ['a regex for a hostname', 'hostname_invalid', route('~.*')],
    ['no limits at all', 'config_malformed', { hostname: 'a.hoge.com', backends: route('a.hoge.com').backends }],
    ['a route of null', 'config_malformed', null],
    ['a path outside', 'address_outside_network', { ...route('a.hoge.com'), paths: [path('/..', '8.8.8.8')] }],
    ['a path to the node itself', 'backend_is_self', { ...route('a.hoge.com'), paths: [path('/a', '10.100.0.1')] }],
    ['a login outside', 'address_outside_network', { ...route('a.hoge.com'), auth: login('169.254.169.254') }],
    ['a login that is the node itself', 'backend_is_self', { ...route('a.hoge.com'), auth: login('10.100.0.1') }],
    [
      'a login outside, on a route that only redirects',
      'address_outside_network',
      { ...route('a.hoge.com'), backends: [], redirect: { to: 'https://b.com', status: 302 }, auth: login('8.8.8.8') },
    ],
  ];
  test.each(routes)('with %s is refused as %s', (_title, code, bad) => {
    const verdict = guardConfig(edge(), [{ routes: [route('good.hoge.com'), bad as WireRoute] }]);
    expect(verdict).toMatchObject({ ok: false, code });
  });

  const mistakes: [string, Record<string, unknown>][] = [
    ['port 0', { backends: [{ address: '10.100.1.1', port: 0 }] }],
    ['a port with a directive', { backends: [{ address: '10.100.1.1', port: '80;' }] }],
    ['a weight of nothing', { backends: [{ address: '10.100.1.1', port: 80, weight: 0 }] }],
    ['no backend', { backends: [] }],
    ['backups only', { backends: [{ address: '10.100.1.1', port: 80, backup: true }] }],
    ['sticky backends and a backup', { sticky: true, backends: [...plain(1), { ...plain(1)[0], backup: true }] }],
    ['too many backends', { backends: plain(17) }],
    ['no limit of the body', { limits: { maxBodyBytes: 0 } }],
    ['a rate of text', { limits: { maxBodyBytes: 1, requestsPerSecond: '1' } }],
    ['a negative burst', { limits: { maxBodyBytes: 1, requestsPerSecond: 1, burst: -1 } }],
    ['a prefix that climbs', { paths: [path('/a/../b')] }],
    ['a prefix of ours', { paths: [path('/.kokoa/x')] }],
    ['two prefixes that differ in case', { paths: [path('/a'), path('/A')] }],
    ['a prefix that ends a directive', { paths: [path('/a;')] }],
    ['a path without a backend', { paths: [{ ...path('/a'), backends: [] }] }],
    ['a login at port 0', { auth: { ...login(), port: 0 } }],
    ['a login with a directive', { auth: { ...login(), path: '/x;' } }],
    ['a sign-in with a variable', { auth: { ...login(), signIn: '/$host' } }],
    ['an identity header with a space', { auth: { ...login(), identityHeaders: ['X A'] } }],
    ['an allowed network that is none', { allow: ['everybody'] }],
    ['a denied network with a directive', { deny: ['10.0.0.0/8 1; include x'] }],
    ['a maintenance of text', { maintenance: { allow: ['x'] } }],
    ['a header with a variable', { headers: { request: { set: [{ name: 'X', value: '$ssl_client_cert' }] } } }],
    ['a header with a brace in its name', { headers: { response: { set: [{ name: 'X}', value: 'x' }] } } }],
    ['a header that is dropped by no name', { headers: { response: { remove: ['a b'] } } }],
    ['a timeout of text', { timeouts: { readMs: '1; include x' } }],
    ['an age with a variable', { hsts: { maxAge: '$host' } }],
    ['a redirect with a variable', { redirect: { to: 'https://$host', status: 302 } }],
    ['a redirect with a status of text', { redirect: { to: 'https://a.com', status: '302;' } }],
    ['a name of the origin’s certificate', { protocol: 'https', originTls: { verify: 'none', serverName: 'A b' } }],
    ['a passing connection with a network of text', { protocol: 'tls', allow: ['x'] }],
  ];
  test.each(mistakes)('with %s leaves that route out alone, and the tree of the others passes', (_title, change) => {
    const bad = { ...route('bad.hoge.com'), ...change } as WireRoute;
    const chunks = [{ routes: [bad, route('good.hoge.com')] }];
    const verdict = guardConfig(edge(), chunks);
    expect(verdict).toEqual({
      ok: true,
      withoutPeer: [],
      leftOut: [{ name: 'bad.hoge.com', reason: expect.stringMatching(/^[ -~]{10,300}$/) }],
    });
    if (!verdict.ok) throw new Error('refused');
    const fit = without({ config: edge(), chunks }, verdict.leftOut);
    expect(fit.chunks).toEqual([{ routes: [route('good.hoge.com')] }]);
  });

  test('whose only host has a mistake is refused: nobody would be helped', () => {
    const bad = { ...route('bad.hoge.com'), backends: [] };
    expect(guardConfig(edge(), [{ routes: [bad] }])).toMatchObject({ ok: false, code: 'nothing_left' });
  });

  const streams: [string, Partial<WireStream>][] = [
    ['the port of the tunnels', { protocol: 'udp', port: 51_820 }],
    ['a PROXY header in datagrams', { protocol: 'udp', proxyProtocol: true }],
    ['no backend', { backends: [] }],
    ['a network that is none', { allow: ['x;'] }],
  ];
  test.each(streams)('with %s leaves that public port out alone', (_title, change) => {
    const stream: WireStream = { protocol: 'tcp', port: 25_565, backends: plain(1), ...change };
    const other: WireStream = { protocol: 'tcp', port: 25_566, backends: plain(1) };
    const config = withStreams([stream, other]);
    const name = `${stream.protocol} ${stream.port}`;
    const verdict = guardConfig(config, []);
    expect(verdict).toMatchObject({ ok: true, leftOut: [{ name }] });
    expect(without({ config, chunks: [] }, [{ name, reason: '' }]).config).toEqual(withStreams([other]));
  });

  test.each<[string, string, Partial<WireStream>[]]>([
    ['SSH', 'stream_invalid', [{ port: 22 }]],
    ['HTTPS', 'stream_invalid', [{ port: 443 }]],
    ['no port', 'stream_invalid', [{ port: 70_000 }]],
    ['one port twice', 'stream_invalid', [{ port: 1 }, { port: 1 }]],
    ['a way outside', 'address_outside_network', [{ port: 1, backends: [{ address: '8.8.8.8', port: 1 }] }]],
    ['a way to itself', 'backend_is_self', [{ port: 1, backends: [{ address: '10.100.0.1', port: 1 }] }]],
  ])('with %s as a public port is refused', (_title, code, changes) => {
    const list = changes.map((change) => ({ protocol: 'tcp', port: 1, backends: plain(1), ...change }) as WireStream);
    expect(guardConfig(withStreams(list), [])).toMatchObject({ ok: false, code });
  });

  test('with one host in two chunks is refused', () => {
    const verdict = guardConfig(edge(), [{ routes: [route('a.hoge.com')] }, { routes: [route('a.hoge.com')] }]);
    expect(verdict).toMatchObject({ ok: false, code: 'duplicate_hostname' });
  });

  test.each([
    ['the whole internet', '0.0.0.0/0'],
    ['loopback', '127.0.0.0/8'],
    ['a public network', '8.8.0.0/16'],
    ['a network that leaves the private range', '10.0.0.0/7'],
    ['a network without hosts', '10.0.0.0/30'],
    ['link-local', '169.254.0.0/16'],
    ['no network', 'everything'],
  ])('whose network is %s is refused', (_title, wireguard) => {
    expect(guardConfig({ ...edge(), network: { wireguard } }, [])).toMatchObject({
      ok: false,
      code: 'network_not_private',
    });
  });

  test('on loopback passes only where the machine’s own settings say so', () => {
    const config: EdgeConfig = {
      ...edge(),
      network: { wireguard: '127.0.0.0/8' },
      wireguard: { address: '127.0.0.2', peers: [] },
    };
    expect(guardConfig(config, [])).toMatchObject({ ok: false });
    expect(guardConfig(config, [], undefined, { allowLoopback: true })).toMatchObject({ ok: true });
  });

  test.each([
    ['the node outside the network', 'address_outside_network', { address: '10.99.0.1', peers: [] }],
    [
      'a peer outside the network',
      'address_outside_network',
      { address: '10.100.0.1', peers: [peer('x', '10.99.0.1')] },
    ],
    [
      'two peers at one address',
      'peers_overlap',
      { address: '10.100.0.1', peers: [peer('x', '10.100.1.1'), peer('y', '10.100.1.1')] },
    ],
    ['a peer at the node’s address', 'peers_overlap', { address: '10.100.0.1', peers: [peer('x', '10.100.0.1')] }],
    [
      'two peers with one key',
      'peers_overlap',
      { address: '10.100.0.1', peers: [peer('x', '10.100.1.1'), { ...peer('x', '10.100.1.2') }] },
    ],
    [
      'a next key that is another peer’s',
      'peers_overlap',
      {
        address: '10.100.0.1',
        peers: [peer('x', '10.100.1.1'), { ...peer('y', '10.100.1.2'), nextPublicKey: peer('x', '').publicKey }],
      },
    ],
  ])('with %s is refused, for an origin too', (_title, code, wireguard) => {
    const origin: OriginConfig = { ...base(), role: 'origin', origin: { ports: [] }, wireguard };
    expect(guardConfig({ ...edge(), wireguard }, [])).toMatchObject({ ok: false, code });
    expect(guardConfig(origin, [])).toMatchObject({ ok: false, code });
  });

  test('never makes an edge of an origin, nor an origin of an edge', () => {
    const { wireguard } = edge();
    const origin: OriginConfig = { ...base(), role: 'origin', origin: { ports: [] }, wireguard };
    const changed = { ok: false, code: 'role_changed' };
    expect(guardConfig(edge(), [], undefined, { role: 'origin' })).toMatchObject(changed);
    expect(guardConfig(origin, [], undefined, { role: 'edge' })).toMatchObject(changed);
    // A machine that joined before its role was kept goes by what it runs.
    expect(guardConfig(edge(), [], { config: origin, chunks: [] })).toMatchObject(changed);
    expect(guardConfig(origin, [], { config: edge(), chunks: [] }, { role: 'origin' })).toMatchObject({ ok: true });
  });

  test.each([[undefined], [null], [{}], [{ role: 'edge' }], ['text']])(
    'that is %j is refused without a crash',
    (config) => {
      expect(guardConfig(config as unknown as EdgeConfig, [])).toMatchObject({ ok: false, code: 'config_malformed' });
    },
  );

  test('with more classes or lists of backends than a web server carries is refused', () => {
    const classes = hosts(CLASSES_MAX + 1).map((each, index) => ({ ...each, limits: { maxBodyBytes: index + 1 } }));
    expect(guardConfig(edge(), [{ routes: classes.slice(1) }])).toMatchObject({ ok: true });
    expect(guardConfig(edge(), [{ routes: classes }])).toMatchObject({ ok: false, code: 'too_many_classes' });
    const backends = (port: number) => [
      { address: '10.100.1.1', port },
      { address: '10.100.1.1', port: 1 },
    ];
    const spared = hosts(SPARED_UPSTREAMS_MAX + 1).map((each, index) => ({ ...each, backends: backends(index + 2) }));
    expect(guardConfig(edge(), [{ routes: spared }])).toMatchObject({ ok: false, code: 'too_many_upstreams' });
  });
});

describe('how much may vanish at once', () => {
  test.each([
    ['the last route', 1, 0, true],
    ['all of nine', 9, 0, true],
    ['all of ten', 10, 0, false],
    ['eight of ten', 10, 2, true],
    ['nine of ten', 10, 1, false],
    ['81 of 100', 100, 19, false],
    ['80 of 100', 100, 20, true],
  ])('%s: from %i hosts to %i passes: %s', (_title, before, after, passes) => {
    const verdict = guardConfig(edge(), chunksOf(hosts(after)), { config: edge(), chunks: chunksOf(hosts(before)) });
    expect(verdict).toMatchObject(passes ? { ok: true } : { ok: false, code: 'too_many_hosts_vanish' });
  });

  test('what is left out counts as vanished', () => {
    const spoiled = hosts(20).map((each, index) => (index < 17 ? { ...each, backends: [] } : each));
    const before = { config: edge(), chunks: chunksOf(hosts(20)) };
    expect(guardConfig(edge(), chunksOf(spoiled), before)).toMatchObject({ ok: false, code: 'too_many_hosts_vanish' });
    expect(guardConfig(edge(), chunksOf(spoiled))).toMatchObject({ ok: true, leftOut: { length: 17 } });
  });

  test('replacing every host counts as vanishing', () => {
    const others = hosts(GUARDED_HOSTS_MIN).map((each) => ({ ...each, hostname: `new-${each.hostname}` }));
    const verdict = guardConfig(edge(), chunksOf(others), {
      config: edge(),
      chunks: chunksOf(hosts(GUARDED_HOSTS_MIN)),
    });
    expect(verdict).toMatchObject({ ok: false, code: 'too_many_hosts_vanish' });
  });

  test('an edge that moves to another pool may change all its hosts', () => {
    const moved = { ...edge(), edge: { ...edge().edge, pool: 'other' } };
    expect(guardConfig(moved, [], { config: edge(), chunks: chunksOf(hosts(50)) })).toMatchObject({ ok: true });
  });
});

describe('a rendered tree', () => {
  test('as the templates make it passes', () => {
    expect(guardTree(tree())).toEqual({ ok: true });
  });

  test.each([
    'load_module modules/evil.so;',
    'perl_modules /tmp;',
    'lua_code_cache on;',
    'root /etc;',
    'alias /etc/;',
    'include /etc/passwd;',
    'include ../x.conf;',
    'include /var/lib/kokoa/releases/r1/*.conf;',
    'include /var/lib/kokoa/releases/r1/hosts.map;',
    'proxy_pass http://127.0.0.1:9000;',
    'proxy_pass http://$host;',
    'proxy_pass http://unix:/run/docker.sock;',
    'fastcgi_pass 127.0.0.1:9000;',
    'rewrite ^ /x;',
    'sub_filter a b;',
    'env LD_PRELOAD=/x.so;',
    'auth_request /x;',
    'mirror /x;',
    'resolver 8.8.8.8;',
    'ssl_engine x;',
    'ssl_certificate /etc/ssl/x.pem;',
    'ssl_certificate_key data:$arg_x;',
    'access_log /etc/cron.d/x;',
    'error_log /etc/cron.d/x;',
    'pid /etc/x;',
    'client_body_temp_path /etc;',
    'client_body_temp_path /var/lib/kokoa/run/../../../../etc;',
    'listen unix:/run/docker.sock;',
    'upstream x { server unix:/run/docker.sock; }',
    'upstream x { server evil.example:80; }',
    'map $host $x { include /etc/passwd; }',
    'map $host $x { a b c; }',
    'map $host $x { a { b c; } }',
    'constructor x;',
    '__proto__ x;',
    'server_name "a" b\\;c;',
    "server_name 'a';",
    `server_name $${'{'}host};`,
    'server_name "a"b;',
    'server_name "unfinished',
    'http {',
    '}',
    ';',
  ])('with %j is refused', (line) => {
    const files = tree();
    files.set('upstreams.conf', `${files.get('upstreams.conf')}${line}\n`);
    expect(guardTree(files)).toMatchObject({ ok: false });
  });

  test.each([
    'a.com $host;',
    'a.com 10.0.0.1:80; load_module x;',
    '~^.*$ 10.0.0.1:80;',
    'default to-x;',
    'hostnames;',
    'volatile;',
    'a.com "x y";',
    'a.com x',
    'include x;',
    'A.com x;',
    '# comment',
  ])('with a table that holds %j is refused', (line) => {
    const files = tree();
    files.set('hosts.map', `${files.get('hosts.map')}${line}\n`);
    expect(guardTree(files)).toMatchObject({ ok: false, code: 'tree_malformed' });
  });

  test.each([
    ['a file that nothing includes', (files: Map<string, string>) => files.set('stray.conf', '')],
    ['no main file', (files: Map<string, string>) => files.delete('nginx.conf')],
    ['a file missing', (files: Map<string, string>) => files.delete('hosts.map')],
    ['nothing', (files: Map<string, string>) => files.clear()],
  ])('with %s is refused', (_title, change) => {
    const files = tree();
    change(files);
    expect(guardTree(files)).toMatchObject({ ok: false });
  });
});

function base() {
  return {
    format: 1 as const,
    node: 'one',
    network: { wireguard: '10.100.0.0/16' },
    wireguard: { address: '10.100.0.1', peers: [peer('home', '10.100.1.1')] },
    controlPlane: { urls: [] },
  };
}

function edge(): EdgeConfig {
  return {
    ...base(),
    role: 'edge',
    edge: { pool: 'default', members: [], acme: { server: 'https://ca.example' }, chunks: [] },
  };
}

function peer(name: string, address: string) {
  return { node: name, publicKey: `key-of-${name}`, address };
}

function route(hostname: string, address = '10.100.1.1'): WireRoute {
  return { hostname, backends: [{ address, port: 8080 }], limits: { maxBodyBytes: 1000 } };
}

function plain(count: number) {
  return Array.from({ length: count }, () => ({ address: '10.100.1.1', port: 8080 }));
}

function path(prefix: string, address = '10.100.1.1') {
  return { prefix, backends: [{ address, port: 8080 }] };
}

function login(address = '10.100.1.1') {
  return { kind: 'forward' as const, address, port: 4180, path: '/auth' };
}

function withStreams(streams: WireStream[]): EdgeConfig {
  const config = edge();
  return {
    ...config,
    wireguard: { ...config.wireguard, port: 51_820 },
    edge: { ...config.edge, streams },
  };
}

function hosts(count: number): WireRoute[] {
  return Array.from({ length: count }, (_, index) => route(`app-${index}.hoge.com`));
}

function chunksOf(routes: WireRoute[]): Chunk[] {
  return [{ routes: routes.slice(0, 5) }, { routes: routes.slice(5) }];
}

function tree(): Map<string, string> {
  return renderNginx({
    config: edge(),
    chunks: chunksOf(hosts(12)),
    features: { version: '1.27.4', http2Directive: true, certificateCache: true, http3: false, stream: 'none' },
    settings: {
      stateDir: '/var/lib/kokoa',
      releaseId: 'r1',
      listen: { addresses: ['0.0.0.0', '::'], httpPort: 80, httpsPort: 443 },
      user: { account: 'www-data', group: 'www-data' },
      workerProcesses: 1,
      workerConnections: 100,
    },
    templates,
  });
}
