// What an agent takes from a signed config: nothing that could mean more than a value where it is rendered.
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson, sha256Hex } from './canonical.ts';
import { checkChunks, readChunk, readConfig } from './check-config.ts';
import type { Chunk, NodeConfig } from './config.ts';
import { CHUNK_SCHEMA, EDGE_CONFIG_SCHEMA, ORIGIN_CONFIG_SCHEMA } from './config-schema.ts';
import { chunkOf, edgeConfig } from './installation.fixture.ts';
import { METADATA_SCHEMAS } from './metadata-schema.ts';
import { isRefusal } from './refusal.ts';

const edge = () => structuredClone(edgeConfig('tokyo-1', ['x']));
const { edge: _, role: __, ...base } = edge();
const forward = (port: number) => ({ port, host: '192.168.1.20', hostPort: 8080 });
const origin: NodeConfig = { ...base, role: 'origin', origin: { ports: [22, 8080] } };
const code = (value: unknown) => (isRefusal(value) ? value.code : 'good');

function readRoute(change: object): string {
  const [route] = chunkOf(['app.hoge.com']).routes;
  return readText(JSON.stringify({ routes: [{ ...route, ...change }] }));
}

function readText(text: string): string {
  return code(readChunk({ bucket: '', sha256: sha256Hex(text), bytes: Buffer.byteLength(text) }, text));
}

test('the schemas are schemas, in strict mode', () => {
  const ajv = new Ajv({ strict: true });
  const all = [EDGE_CONFIG_SCHEMA, ORIGIN_CONFIG_SCHEMA, CHUNK_SCHEMA, ...Object.values(METADATA_SCHEMAS)];
  for (const schema of all) expect(ajv.validateSchema(schema)).toBe(true);
});

describe('a config', () => {
  test.each<[string, string, unknown]>([
    ['an edge', 'good', edge()],
    ['an origin', 'good', origin],
    ['an origin with a port', 'good', { ...origin, wireguard: { ...base.wireguard, port: 51820 } }],
    ['a newer format', 'unknown_format', { ...edge(), format: 2, anything: true }],
    ['no format', 'malformed', { ...edge(), format: 'x' }],
    ['another role', 'malformed', { ...edge(), role: 'admin' }],
    ['both roles', 'malformed', { ...edge(), origin: { ports: [] } }],
    ['an unknown member', 'malformed', { ...edge(), snippet: 'x' }],
    ['null', 'malformed', null],
    ['a disguised refusal', 'malformed', { kind: 'refused', code: 'expired', detail: '' }],
    ['a node with a path', 'malformed', { ...edge(), node: '../x' }],
    ['a network without length', 'malformed', { ...edge(), network: { wireguard: '10.100.0.0' } }],
    ['a url with a space', 'malformed', { ...edge(), controlPlane: { urls: ['https://a b'] } }],
    ['a port of zero', 'malformed', { ...origin, origin: { ports: [0] } }],
    ['a port twice', 'malformed', { ...origin, origin: { ports: [80, 80] } }],
    ['an origin with forwards', 'good', { ...origin, origin: { ports: [80], forwards: [forward(81), forward(82)] } }],
    [
      'two forwards on one port',
      'malformed',
      { ...origin, origin: { ports: [], forwards: [forward(81), forward(81)] } },
    ],
    [
      'a port of UDP and one of TCP',
      'good',
      {
        ...origin,
        origin: { ports: [80], udpPorts: [81], forwards: [{ ...forward(80), protocol: 'udp' }, forward(81)] },
      },
    ],
    ['a forward on a port', 'malformed', { ...origin, origin: { ports: [80], forwards: [forward(80)] } }],
  ])('that is %s is %s', (_title, expected, value) => {
    expect(code(readConfig(JSON.stringify(value)))).toBe(expected);
  });

  const peer = base.wireguard.peers[0]!;
  test.each<[string, string, object]>([
    ['a dialled address', 'good', { endpoint: '203.0.113.7:51820' }],
    ['a dialled IPv6 address', 'good', { endpoint: '[2001:db8::1]:51820' }],
    ['a name to dial', 'malformed', { endpoint: 'evil.com:51820' }],
    ['no port to dial', 'malformed', { endpoint: '203.0.113.7:0' }],
    ['an option for a key', 'malformed', { publicKey: '--help' }],
    ['a network for an address', 'malformed', { address: '0.0.0.0/0' }],
    ['a short address', 'malformed', { address: '10.1' }],
    ['a newline in its name', 'malformed', { node: 'a\n' }],
  ])('whose peer has %s is %s', (_title, expected, change) => {
    const wireguard = { ...base.wireguard, peers: [{ ...peer, ...change }] };
    expect(code(readConfig(JSON.stringify({ ...edge(), wireguard })))).toBe(expected);
  });

  test.each<[string, (config: ReturnType<typeof edge>) => void]>([
    [
      'two peers with one address',
      (c) => c.wireguard.peers.push({ ...peer, node: 'b', publicKey: `${'B'.repeat(42)}A=` }),
    ],
    ['a peer with its own address', (c) => (c.wireguard.peers[0] = { ...peer, address: c.wireguard.address })],
    [
      'two peers of one name',
      (c) => c.wireguard.peers.push({ ...peer, address: '10.100.1.2', publicKey: `${'B'.repeat(42)}A=` }),
    ],
    ['one member twice', (c) => c.edge.members.push(c.edge.members[0]!)],
    ['one chunk twice', (c) => c.edge.chunks.push({ ...c.edge.chunks[0]!, bucket: 'f' })],
    ['two chunks for one bucket', (c) => c.edge.chunks.push({ ...c.edge.chunks[0]!, sha256: 'f'.repeat(64) })],
    ['an account email that is an option', (c) => (c.edge.acme.email = '--help@hoge.com')],
    ['a fallback CA by plain HTTP', (c) => (c.edge.acme.fallback = { server: 'http://ca.example/dir' })],
    ['a thumbprint with a quote', (c) => (c.edge.members[0]!.acmeThumbprint = `"${'A'.repeat(42)}`)],
  ])('with %s is malformed', (_title, change) => {
    const config = edge();
    change(config);
    expect(code(readConfig(JSON.stringify(config)))).toBe('malformed');
  });
});

describe('a check of another edge', () => {
  const check = {
    ...{ node: 'tokyo-2', addresses: ['203.0.113.2', '2001:db8::2'], hostname: 'app.hoge.com' },
    ...{ intervalMs: 2000, timeoutMs: 1500, healthy: 5, unhealthy: 3 },
  };
  const judged = (...checks: object[]) =>
    code(readConfig(JSON.stringify({ ...edge(), edge: { ...edge().edge, checks } })));

  test.each<[string, string, object]>([
    ['two addresses', 'good', {}],
    ['one address', 'good', { addresses: ['203.0.113.2'] }],
    ['no name', 'good', { hostname: undefined }],
    ['no address', 'malformed', { addresses: [] }],
    ['three addresses', 'malformed', { addresses: ['203.0.113.2', '203.0.113.3', '203.0.113.4'] }],
    ['one address twice', 'malformed', { addresses: ['203.0.113.2', '203.0.113.2'] }],
    ['a name for an address', 'malformed', { addresses: ['evil.com'] }],
    ['an option for an address', 'malformed', { addresses: ['-f'] }],
    ['a number for an address', 'malformed', { addresses: ['134744072'] }],
    ['a zone of an address', 'malformed', { addresses: ['fe80::1%eth0'] }],
    ['a wildcard for a name', 'malformed', { hostname: '*.hoge.com' }],
    ['a header in its name', 'malformed', { hostname: 'app.hoge.com\r\nX: y' }],
    ['no pause', 'malformed', { intervalMs: 999 }],
    ['no end', 'malformed', { timeoutMs: 3_600_001 }],
    ['no count', 'malformed', { unhealthy: 0 }],
    ['a path of its own', 'malformed', { path: '/admin' }],
    ['a port of its own', 'malformed', { port: 22 }],
  ])('with %s is %s', (_title, expected, change) => {
    expect(judged({ ...check, ...change })).toBe(expected);
  });

  test('is one of each node, and there are 64 at most', () => {
    expect(judged(check, check)).toBe('malformed');
    const many = Array.from({ length: 65 }, (_, index) => ({ ...check, node: `tokyo-${index + 2}` }));
    expect(judged(...many.slice(1))).toBe('good');
    expect(judged(...many)).toBe('malformed');
    expect(judged()).toBe('malformed');
  });
});

describe('a chunk', () => {
  test('holds routes, each hostname once in all chunks', () => {
    expect(checkChunks([chunkOf(['a.hoge.com']), chunkOf(['b.hoge.com'])])).toBeUndefined();
    expect(checkChunks([chunkOf(['a.hoge.com']), chunkOf(['a.hoge.com'])])).toMatchObject({ code: 'malformed' });
  });

  test.each([
    ['app.hoge.com', 'good'],
    ['*.app.hoge.com', 'good'],
    ['xn--bcher-kva.example', 'good'],
    ['1.2.3.4', 'malformed'],
    ['localhost', 'malformed'],
    ['App.hoge.com', 'malformed'],
    ['app.hoge.com.', 'malformed'],
    ['*.*.hoge.com', 'malformed'],
    ['a_b.hoge.com', 'malformed'],
    ['app.hoge.com;', 'malformed'],
    ['app.hoge.com\n', 'malformed'],
    ['-a.hoge.com', 'malformed'],
    [`${'a'.repeat(64)}.hoge.com`, 'malformed'],
    [`${'a.'.repeat(126)}com`, 'malformed'],
    ['bücher.example', 'malformed'],
    ['*', 'malformed'],
    ['', 'malformed'],
  ])('with the hostname %j is %s', (hostname, expected) => {
    expect(readRoute({ hostname })).toBe(expected);
  });

  test.each<[string, object]>([
    ['a path without a backend', { paths: [{ prefix: '/a', backends: [] }] }],
    ['a name for a backend', { backends: [{ address: 'localhost', port: 80 }] }],
    ['an address with a zero before it', { backends: [{ address: '10.100.01.1', port: 80 }] }],
    ['a port as text', { backends: [{ address: '10.100.1.1', port: '80' }] }],
    ['a port beyond the last', { backends: [{ address: '10.100.1.1', port: 65_536 }] }],
    ['a body without limit', { limits: { maxBodyBytes: 0 } }],
    ['a burst without a rate', { limits: { maxBodyBytes: 1, burst: 1 } }],
    ['half a request', { limits: { maxBodyBytes: 1, requestsPerSecond: 0.5 } }],
    ['an orderer with a path', { orderer: 'a/b' }],
    ['a snippet', { snippet: 'return 200;' }],
  ])('with %s is malformed', (_title, change) => {
    expect(readRoute(change)).toBe('malformed');
  });

  test('of another text or length than was signed is a bad hash', () => {
    const text = canonicalJson(chunkOf(['a.hoge.com']) satisfies Chunk);
    const reference = { bucket: '', sha256: sha256Hex(text), bytes: text.length };
    expect(code(readChunk(reference, text))).toBe('good');
    expect(code(readChunk({ ...reference, bytes: 1 }, text))).toBe('bad_hash');
    expect(code(readChunk(reference, text.replace('8080', '8081')))).toBe('bad_hash');
  });

  test('never lets a string through that could end a word of a configuration', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom('', 'a.hoge.com', '10.100.1.1'), fc.nat(12), (noise, around, at) => {
        const text = around.slice(0, at) + noise + around.slice(at);
        const accepted = readRoute({ hostname: text }) === 'good' || readRoute({ orderer: text }) === 'good';
        if (accepted) expect(text).toMatch(/^[a-z0-9.*-]+$/);
        if (readRoute({ backends: [{ address: text, port: 1 }] }) === 'good') expect(text).toMatch(/^[0-9.]+$/);
      }),
    );
  });
});
