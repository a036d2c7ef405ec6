import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { ROUTE_BYTES_MAX } from '../bundle/limits.ts';
import { BOUNDS } from '../reconciler/core/bounds.ts';
import { checkAll, viewOf } from '../reconciler/core/check.ts';
import { type HeaderUse, reservation } from '../reconciler/core/fields/reserved-headers.ts';
import { loadFile } from '../reconciler/core/load.ts';
import { SECTIONS_MAX, TUNNEL_PORTS } from '../reconciler/core/tunnel-ports.ts';
import { schemas } from './by-kind.ts';
import { REFERENCE_FILE, referencePage, withGeneratedParts } from './reference.ts';
import { type Field, fieldsOf, type SchemaNode } from './reference-fields.ts';
import { wrap } from './reference-text.ts';
import type { Route } from './types.ts';

const TOP = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(TOP, path), 'utf8');
const schema = schemas.route as SchemaNode;
const fields = fieldsOf(schema);
const page = readFileSync(REFERENCE_FILE, 'utf8');

describe('docs/routes.md', () => {
  it('is what the schema and its own headings make of it; `npm run bless` writes it', () => {
    expect(page).toBe(referencePage());
  });

  it('has every property that stands anywhere in the schema', () => {
    const headings = [...page.matchAll(/^####? `(.+)`$/gm)].map(([, name]) => name!);
    const names = new Set(headings.flatMap((name) => name.split('.').map((part) => part.replace('[]', ''))));
    const there = propertiesIn(schema);
    expect(there.size).toBeGreaterThan(50);
    expect([...there].filter((name) => !names.has(name))).toEqual([]);
    expect(headings).toEqual(fields.map(({ name }) => name));
  });

  it('stays inside the columns of a terminal', () => {
    const prose = page.split('\n').filter((line) => !line.startsWith('|'));
    expect(prose.filter((line) => line.length > 130)).toEqual([]);
  });

  it('is refused without the marks between which it is made', () => {
    expect(() => withGeneratedParts(page.replace('<!-- end of fields -->', ''), schema)).toThrow('mark fields');
    expect(() => withGeneratedParts(`${page}${page}`, schema)).toThrow('mark kinds');
  });
});

describe('a field of a route', () => {
  it.each(fields.map((field) => [field.name, field] as const))('%s is fully described', (_, { node, required }) => {
    expect(node.description).toMatch(/^[A-Z0-9p].*\.$/s);
    expect(node['x-directive']).toEqual(expect.arrayContaining([expect.stringMatching(/^[a-z][a-z0-9_]+$/)]));
    expect(node.examples?.length).toBeGreaterThan(0);
    if (!required) expect(node.default ?? node['x-default']).toBeDefined();
    expect(node.default === undefined || node['x-default'] === undefined).toBe(true);
  });

  it.each(fields.filter(({ node }) => node.default !== undefined).map((field) => [field.name, field] as const))(
    '%s tells its default where an editor shows it',
    (_, { node }) => {
      expect(node.description).toMatch(new RegExp(` Default ${node.default}[.,]`));
    },
  );

  it('is found behind a reference, and a reference that leads nowhere is refused', () => {
    const one = { $ref: '#/definitions/a', description: 'own' };
    const with_ = (definitions: SchemaNode['definitions']) => ({ properties: { one }, definitions: definitions ?? {} });
    expect(fieldsOf(with_({ a: { properties: { b: { type: 'string' } } } })).map(({ name }) => name)).toEqual([
      'one',
      'one.b',
    ]);
    expect(() => fieldsOf(with_({}))).toThrow('#/definitions/a');
  });
});

describe('the examples', () => {
  const documents = ['docs/routes.md', 'docs/ddos.md', 'README.md'];
  const wholeFiles = documents.flatMap((path) =>
    yamlBlocks(read(path))
      .filter((text) => /^(hostname|publicPort):/m.test(text))
      .map((text) => [path, nameOf(text), text] as const),
  );

  it('that are whole files are at least six, one of each protocol of layer 4 among them', () => {
    expect(wholeFiles.length).toBeGreaterThanOrEqual(6);
    const protocols = wholeFiles.map(([, , text]) => (parse(text) as Route).protocol);
    expect(protocols).toEqual(expect.arrayContaining(['tls', 'tcp', 'udp']));
  });

  it.each(wholeFiles)('of %s: %s has no problem', (_path, _hostname, text) => {
    expect(problemsOf(text)).toEqual([]);
  });

  const shown = fields.filter(({ name }) => !name.includes('.')).flatMap(examplesOf);
  it.each(shown)('of the field %s makes a good route: %s', (name, _shown, example) => {
    expect(problemsOf(stringify(routeWith(name, example)))).toEqual([]);
  });

  it('would be noticed if they were bad', () => {
    expect(problemsOf('hostname: app.hoge.com\norigin: nowhere\nport: 8080\n')).toHaveLength(1);
    expect(problemsOf('hostname: app.hoge.com\norigin: home\nport: 8080\nprot: 1\n')).toHaveLength(1);
  });
});

describe('the table of headers', () => {
  const section = page.split('## Headers that cannot be changed')[1]!.split('\n## ')[0]!;
  const rows = [...section.matchAll(/^\| (.*) \| (\w+) \| (\w+) \| (\w+) \|$/gm)].flatMap(([, names, ...cells]) =>
    [...names!.matchAll(/`([^`]+)`/g)].map(([, name]) => [name!, ...cells] as [string, string, string, string]),
  );

  it.each([...rows, ['X-Anything', 'yes', 'yes', 'yes'] as const])('is right about %s', (name, ...cells) => {
    const real = name.replace('*', 'Example');
    const may = (use: HeaderUse) => reservation(real, use) === undefined;
    const word = (way: 'request' | 'response') => (may(`${way}.set`) ? 'yes' : may(`${way}.remove`) ? 'remove' : 'no');
    expect([word('request'), word('response'), may('identity') ? 'yes' : 'no']).toEqual(cells);
  });

  it('has them all', () => {
    expect(rows.length).toBeGreaterThan(30);
  });
});

describe('the table of bounds', () => {
  const section = page.split('## Bounds')[1]!;
  const numbers = [...section.matchAll(/^\| .* \| ([\d ]+)(?: KiB)? \|$/gm)].map(([, text]) =>
    Number(text!.replaceAll(' ', '')),
  );

  it('has the numbers that are checked', () => {
    expect(numbers).toEqual([...BOUNDS.map(({ max }) => max), SECTIONS_MAX, ROUTE_BYTES_MAX / 1024]);
  });
});

describe('the ports of services behind an origin', () => {
  it('are those that the descriptions name', () => {
    const { definitions } = schemas.route as unknown as { definitions: Record<string, SchemaNode> };
    expect(definitions.port?.description).toContain(`Without host none of ${TUNNEL_PORTS},`);
    const { properties } = schemas.origin as SchemaNode;
    expect(properties?.teams?.description).toContain(`only the first ${SECTIONS_MAX} have any`);
    expect(read('docs/glossary.md')).toContain(TUNNEL_PORTS.replaceAll(/(\d\d)(\d{3})/g, '$1 $2'));
  });
});

describe('wrap', () => {
  it('breaks before the last column, but neither inside code nor before a separator', () => {
    const words = Array.from({ length: 60 }, (_, n) => `\`key: ${n}\` ·`).join(' ');
    const lines = wrap(words, '  ').split('\n');
    expect(lines.length).toBeGreaterThan(4);
    expect(lines.join(' ').replaceAll(/ +/g, ' ')).toBe(`${words}`.replaceAll(/ +/g, ' '));
    for (const line of lines) expect(line).toMatch(/^ *`key: \d+`.{0,118} ·$/);
  });
});

/** The names of all properties, whatever leads to them. */
function propertiesIn(node: unknown): Set<string> {
  if (typeof node !== 'object' || node === null) return new Set();
  const { properties = {}, examples: _, ...rest } = node as SchemaNode;
  const below = [...Object.values(properties), ...Object.values(rest)].map(propertiesIn);
  return new Set([...Object.keys(properties), ...below.flatMap((names) => [...names])]);
}

function examplesOf({ name, node }: Field): [name: string, shown: string, example: unknown][] {
  return (node.examples ?? []).map((example) => [name, JSON.stringify(example).slice(0, 60), example]);
}

/** The smallest route that may have the field. */
function routeWith(name: string, example: unknown): Record<string, unknown> {
  const hostname = 'app.hoge.com';
  const place = { origin: 'home', port: 8080 };
  const two = [place, { ...place, origin: 'office' }];
  const others: Record<string, Record<string, unknown>> = {
    backends: {},
    redirect: {},
    sticky: { backends: two },
    originTls: { ...place, protocol: 'https' },
    proxyProtocol: { ...place, protocol: 'tls' },
  };
  if (name === 'publicPort') return { protocol: 'udp', ...place, [name]: example };
  return { hostname, ...(others[name] ?? place), [name]: example };
}

const FLEET = {
  'kokoa.yaml': `controlPlane: {urls: ['https://control.hoge.com:8443']}
acme: {server: 'https://ca.example/dir'}
teams: [{name: hoge, hostnames: ['*.hoge.com'], ports: ['25565', 64000-65000]}]
network: {wireguard: 10.100.0.0/16}
pools: [{name: default, tlsPassthrough: true}]
`,
  'origins/home.yaml': originFile('home', 1),
  'origins/office.yaml': originFile('office', 2),
};

function originFile(name: string, number: number): string {
  const token = `sha256:${`${number}`.repeat(64)}`;
  return `name: ${name}\nteams: [hoge]\nwireguard: {address: 10.100.1.${number}}\ntoken: ${token}\n`;
}

/** What `kokoa validate` says of the text as a route of team hoge, warnings too. */
function problemsOf(text: string): string[] {
  const loaded = Object.entries({ ...FLEET, 'routes/hoge/example.yaml': text }).map(([path, content]) =>
    loadFile(path, path, Buffer.from(content)),
  );
  const problems = [...loaded.flatMap((file) => file.problems), ...checkAll(viewOf(loaded))];
  return problems.map(({ file, line, rule, message }) => `${file}:${line} ${rule} ${message}`);
}

function nameOf(text: string): string {
  const { hostname, protocol, publicPort } = parse(text) as Route;
  return hostname ?? `${protocol} ${publicPort}`;
}

function yamlBlocks(text: string): string[] {
  return [...text.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, body]) => body!);
}
