import { describe, expect, test } from 'vitest';
import type { EdgeConfig, WireRoute } from '../../bundle/config.ts';
import { edgeConfig } from '../../bundle/installation.fixture.ts';
import { loadTemplates } from '../adapters/templates.ts';
import { blamedParts, isMachineTrouble } from './nginx-blame.ts';
import { renderNginx } from './render-nginx.ts';

const templates = await loadTemplates();
const CA = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
const backends = [{ address: '10.100.1.1', port: 8080 }];
const spare = [...backends, { address: '10.100.1.1', port: 9090, backup: true as const }];
const route = (hostname: string, more: Partial<WireRoute> = {}): WireRoute => ({
  ...{ hostname, backends, limits: { maxBodyBytes: 1000 } },
  ...more,
});

const files = render([
  route('plain.test'),
  route('other.test'),
  route('*.wild.test'),
  route('slow.test', { timeouts: { readMs: 77 } }),
  route('*.slow.test', { timeouts: { readMs: 77 } }),
  route('listed.test', { allow: ['10.1.0.0/16'] }),
  route('parted.test', { paths: [{ prefix: '/a', backends, deny: ['10.1.0.0/16'] }] }),
  route('spared.test', { backends: spare }),
  route('trusting.test', { protocol: 'https', originTls: { verify: 'ca', ca: CA } }),
  route('*.pass.test', { protocol: 'tls' }),
  route('pass.test', { protocol: 'tls', allow: ['10.2.0.0/16'] }),
]);

/** `file:line` of the first line that holds this text. */
function at(file: string, text: string): string {
  const line =
    files
      .get(file)
      ?.split('\n')
      .findIndex((each) => each.includes(text)) ?? -1;
  if (line < 0) throw new Error(`${file} does not hold ${text}`);
  return `${file}:${line + 1}`;
}

const said = (place: string) =>
  `nginx: [emerg] no "x" in /var/lib/kokoa/releases/r1/${place}\nnginx: configuration file test failed`;

describe('whom the words of nginx mean', () => {
  test.each<[string, () => string, string[]]>([
    ['a row of hosts', () => at('hosts.map', 'plain.test'), ['plain.test']],
    ['a row of wildcards', () => at('wildcard-hosts.map', 'wild.test'), ['*.wild.test']],
    ['a row of a path', () => at('places-1.map', 'parted.test'), ['parted.test']],
    [
      'a name of a server',
      () => at([...files.keys()].find((name) => files.get(name)!.includes('\nother.test'))!, 'other.test'),
      ['other.test'],
    ],
    ['a line of a server', () => at('classes.conf', 'proxy_read_timeout 77ms'), ['*.slow.test', 'slow.test']],
    ['an entry of a list of addresses', () => at('gates.conf', '10.1.0.0/16'), ['listed.test', 'parted.test']],
    ['a line of an upstream', () => at('upstreams.conf', '10.100.1.1:9090'), ['spared.test']],
    ['a row of what passes through', () => at('tls-hosts.map', 'pass.test'), ['pass.test']],
    ['a row of its door', () => at('tls-allows.map', 'tls.'), ['pass.test']],
    ['a line of a public port', () => at('streams.conf', 'listen 0.0.0.0:25565'), ['tcp 25565']],
    ['a line of one that speaks in datagrams', () => at('streams.conf', '0.0.0.0:25566 udp'), ['udp 25566']],
    ['an upstream of a public port', () => at('streams.conf', '10.100.1.1:7777'), ['tcp 25565']],
    ['an entry of a list of what passes', () => at('streams.conf', '10.2.0.0/16'), ['pass.test']],
    ['a line that is everybody’s', () => at('nginx.conf', 'server_tokens'), []],
    ['a line that there is not', () => 'hosts.map:4711', []],
    ['a file that there is not', () => 'x.map:1', []],
    ['a file elsewhere', () => '../../etc/passwd:1', []],
  ])('%s', (_, place, expected) => {
    expect(blamedParts(said(place()), files)).toEqual(expected);
  });

  test('a file of authorities', () => {
    const name = [...files.keys()].find((file) => file.startsWith('ca-'))!;
    const words = `nginx: [emerg] SSL_CTX_load_verify_locations("/var/lib/kokoa/releases/r1/${name}") failed (SSL: x)`;
    expect(blamedParts(words, files)).toEqual(['trusting.test']);
  });

  test('nobody, by warnings and by words without a place', () => {
    const warning = said(at('hosts.map', 'plain.test')).replace('emerg', 'warn');
    expect(blamedParts(`${warning}\nnginx: [emerg] could not build server_names_hash`, files)).toEqual([]);
    expect(blamedParts('', files)).toEqual([]);
  });
});

test.each([
  ['open() "/x" failed (28: No space left on device)', true],
  ['bind() to 0.0.0.0:443 failed (98: Address already in use)', true],
  ['mkdir() "/x" failed (13: Permission denied)', true],
  ['invalid network "x" in gates.conf:3', false],
  ['open() "/x/hosts.map" failed (2: No such file or directory)', false],
  ['SSL_CTX_load_verify_locations("x") failed (SSL: error:1)', false],
])('%s: the machine is at fault: %s', (words, machine) => {
  expect(isMachineTrouble(`nginx: [warn] failed (28: x)\nnginx: [emerg] ${words}`)).toBe(machine);
});

function render(routes: WireRoute[]): Map<string, string> {
  const base = edgeConfig('tokyo-1', []);
  const streams = [
    { protocol: 'tcp' as const, port: 25_565, backends: [{ address: '10.100.1.1', port: 7777 }] },
    { protocol: 'udp' as const, port: 25_566, backends },
  ];
  const config: EdgeConfig = { ...base, edge: { ...base.edge, streams, tlsPassthrough: true } };
  return renderNginx({
    ...{ config, chunks: [{ routes }], templates },
    features: { version: '1.22.1', http2Directive: false, certificateCache: false, http3: false, stream: 'built-in' },
    settings: {
      ...{ stateDir: '/var/lib/kokoa', releaseId: 'r1', workerProcesses: 1, workerConnections: 100 },
      listen: { addresses: ['0.0.0.0'], httpPort: 80, httpsPort: 443 },
    },
  });
}
