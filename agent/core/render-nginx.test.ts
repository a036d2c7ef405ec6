// The rendered tree: golden cases, and the law that no string changes its structure. `BLESS=1` writes the golden trees anew.
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EdgeConfig, WireRoute } from '../../bundle/config.ts';
import { loadTemplates } from '../adapters/templates.ts';
import { backendChecks } from './backend-checks.ts';
import { guardTree } from './guard.ts';
import { walkTree } from './guard-tree.ts';
import { NAMED_TARGETS_MAX } from './nginx-upstreams.ts';
import { type NginxInput, renderNginx } from './render-nginx.ts';

const GOLDEN = join(import.meta.dirname, '../../test/golden-nginx');
const templates = await loadTemplates();

describe('golden trees', async () => {
  const cases = (await readdir(GOLDEN)).sort();
  test.each(cases)('%s', async (name) => {
    const input = JSON.parse(await readFile(join(GOLDEN, name, 'input.json'), 'utf8'));
    const rendered = renderNginx({ ...input, templates });
    expect(guardTree(rendered)).toEqual({ ok: true });
    const folder = join(GOLDEN, name, 'expected');
    // The same in every tree.
    const differing = new Map([...rendered].filter(([path]) => !/^pages\/[0-9]{3}\.html$/.test(path)));
    if (process.env.BLESS === '1') await bless(folder, differing);
    expect(Object.fromEntries(differing)).toEqual(await readTree(folder));
  });
});

describe('backends that are down', () => {
  const backends = [
    { address: '10.100.1.1', port: 8080 },
    { address: '10.100.2.1', port: 8080, backup: true as const },
  ];
  const routes: WireRoute[] = [
    { hostname: 'a.hoge.com', backends, limits: { maxBodyBytes: 1 } },
    { hostname: 'b.hoge.com', backends, limits: { maxBodyBytes: 1 }, check: { kind: 'http', path: '/up' } },
    { hostname: 'c.hoge.com', backends: [backends[0]!], limits: { maxBodyBytes: 1 } },
  ];
  const ids = backendChecks([{ routes }]).map(({ id }) => id);
  const [home, office] = ids as [string, string];
  const served = (down: string[]) => {
    const { config, route } = example();
    const input = { ...inputOf(config, route), chunks: [{ routes }] };
    const tree = renderNginx({ ...input, down: new Set(down) });
    const upstreams = tree.get('upstreams.conf')!;
    return tree
      .get('hosts.map')!
      .split('\n')
      .filter(Boolean)
      .map((line) => {
        const [hostname, name = ''] = line.replace(';', '').split(' ');
        const block = upstreams.split('upstream ').find((text) => text.startsWith(`${name} `)) ?? '';
        const down = [...block.matchAll(/server (\S+):\d+[^;]* down;/g)].map(([, address]) => address);
        return `${hostname} without ${down.join() || 'none'}`;
      });
  };

  test.each<[string, string[], string[]]>([
    ['none', [], ['a.hoge.com without none', 'b.hoge.com without none', 'c.hoge.com without none']],
    [
      'by the question of one route: in that alone',
      [home],
      ['a.hoge.com without 10.100.1.1', 'b.hoge.com without none', 'c.hoge.com without none'],
    ],
    ['a backup too', [office], ['a.hoge.com without 10.100.2.1', 'b.hoge.com without none', 'c.hoge.com without none']],
    [
      'all: the question is believed to be wrong',
      ids,
      ['a.hoge.com without none', 'b.hoge.com without none', 'c.hoge.com without none'],
    ],
    [
      'all of one route',
      [home, office],
      ['a.hoge.com without none', 'b.hoge.com without none', 'c.hoge.com without none'],
    ],
  ])('%s', (_, down, expected) => {
    expect(served(down)).toEqual(expected);
  });
});

describe('no string changes the structure of the tree', () => {
  /** Every string of a config, and where it stands. */
  const fields: Record<string, (config: EdgeConfig, route: WireRoute, text: string) => void> = {
    hostname: (_config, route, text) => Object.assign(route, { hostname: text }),
    address: (_config, route, text) => Object.assign(route.backends[0]!, { address: text }),
    port: (_config, route, text) => Object.assign(route.backends[0]!, { port: text }),
    orderer: (_config, route, text) => Object.assign(route, { orderer: text }),
    maxBodyBytes: (_config, route, text) => Object.assign(route.limits, { maxBodyBytes: text }),
    requestsPerSecond: (_config, route, text) => Object.assign(route.limits, { requestsPerSecond: text }),
    burst: (_config, route, text) => Object.assign(route.limits, { burst: text }),
    connections: (_config, route, text) => Object.assign(route.limits, { connections: text }),
    thumbprint: (config, _route, text) => Object.assign(config.edge.members[0]!, { acmeThumbprint: text }),
    member: (config, _route, text) => Object.assign(config.edge.members[0]!, { node: text }),
    node: (config, _route, text) => Object.assign(config, { node: text }),
    pool: (config, _route, text) => Object.assign(config.edge, { pool: text }),
    server: (config, _route, text) => Object.assign(config.edge.acme, { server: text }),
    email: (config, _route, text) => Object.assign(config.edge.acme, { email: text }),
    url: (config, _route, text) => Object.assign(config.controlPlane, { urls: [text] }),
  };
  const harmless = { name: render('app.hoge.com'), wildcard: render('*.hoge.com') };

  test.each(Object.keys(fields))('as %s: refused, or the same directives as a harmless one', (field) => {
    fc.assert(
      fc.property(hostileText(), (text) => {
        const { config, route } = example();
        fields[field]!(config, route, text);
        let files: Map<string, string>;
        try {
          files = renderNginx(inputOf(config, route));
        } catch (error) {
          expect(error).toMatchObject({ code: 'unsafe_value' });
          return;
        }
        const like = route.hostname.startsWith('*.') ? harmless.wildcard : harmless.name;
        expect(guardTree(files)).toEqual({ ok: true });
        expect(directives(files)).toEqual(directives(like));
        expect(structure(files)).toBe(structure(like));
      }),
      { numRuns: 100 },
    );
  });

  test.each([
    'a.com;load_module x.so',
    'a.com\nb.com',
    'a.com}',
    '"a.com"',
    '$host.com',
    '../../etc/passwd',
    'a.com/..',
    '~^.*$',
    'A.com',
    '*.*.com',
    'a b.com',
    '.com',
    'default',
    'hostnames',
    '',
  ])('the hostname %j throws before anything is rendered', (hostname) => {
    const { config, route } = example();
    expect(() => renderNginx(inputOf(config, { ...route, hostname }))).toThrow(
      expect.objectContaining({ code: 'unsafe_value' }),
    );
  });

  function render(hostname: string): Map<string, string> {
    const { config, route } = example();
    return renderNginx(inputOf(config, { ...route, hostname }));
  }
});

test('one server per policy class, however many hostnames', () => {
  const { config, route } = example();
  const routes = Array.from({ length: 300 }, (_, index) => ({
    ...route,
    hostname: `app-${index}.hoge.com`,
    limits: { maxBodyBytes: 1000 + (index % 3) },
  }));
  const files = renderNginx({ ...inputOf(config, route), chunks: [{ routes }] });
  expect(files.get('classes.conf')!.match(/^server \{$/gm)).toHaveLength(3);
});

test.each([
  [NAMED_TARGETS_MAX, NAMED_TARGETS_MAX],
  [NAMED_TARGETS_MAX + 1, 1],
])('of %i single targets %i have a named upstream; one with a spare always has', (targets, named) => {
  const { config, route } = example();
  const routes = Array.from({ length: targets }, (_, index) => ({
    ...route,
    hostname: `app-${index}.hoge.com`,
    backends: [{ address: '10.100.1.1', port: 1000 + index }],
  }));
  routes[0]!.backends.push({ address: '10.100.1.2', port: 80 });
  const files = renderNginx({ ...inputOf(config, route), chunks: [{ routes }] });
  expect(files.get('upstreams.conf')!.match(/^upstream /gm)).toHaveLength(named);
  expect(files.get('hosts.map')).toMatch(
    named > 1 ? /app-7\.hoge\.com [0-9a-f]{3}-10\.100\.1\.1-1007;/ : /app-7\.hoge\.com 10\.100\.1\.1:1007;/,
  );
});

function example(): { config: EdgeConfig; route: WireRoute } {
  return {
    config: {
      format: 1,
      role: 'edge',
      node: 'one',
      network: { wireguard: '10.100.0.0/16' },
      wireguard: { address: '10.100.0.1', peers: [] },
      controlPlane: { urls: [] },
      edge: {
        pool: 'default',
        members: [{ node: 'one', recipient: 'age1', signingKey: 'key', acmeThumbprint: 'a'.repeat(43) }],
        acme: { server: 'https://ca.example/directory' },
        chunks: [],
      },
    },
    route: {
      hostname: 'app.hoge.com',
      backends: [{ address: '10.100.1.1', port: 8080 }],
      limits: { maxBodyBytes: 1000, requestsPerSecond: 10, burst: 5, connections: 7 },
      orderer: 'one',
    },
  };
}

function inputOf(config: EdgeConfig, route: WireRoute): NginxInput {
  return {
    config,
    chunks: [{ routes: [route] }],
    features: { version: '1.22.1', http2Directive: false, certificateCache: false, http3: false, stream: 'none' },
    settings: {
      stateDir: '/var/lib/kokoa',
      releaseId: 'r1',
      listen: { addresses: ['0.0.0.0'], httpPort: 80, httpsPort: 443 },
      workerProcesses: 1,
      workerConnections: 100,
    },
    templates,
  };
}

/** Anything at all, anything around nginx's own marks, and what is likely to pass. */
function hostileText(): fc.Arbitrary<string> {
  const valid = fc.oneof(
    fc.stringMatching(/^(\*\.)?[a-z0-9]{1,20}(\.[a-z0-9]{1,10}){1,4}$/),
    fc.stringMatching(/^10\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}$/),
    fc.stringMatching(/^[1-9][0-9]{0,6}$/),
    fc.stringMatching(/^[A-Za-z0-9_-]{43}$/),
  );
  const mark = fc.constantFrom(
    ';',
    '}',
    '{',
    '\n',
    ' ',
    '"',
    "'",
    '#',
    '$host',
    '\\',
    '; load_module /x.so;',
    '\0',
    '\r\n',
    '{{x}}',
    '{{{x}}}',
  );
  return fc.oneof(
    valid,
    fc.string({ unit: 'binary' }),
    fc.tuple(valid, mark, valid).map((parts) => parts.join('')),
  );
}

function directives(files: ReadonlyMap<string, string>): string[] {
  return walkTree(files).sort();
}

/** Counts nginx's marks without reading its grammar, so that the reader above is not the only witness. */
function structure(files: ReadonlyMap<string, string>): string {
  return [...files.values()]
    .join('')
    .replace(/[^;{}"'#$\\\n]/g, '')
    .split('')
    .sort()
    .join('');
}

async function readTree(folder: string): Promise<Record<string, string>> {
  const entries = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const paths = entries.map(({ parentPath, name }) => relative(folder, join(parentPath, name)));
  return Object.fromEntries(
    await Promise.all(paths.map(async (path) => [path, await readFile(join(folder, path), 'utf8')])),
  );
}

async function bless(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const [path, text] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}
