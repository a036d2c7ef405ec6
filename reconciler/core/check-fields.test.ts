import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';
import { checkAll, viewOf } from './check.ts';
import { readNetwork } from './fields/networks.ts';
import { loadFile } from './load.ts';
import { edge, kokoa, origin } from './world.fixture.ts';
import { PROBLEMS_PER_FILE_MAX } from './yaml.ts';

const ROUTE = 'hostname: app.hoge.com\norigin: home\nport: 8080\n';

/** `line:column rule` of what is said of a route that these lines are added to. */
function found(lines: string, route = ROUTE, rest = [kokoa(), edge('tokyo-1'), origin('home')]): string[] {
  const file = loadFile('routes/hoge/app.yaml', 'b', Buffer.from(`${route}${lines}\n`));
  return [...file.problems, ...checkAll(viewOf([...rest, file]))]
    .filter(({ file: path }) => path === file.path)
    .map(({ line, column, rule }) => `${line}:${column} ${rule}`);
}

describe('values at their bounds', () => {
  it.each([
    ['host: 10.0.0.1', true],
    ['host: 172.16.0.1', true],
    ['host: 172.31.255.254', true],
    ['host: 192.168.255.1', true],
    ['host: 127.0.0.1', true],
    ['host: 127.0.0.2', false],
    ['host: 172.32.0.1', false],
    ['host: 100.64.0.1', false],
    ['host: 169.254.169.254', false],
    ['host: 224.0.0.1', false],
    ['host: 255.255.255.255', false],
    ['host: 0.0.0.0', false],
    ['host: 8.8.8.8', false],
    ['host: 10.100.0.0', false],
    ['host: 10.100.255.255', false],
    ['host: 10.99.255.255', true],
    ['host: 10.101.0.0', true],
    ['host: 192.168.1', false],
    ["host: '3232235777'", false],
    ['host: 0xc0.168.1.1', false],
    ["host: 'fd00::1'", false],
    ['timeouts: {connect: 60s}', true],
    ['timeouts: {connect: 61s}', false],
    ['timeouts: {connect: 60000ms}', true],
    ['timeouts: {connect: 60001ms}', false],
    ['timeouts: {read: 24h}', true],
    ['timeouts: {read: 1441m}', false],
    ['timeouts: {send: 86400s}', true],
    ['timeouts: {send: 86401s}', false],
    ['expiresAt: 2028-02-29T00:00Z', true],
    ['expiresAt: 2027-02-29T00:00Z', false],
    ['expiresAt: 2027-04-31T00:00Z', false],
    ['expiresAt: 2027-00-10T00:00Z', false],
    ['expiresAt: 2027-01-00T00:00Z', false],
    ['expiresAt: 2027-01-01T23:59:60Z', false],
    ['expiresAt: 2001-01-01T00:00Z', true],
    ['hsts: {maxAge: 31536000, includeSubDomains: true, preload: true}', true],
    ['hsts: {maxAge: 31535999, includeSubDomains: true, preload: true}', false],
    ['hsts: {maxAge: 31536000, preload: true}', false],
    ['hsts: {maxAge: 0}', true],
    ['limits: {maxBody: 102400k}', true],
    ['limits: {maxBody: 102401k}', false],
    ['limits: {maxBody: 1g}', false],
    ['paths: [{prefix: /a/b/c/d/e/f, public: true}]', true],
    ['paths: [{prefix: /a/b/c/d/e/f/g, public: true}]', false],
    ["paths: [{prefix: '/a:b@c,d=e!f+g~h._-', public: true}]", true],
    ['paths: [{prefix: /..., public: true}]', true],
    ['paths: [{prefix: /.., public: true}]', false],
    ['paths: [{prefix: /a/., public: true}]', false],
    ['paths: [{prefix: /é, public: true}]', false],
    ['paths: [{prefix: /.kokoab, public: true}]', true],
    ['paths: [{prefix: /.KOKOA, public: true}]', false],
    ['paths: [{prefix: /.well-known/acme, public: true}]', true],
    ['paths: [{prefix: /a, public: true}, {prefix: /a/b, public: true}]', true],
    ["headers: {response: {set: {X-A: '!~'}}}", true],
    ['headers: {response: {set: {X-A: \'a b; c="d" {e} #f\'}}}', true],
    ["headers: {response: {set: {X-A: 'a\\b'}}}", false],
    ["headers: {response: {set: {X-A: '\x7f'}}}", false],
    ['headers: {request: {remove: [Authorization]}}', true],
    ['headers: {request: {remove: [X-Forwarded-Anything]}}', false],
    ['headers: {request: {remove: [Forwarded]}}', false],
    ['headers: {request: {set: {X-Forwarder: a}}}', true],
    ['headers: {request: {set: {Content-Type: a}}}', true],
    ['headers: {response: {set: {Content-Type: a}}}', false],
    ['headers: {response: {remove: [strict-transport-security]}}', true],
    ['headers: {response: {set: {X-Accel-Redirect: /etc/passwd}}}', false],
    ['auth: {forward: {origin: home, port: 1, path: /a/b/}}', true],
    ['auth: {forward: {origin: home, port: 1, path: //a}}', false],
    ['auth: {forward: {origin: home, port: 1, path: /a/../b}}', false],
    ['auth: {forward: {origin: home, port: 1, path: /a, signIn: /./b}}', false],
    ['auth: {forward: {origin: home, port: 1, path: /a, identityHeaders: [A, a]}}', false],
    ['protocol: https\noriginTls: {verify: none, serverName: NAS.fritz.box}', false],
    ['protocol: https\noriginTls: {verify: none, serverName: "*.fritz.box"}', false],
    ['protocol: https\noriginTls: {verify: none, serverName: 192.168.1.20}', false],
    ['protocol: https\noriginTls: {verify: none, serverName: nas.fritz.box}', true],
    ['protocol: h2c', true],
  ])('%s is accepted: %s', (lines, accepted) => {
    const said = found(lines);
    expect([lines, said.length === 0]).toEqual([lines, accepted]);
  });

  it.each([
    ['https://www.hoge.com', true],
    ['https://www.hoge.com:8443', true],
    ['http://intranet', true],
    ['http://192.168.1.1', true],
    ['https://xn--bcher-kva.example', true],
    ['https://bücher.example', false],
    ['https://www.hoge.com:443', false],
    ['https://www.hoge.com:0', false],
    ['https://www.hoge.com:65536', false],
    ['https://www.hoge.com.', false],
    ['https://-a.hoge.com', false],
    ['https://[2001:db8::1]', false],
    ['https://www.hoge.com\\@evil.example', false],
    ['https://www.hoge.com?x', false],
    ['HTTPS://www.hoge.com', false],
    ['https:/www.hoge.com', false],
    ['https:www.hoge.com', false],
  ])('a redirect to %s with the path is accepted: %s', (to, accepted) => {
    expect([to, found(`redirect: {to: '${to}'}`, 'hostname: app.hoge.com\n').length === 0]).toEqual([to, accepted]);
  });

  it.each([
    ['https://www.hoge.com/', true],
    ['https://www.hoge.com/a%20b?c=%2F', true],
    ['https://www.hoge.com/a%2', false],
    ['https://www.hoge.com/%zz', false],
    ['https://www.hoge.com/a b', false],
    ['https://www.hoge.com/(a)', false],
    ['https://www.hoge.com/./a', false],
    ['https://www.hoge.com/%2e%2e/a', false],
    ['https://app.hoge.com/a', false],
    ['http://app.hoge.com:80/a', false],
    ['https://app.hoge.com:8443/a', true],
  ])('a redirect to exactly %s is accepted: %s', (to, accepted) => {
    const said = found(`redirect: {to: '${to}', keepPath: false}`, 'hostname: app.hoge.com\n');
    expect([to, said.length === 0]).toEqual([to, accepted]);
  });
});

describe('a header that is set for the service', () => {
  const said = (name: string, way = 'request', verb = 'set') => {
    const change = verb === 'set' ? `{set: {${name}: hunter2}}` : `{remove: [${name}]}`;
    const file = loadFile('routes/hoge/app.yaml', 'b', Buffer.from(`${ROUTE}headers: {${way}: ${change}}\n`));
    return checkAll(viewOf([kokoa(), edge('tokyo-1'), origin('home'), file]));
  };

  it.each([
    'X-Api-Key',
    'X-API-KEY',
    'ApiKey',
    'Cookie',
    'X-Auth-Token',
    'Private-Token',
    'X-Session',
    'X-Session-Id',
    'X-Client-Secret',
    'X-Vault-Token',
  ])('%s is a warning without the value, because it may be a secret', (name) => {
    const problems = said(name);
    expect(problems.map(({ rule, severity, line, column }) => [rule, severity, line, column])).toEqual([
      ['KK354', 'warning', 4, 27],
    ]);
    expect(JSON.stringify(problems)).not.toContain('hunter2');
  });

  it.each(['X-Team', 'X-Key-Id', 'X-Author', 'X-Tokenizer', 'Accept', 'X-Cookie-Policy', 'X-Authenticated-User'])(
    '%s is none',
    (name) => {
      expect(said(name)).toEqual([]);
    },
  );

  it('is nothing to warn of on the way back, or where it is removed', () => {
    expect(said('X-Api-Key', 'response')).toEqual([]);
    expect(said('X-Api-Key', 'request', 'remove')).toEqual([]);
  });
});

describe('targets', () => {
  const every = `hostname: app.hoge.com
backends:
  - {origin: home, port: 1}
  - {origin: hom, port: 1}
auth: {forward: {origin: fuga, port: 1, path: /a}}
paths:
  - prefix: /a
    origin: nowhere
    port: 1
  - prefix: /b
    backends: [{origin: fuga, port: 1}]
  - prefix: /c
    auth: {forward: {origin: nobody, port: 1, path: /a}}
`;

  it('are all asked for, wherever they stand', () => {
    const fuga = origin('fuga', { teams: ['fuga'] });
    expect(found('', every, [kokoa(), origin('home'), fuga])).toEqual([
      '4:14 KK304',
      '5:26 KK305',
      '8:13 KK304',
      '11:25 KK305',
      '13:30 KK304',
    ]);
  });
});

describe('many problems in one file', () => {
  const entries = (count: number, entry: (n: number) => string) => Array.from({ length: count }, (_, n) => entry(n));

  it('are cut, and it is said', () => {
    const said = found(`allow: [${entries(100, (n) => `host-${n}`).join(', ')}]`);
    expect(said).toHaveLength(PROBLEMS_PER_FILE_MAX + 1);
    expect(said.at(-1)).toMatch(/KK016$/);
  });

  it('are none as long as they are warnings', () => {
    const path = (n: number) => `{prefix: /p${n}, auth: {basic: {users: {env: USERS}}}}`;
    const said = found(`paths: [${entries(32, path).join(', ')}]`);
    expect(new Set(said.map((one) => one.split(' ')[1]))).toEqual(new Set(['KK334']));
    expect(said).toHaveLength(32);
  });
});

describe('a broken kokoa.yaml', () => {
  it('leaves what depends on it unasked', () => {
    expect(found('host: 10.100.0.1\nlimits: {burst: 5}', ROUTE, [origin('home')])).toEqual([]);
  });
});

describe('networks', () => {
  const network = fc.oneof(
    fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })),
    fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 })),
  );

  it('are read in one spelling only, and the one that is meant is that one', () => {
    fc.assert(
      fc.property(network, ([address, length]) => {
        const result = readNetwork(`${address}/${length}`);
        const meant = result.kind === 'network' ? result.cidr : result.meant;
        if (meant === undefined) return;
        expect(readNetwork(meant)).toEqual({ kind: 'network', cidr: meant });
        const [own, bits] = ipaddr.parseCIDR(meant);
        const typed = ipaddr.parse(address);
        if (typed.kind() === own.kind()) expect(typed.match(own as never, bits)).toBe(true);
      }),
    );
  });

  it('that are equal in two forms are found', () => {
    expect(found("allow: [203.0.113.7, 203.0.113.7/32, '2001:db8::1/128', '2001:db8::1']")).toEqual([
      '4:22 KK118',
      '4:57 KK118',
    ]);
  });
});
