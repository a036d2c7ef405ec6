// New files as text, and what a reader makes of them; addresses that nobody has.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { freeAddress } from './free-address.ts';
import { loadFile } from './load.ts';
import { edgeYaml, originYaml, routePath, routeYaml, withToken } from './new-files.ts';
import { sha } from './world.fixture.ts';

const tokenSha256 = sha('token');
const read = (path: string, text: string) => loadFile(path, 'blob', Buffer.from(text));

test('an edge is written in block style and read back as it was meant', () => {
  const text = edgeYaml({
    name: 'tokyo-2',
    address: { ipv4: '198.51.100.9', ipv6: '2001:db8::' },
    wireguardAddress: '10.100.0.3',
    pool: 'default',
    tokenSha256,
  });
  expect(text).toBe(`# yaml-language-server: $schema=../schemas/edge.schema.json
name: tokyo-2
address:
  ipv4: 198.51.100.9
  ipv6: '2001:db8::'
wireguard:
  address: 10.100.0.3
  port: 51820
token: sha256:${tokenSha256}
pool: default
state: active
`);
  expect(read('edges/tokyo-2.yaml', text).problems).toEqual([]);
});

test('a route and an origin have unquoted names in column one', () => {
  const route = routeYaml({ hostname: '1a.hoge.com', origin: 'home', port: 8080 });
  expect(route.split('\n').slice(1, 4)).toEqual(['hostname: 1a.hoge.com', 'origin: home', 'port: 8080']);
  const origin = originYaml({ name: 'home', teams: ['hoge', 'fuga'], wireguardAddress: '10.100.1.1', tokenSha256 });
  expect(origin).toContain('\nwireguard:\n  address: 10.100.1.1\n');
  expect(origin).not.toContain("'");
});

test('any node name, even one that YAML takes for a number or a truth, comes back as text', () => {
  const names = fc.oneof(
    fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?$/),
    fc.constantFrom('null', 'true', 'no', 'on', 'y', '123', '1e3', '0x1f', '0o7', '0b1', '2026-11-21', '1-1'),
  );
  fc.assert(
    fc.property(names, (name) => {
      const file = read(
        `origins/${name}.yaml`,
        originYaml({ name, teams: [name], wireguardAddress: '10.0.0.1', tokenSha256 }),
      );
      expect(file.problems).toEqual([]);
      expect(file.value).toMatchObject({ name, teams: [name] });
    }),
  );
});

test('a wildcard is quoted and its file name is none a hostname could have', () => {
  const path = routePath('hoge', '*.app.hoge.com');
  expect(path).toBe('routes/hoge/_wildcard.app.hoge.com.yaml');
  const file = read(path, routeYaml({ hostname: '*.app.hoge.com', origin: 'home', port: 80 }));
  expect([file.problems, (file as { hostname?: string }).hostname]).toEqual([[], '*.app.hoge.com']);
});

describe('another token', () => {
  const before = `# first\nname: home\nteams: [hoge]\nwireguard:\n  address: 10.0.0.1\ntoken: ${sha('old')} # spare\nstate: active`;

  test('keeps comments and everything else, and adds or raises the generation', () => {
    const once = withToken(before, tokenSha256, 2);
    expect(once).toBe(before.replace(sha('old'), `sha256:${tokenSha256}`).replace('# spare', '# spare\ngeneration: 2'));
    expect(withToken(once, sha('third'), 3)).toContain('\ngeneration: 3\nstate: active');
    expect(read('origins/home.yaml', once).value).toMatchObject({ token: `sha256:${tokenSha256}`, generation: 2 });
  });
});

describe('the next free address', () => {
  test.each([
    ['10.100.0.0/16', 'edge', [], '10.100.0.1'],
    ['10.100.0.0/16', 'edge', ['10.100.0.1', '10.100.0.2', '10.100.0.4'], '10.100.0.3'],
    ['10.100.0.0/16', 'origin', ['10.100.0.1'], '10.100.1.1'],
    ['10.100.0.0/16', 'origin', ['10.100.1.1', '10.100.2.1'], '10.100.1.2'],
    ['10.100.7.9/16', 'edge', [], '10.100.0.1'],
    ['10.9.8.0/24', 'edge', ['10.9.8.1'], '10.9.8.2'],
    ['10.9.8.0/24', 'origin', ['10.9.8.254'], '10.9.8.253'],
    ['10.9.8.8/29', 'edge', ['10.9.8.9', '10.9.8.10', '10.9.8.11', '10.9.8.12', '10.9.8.13', '10.9.8.14'], undefined],
    ['10.9.8.8/29', 'origin', ['10.9.8.14', '10.9.8.13', '10.9.8.12', '10.9.8.11', '10.9.8.10'], '10.9.8.9'],
    ['fd00::/64', 'edge', [], undefined],
  ] as const)('in %s for an %s beside %j is %s', (network, role, taken, expected) => {
    expect(freeAddress(network, new Set(taken), role)).toBe(expected);
  });

  test('is found while there is one, past the end of a full block', () => {
    const block = Array.from({ length: 254 }, (_, n) => `10.100.0.${n + 1}`);
    expect(freeAddress('10.100.0.0/16', new Set(block), 'edge')).toBe('10.100.1.1');
    const taken = new Set<string>();
    for (let n = 0; n < 508; n += 1) taken.add(freeAddress('10.1.0.0/23', taken, n % 2 ? 'edge' : 'origin')!);
    expect([taken.size, taken.has(undefined as never)]).toEqual([508, false]);
    expect(freeAddress('10.1.0.0/23', taken, 'edge')).toBeUndefined();
  });
});
