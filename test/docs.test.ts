// The documents are true: links lead somewhere, named files and commands exist. Workflows have rules of their own: workflow-rules.test.ts.
import { globSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ORDERS_IN_FLIGHT_MAX } from '../agent/certificate-orders.ts';
import { BACKOFF_FIRST_MS, BACKOFF_MAX_MS } from '../agent/core/order-plan.ts';
import { plainHeaders, strippedHeaders } from '../agent/core/upstream-headers.ts';
import { checkAll, viewOf } from '../reconciler/core/check.ts';
import { loadFile } from '../reconciler/core/load.ts';
import { NOTIFY_KINDS } from '../reconciler/core/notify/event.ts';
import { schemas } from '../schemas/by-kind.ts';
import { dataReferencePage } from '../schemas/reference.ts';

const TOP = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string) => readFileSync(join(TOP, path), 'utf8');
const documents = ['README.md', ...globSync('*/README.md', { cwd: TOP }), ...globSync('docs/**/*.md', { cwd: TOP })]
  .filter((path) => !path.startsWith('node_modules'))
  .sort();
const githubFiles = globSync('.github/**/*', { cwd: TOP }).filter((path) => statSync(join(TOP, path)).isFile());

describe.each(documents)('%s', (path) => {
  const text = read(path);

  test('has links that lead to a file, and to a heading where they name one', () => {
    const broken = linksOf(text).filter((link) => !leadsSomewhere(link, path));
    expect(broken).toEqual([]);
  });

  test('says nothing that is of no use to a reader elsewhere', () => {
    expect(text.match(FORBIDDEN) ?? []).toEqual([]);
  });

  test('opens with one title and has closed code blocks', () => {
    expect(text.split('\n')[0]).toMatch(/^# \S/);
    expect((text.match(/^\s*```/gm) ?? []).length % 2).toBe(0);
  });
});

const FORBIDDEN = /\b(TODO|FIXME|XXX)\b|\/(work|root|home|tmp\/docs)\b\/|\b[Ii]ssue #?\d+/g;

describe('docs/architecture.md', () => {
  test('names only files that exist', () => {
    const named = [...read('docs/architecture.md').matchAll(/`((?:[\w.-]+\/)*[\w-]+\.(?:ts|json|yaml))`/g)].map(
      ([, name]) => name!,
    );
    const rooms = ['', 'reconciler', 'agent'];
    const examples = new Set(['config.json']);
    const missing = named.filter((name) => !examples.has(name) && !rooms.some((room) => isThere(join(room, name))));
    expect(named.length).toBeGreaterThan(10);
    expect(missing).toEqual([]);
  });

  test('fits on a page, and the README with it', () => {
    expect(read('docs/architecture.md').split('\n').length).toBeLessThan(100);
    expect(read('README.md').split('\n').length).toBeLessThan(205);
  });
});

describe('a backticked path in any document', () => {
  test.each(documents)('of %s exists', (path) => {
    const named = [...read(path).matchAll(/`((?:agent|reconciler|bundle|lab|schemas|test|bin|docs)\/[\w./-]+)`/g)].map(
      ([, name]) => name!,
    );
    expect(named.filter((name) => !isThere(name) && name !== 'dist/kokoa-agent.mjs')).toEqual([]);
  });
});

describe('pictures', () => {
  const picturesOf = (path: string) =>
    [...read(path).matchAll(/!\[([^\]]*)\]\(([^)\s]+)\)|<img src="([^"]*)" width="\d+" alt="([^"]*)">/g)].map(
      ([, alt, link, src, imgAlt]) => ({ alt: (alt ?? imgAlt)!, target: join(dirname(path), (link ?? src)!) }),
    );
  const named = documents.flatMap(picturesOf);

  test('that documents name exist, and those that exist are named', () => {
    const there = readdirSync(join(TOP, 'docs/pictures')).map((name) => join('docs/pictures', name));
    expect(there.length).toBeGreaterThan(4);
    expect([...new Set(named.map(({ target }) => target))].sort()).toEqual(there.sort());
  });

  test('say in words what they show, to those who cannot see them', () => {
    expect(named.filter(({ alt }) => alt.length < 40)).toEqual([]);
  });

  test('are written in one of the two ways that are looked for', () => {
    const written = documents.flatMap((path) => read(path).match(/!\[|<img\b/g) ?? []);
    expect(written).toHaveLength(named.length);
  });
});

describe('the decisions', () => {
  const pages = readdirSync(join(TOP, 'docs/adr'))
    .filter((name) => /^\d/.test(name))
    .sort();

  test('are numbered without gaps and all listed', () => {
    const index = read('docs/adr/README.md');
    expect(pages.map((name) => Number(name.slice(0, 4)))).toEqual(pages.map((_, at) => at + 1));
    expect(pages.filter((name) => !index.includes(`(${name})`))).toEqual([]);
  });

  test.each(pages)('%s has context, decision, what was rejected and consequences, on a page', (name) => {
    const text = read(join('docs/adr', name));
    expect([...text.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading)).toEqual([
      'Context',
      'Decision',
      'Rejected',
      'Consequences',
    ]);
    expect(text).toMatch(new RegExp(`^# ${Number(name.slice(0, 4))}\\. `));
    expect(text.length).toBeLessThan(4000);
  });
});

describe('commands', () => {
  let programs: Record<string, Command>;

  beforeAll(async () => {
    programs = {
      kokoa: await commandsOf('reconciler', 'kokoa'),
      'kokoa-agent': await commandsOf('agent', 'kokoa-agent'),
    };
  }, 60_000);

  test.each(documents)('that %s names exist and take the options it gives them', (path) => {
    const wrong = namedIn(read(path)).flatMap(({ program, words, flags, line }) => {
      const found = find(programs[program]!, words);
      if (!found) return [`no such command: ${line}`];
      const known = found.options.map(({ long }) => long).concat('--help', '--version', '--state');
      return flags.filter((flag) => !known.includes(flag)).map((flag) => `no option ${flag}: ${line}`);
    });
    expect(wrong).toEqual([]);
  });

  test.each(documents)('of npm in %s are scripts of package.json', (path) => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = [...read(path).matchAll(/\bnpm (?:run ([a-z][a-z:]*)|(start|test)\b)/g)];
    expect(named.map(([, run, short]) => run ?? short!).filter((name) => scripts[name] === undefined)).toEqual([]);
  });

  test('of the programs are all in the README', () => {
    const named = new Set(namedIn(read('README.md')).map(({ program, words }) => find(programs[program]!, words)));
    const all = Object.values(programs).flatMap(leavesOf);
    expect(all.length).toBeGreaterThan(10);
    expect(all.filter((command) => !named.has(command)).map((command) => command.name())).toEqual([]);
  });
});

describe('docs/ddos.md', () => {
  const text = read('docs/ddos.md');
  const rows = [...text.matchAll(/^\| `([a-z_]+)` \| `([^`]+)` \|/gm)].map(
    ([, name, value]) => [name!, value!] as const,
  );

  test.each(rows)('says what the edge runs with: %s %s', (name, value) => {
    const lines = [...edgeConfiguration().matchAll(/^ *(\w+) (.*);$/gm)].filter(([, directive]) => directive === name);
    expect(lines.map(([, , argument]) => argument)).toContain(value);
  });

  test('has the numbers of a flood in its table, and no other seconds', () => {
    expect(rows.length).toBeGreaterThanOrEqual(15);
    const known = new Set(rows.flatMap(([, value]) => /^(\d+)s$/.exec(value)?.[1] ?? []));
    const said = [...text.matchAll(/\b(\d+) s\b/g)]
      .map(([, seconds]) => seconds!)
      .filter((seconds) => seconds !== '59');
    expect(said.length).toBeGreaterThan(3);
    expect(said.filter((seconds) => !known.has(seconds))).toEqual([]);
  });
});

/** The templates, with the constants that the agent fills in. */
function edgeConfiguration(): string {
  const constants: Record<string, [file: string, value: RegExp]> = {
    workerConnections: ['agent/node.ts', /WORKER_CONNECTIONS = (\d+)/],
    workerProcesses: ['agent/node.ts', /workerProcesses: (\d+)/],
    workerShutdownSeconds: ['agent/core/render-nginx.ts', /WORKER_SHUTDOWN_SECONDS = (\d+)/],
  };
  return Object.entries(constants).reduce(
    (text, [name, [file, value]]) => text.replace(`{{${name}}}`, value.exec(read(file))?.[1] ?? 'nothing'),
    ['nginx', 'streams'].map((name) => read(`agent/templates/${name}.conf.mustache`)).join('\n'),
  );
}

describe('docs/routes.md', () => {
  const text = read('docs/routes.md');

  test('names exactly the headers that never arrive', () => {
    const paragraph = /^These never arrive[\s\S]*?\n\n/m.exec(text)?.[0] ?? '';
    const named = [...paragraph.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);
    const emptied = plainHeaders(443)
      .filter(({ value }) => value === '')
      .map(({ name }) => name);
    expect(named.sort()).toEqual(emptied.filter((name) => name !== 'X-Forwarded-Prefix').sort());
  });

  test('names every header that the edge writes', () => {
    const [section = ''] = text.split('## What your service sees')[1]!.split('\n## ');
    const written = strippedHeaders(443)
      .filter(({ value }) => value !== '')
      .map(({ name }) => name);
    expect(written.length).toBeGreaterThan(8);
    expect(written.filter((name) => !section.includes(`\`${name}\``))).toEqual([]);
  });

  test('names only directives that an edge is given', () => {
    const templates = globSync('agent/templates/*.mustache', { cwd: TOP }).map(read).join('\n');
    const named = new Set([...text.matchAll(/nginx: ((?:`\w+`,?\s*)+)/g)].flatMap(([, list]) => list!.match(/\w+/g)!));
    expect(named.size).toBeGreaterThan(30);
    expect([...named].filter((name) => !new RegExp(`^ *${name} `, 'm').test(templates))).toEqual([]);
  });
});

describe('the routes that documents show', () => {
  const shown = ['README.md', 'docs/recipes.md', 'docs/data-repository.md', 'docs/troubleshooting.md'].flatMap((path) =>
    [...read(path).matchAll(/^```yaml\n([\s\S]*?)^```$/gm)]
      .map(([, text]) => text!)
      .filter((text) => /^(hostname|publicPort):/m.test(text))
      .map((text) => [path, /^(?:hostname|publicPort): .*/m.exec(text)![0], text] as const),
  );

  test('are one of the README and all recipes', () => {
    const recipes = read('docs/recipes.md').match(/^`--allow /gm)!;
    expect(recipes.length).toBeGreaterThanOrEqual(7);
    expect(shown.length).toBeGreaterThan(recipes.length);
    expect(shown.map(([path]) => path)).toContain('README.md');
  });

  // A warning may be meant; then the page says so, with its rule.
  test.each(shown)('of %s stand beside the example data without a problem: %s', (path, name, text) => {
    const granted = path === 'README.md' ? {} : grantedData();
    const problems = problemsBeside({ ...exampleData(), ...granted, [`routes/hoge/${fileOf(name)}`]: text });
    const warned = read(path).match(/\bKK\d{3}\b/g) ?? [];
    expect(problems.filter((problem) => !warned.some((rule) => problem.includes(` warning ${rule} `)))).toEqual([]);
  });

  test('would be noticed if they were bad', () => {
    const bad = { 'routes/hoge/bad.yaml': 'hostname: bad.hoge.com\norigin: hom\nport: 80\n' };
    expect(problemsBeside({ ...exampleData(), ...bad })).toHaveLength(1);
  });
});

describe('docs/data-repository.md', () => {
  const blocks = [...read('docs/data-repository.md').matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, text]) => text!);

  test('shows whole files that fit together, one of each kind', () => {
    const kinds = { 'kokoa.yaml': 'kokoa', 'edges/tokyo-1.yaml': 'edge', 'origins/home.yaml': 'origin' };
    const files = Object.entries(kinds).map(([path, kind]) => [
      path,
      blocks.find((text) => text.includes(`/${kind}.schema.json`)) ?? '',
    ]);
    expect(problemsBeside(Object.fromEntries(files) as Record<string, string>)).toEqual([]);
  });

  test('has every field of its schemas, as `npm run bless` writes them', () => {
    const text = read('docs/data-repository.md');
    expect(text).toBe(dataReferencePage());
    const kinds = ['kokoa', 'edge', 'origin'] as const;
    for (const kind of kinds) {
      const section = text.split(`<!-- ${kind}: `)[1]!.split(`<!-- end of ${kind} -->`)[0]!;
      const named = new Set(
        [...section.matchAll(/^- \*\*`(.+?)`\*\*/gm)].flatMap(([, name]) => name!.split(/\[\]\.|\./)),
      );
      const there = propertiesOf(schemas[kind]);
      expect(there.length).toBeGreaterThan(8);
      expect(there.filter((name) => !named.has(name))).toEqual([]);
    }
    expect(text.match(/undefined|\[object/g)).toBeNull();
    expect(text.split('\n').filter((line) => !line.startsWith('|') && line.length > 130)).toEqual([]);
  });
});

describe('docs/troubleshooting.md', () => {
  test('quotes what the programs say', () => {
    const status = read('agent/describe.ts');
    for (const words of ['not running', 'no handshake yet', 'another packet filter', "'allows'"]) {
      expect(status).toContain(words);
    }
    expect(read('docs/troubleshooting.md')).toContain('no handshake yet');
    const logged = read('agent/certificate-orders.ts') + read('reconciler/quarantine.ts') + read('agent/watch.ts');
    expect(logged).toContain('a certificate could not be ordered');
  });

  test('says the times that the programs keep', () => {
    const serve = read('reconciler/cli/serve.ts');
    expect(serve).toMatch(/POLL_SECONDS = 60;[\s\S]*POLL_SECONDS_LOCAL = 2;/);
    expect(read('README.md').replaceAll('\n', ' ')).toContain('looks every 2 s');
    expect(read('docs/troubleshooting.md')).toContain('60 s by default, 2 s for a repository');
    expect(read('agent/certificate-orders.ts')).toContain('TICK_MS = 30_000');
    expect([BACKOFF_FIRST_MS, BACKOFF_MAX_MS, ORDERS_IN_FLIGHT_MAX]).toEqual([60_000, 3_600_000, 4]);
  });
});

/** The example data of this repository, path → text. */
function exampleData(): Record<string, string> {
  const paths = ['kokoa.yaml', ...globSync('{edges,origins}/*.yaml', { cwd: TOP })];
  return Object.fromEntries(paths.map((path) => [path, read(path)]));
}

/** What the pages ask an operator to grant beside that. */
function grantedData(): Record<string, string> {
  const kokoa = read('kokoa.yaml').replace("      - '*.hoge.com'\n", "$&      - hoge.com\n    ports: ['2222']\n");
  return { 'kokoa.yaml': kokoa };
}

/** What `kokoa validate` says of files, path → text. */
function problemsBeside(files: Record<string, string>): string[] {
  const loaded = Object.entries(files).map(([path, text]) => loadFile(path, path, Buffer.from(text)));
  const problems = [...loaded.flatMap((file) => file.problems), ...checkAll(viewOf(loaded))];
  return problems.map(({ file, line, severity, rule, message }) => `${file}:${line} ${severity} ${rule} ${message}`);
}

function fileOf(name: string): string {
  return `${name.replace(/^.*: /, '').replace(/\s.*$/, '')}.yaml`;
}

/** Every name of a property in a schema, without what other schemas define. */
function propertiesOf(schema: object): string[] {
  return Object.entries(schema).flatMap(([key, value]) => {
    if (typeof value !== 'object' || value === null || key === 'definitions') return [];
    return [...(key === 'properties' ? Object.keys(value) : []), ...propertiesOf(value as object)];
  });
}

describe('docs/operate.md', () => {
  test('quotes log lines that the programs write', () => {
    const [section = ''] = read('docs/operate.md').split('## Log lines')[1]!.split('\n## ');
    const lines = [...section.matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, cell]) => cell!.match(/[^`]+(?=`(, |$))/g)!);
    const sources = [...globSync('{agent,reconciler}/**/*.ts', { cwd: TOP })].filter(
      (path) => !path.endsWith('.test.ts'),
    );
    const text = sources.map(read).join('\n');
    expect(lines.length).toBeGreaterThan(15);
    expect(lines.filter((line) => !text.includes(`'${line}`))).toEqual([]);
    const written = sources
      .filter((path) => !path.endsWith('.fixture.ts'))
      .flatMap((path) => linesLoggedIn(read(path)));
    expect(written.length).toBeGreaterThan(100);
    const isListed = (line: string) =>
      lines.some((listed) => line.startsWith(listed) && /^(?:[;.]|$)/.test(line.slice(listed.length)));
    expect(written.filter((line) => !isListed(line))).toEqual([]);
  });

  test('lists exactly the metrics there are', () => {
    const pattern = /kokoa_[a-z_]+/g;
    const made = [...globSync('reconciler/adapters/metrics*.ts', { cwd: TOP }), 'agent/core/node-metrics.ts']
      .map(read)
      .join('\n');
    const there = new Set([...made.matchAll(/'(kokoa_[a-z_]+)'/g)].map(([, name]) => name));
    const table = read('docs/operate.md')
      .split('\n')
      .filter((line) => line.startsWith('| `kokoa_'));
    expect(new Set(table.flatMap((line) => line.match(pattern)!.slice(0, 1)))).toEqual(there);
  });

  test('has a row for every code with which an agent refuses, rolls back or leaves out, and for no other', () => {
    const told = ['## A bundle was refused', '### Codes of certificates'].flatMap((heading) => codesInRows(heading));
    const there = agentCodes();
    expect(there.size).toBeGreaterThan(60);
    expect([...there].filter((code) => !told.includes(code))).toEqual([]);
    expect(told.filter((code) => !there.has(code))).toEqual([]);
  });

  test('has a row for every kind of notice', () => {
    const [section = ''] = read('docs/operate.md').split('\n## Notifications\n')[1]!.split('\n## ');
    const [table = ''] = section.split('\n| kind | of |')[1]!.split('\n\n');
    expect([...table.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, kind]) => kind)).toEqual(Object.keys(NOTIFY_KINDS));
  });

  test('names every state of a node', () => {
    const shown = [...unionIn('bundle/api.ts', 'NodeState'), 'silent'];
    expect(read('reconciler/cli/node-table.ts')).toContain("'silent'");
    expect(codesInRows('## How a node stands').sort()).toEqual(shown.sort());
  });

  test('has no line that is too long to read beside another', () => {
    const lines = ['docs/operate.md', 'docs/troubleshooting.md'].flatMap((path) => read(path).split('\n'));
    expect(lines.filter((line) => !line.startsWith('|') && line.length > 140)).toEqual([]);
  });
});

/** The texts that end a call of a log, or of what says a trouble once. */
function linesLoggedIn(source: string): string[] {
  const calls = source.split(/\b(?:log|news)\.(?:info|warn|error|trouble|over)\(/).slice(1);
  return calls.flatMap((call) => {
    const statement = call.slice(0, call.search(/\)(?:;|,)?$/m));
    return /'([^'\n]+)',?\s*$/.exec(statement)?.[1] ?? [];
  });
}

/** What stands in the first column of a section's tables. */
function codesInRows(heading: string): string[] {
  const [section = ''] = read('docs/operate.md')
    .split(`\n${heading}\n`)[1]!
    .split(/\n##+ /);
  const cells = [...section.matchAll(/^\| (`[^|]*) \|/gm)].map(([, cell]) => cell!);
  return cells.flatMap((cell) => [...cell.matchAll(/`([a-z_0-9]+)`/g)].map(([, code]) => code!));
}

/** Where codes are those of commands, which say themselves what to do. */
const OF_COMMANDS = [
  ...[
    'cli/',
    'join',
    'leave',
    'leavings',
    'preflight',
    'import-certificate',
    'forget-certificate',
    'core/preflight',
    'adapters/preflight',
  ],
  ...['core/allow-list', 'core/control-plane-url', 'core/nginx-paths', 'core/node-metrics', 'adapters/wireguard-link'],
  ...['adapters/settings-file', 'adapters/node-keys', 'adapters/secret-file', 'adapters/state-lock'],
  ...['adapters/state-remains', 'adapters/filter-remains', 'adapters/tunnel-remains'],
  ...['adapters/control-plane', 'adapters/edge-probe'],
].map((path) => `agent/${path}`);
/** Written like codes: words of nftables, the kernel and certbot's end, and a state. */
const NO_CODES: readonly string[] = [
  ...['inet_service', 'udp_ports', 'udp_targets', 'udp_forwards', 'udp_entrances', 'route_localnet'],
  ...['rolled_back', 'last_good', 'timed_out'],
  // What the control plane is told of an order and of its proof.
  ...['order_end', 'challenge_end', 'validation_failed', 'rate_limited'],
];

/** Every text of an agent's sources that looks like a code, the codes of verifying, and what a stage makes of an error of the system. */
function agentCodes(): Set<string> {
  const sources = globSync('agent/**/*.ts', { cwd: TOP }).filter(
    (path) => !/\.(test|fixture)\.ts$/.test(path) && !OF_COMMANDS.some((start) => path.startsWith(start)),
  );
  const text = sources.map(read).join('\n');
  const written = [...text.matchAll(/'([a-z]+(?:_[a-z0-9]+)+)'/g)].map(([, code]) => code!);
  const short = [...text.matchAll(/\bcode: '([a-z]+)'/g)].map(([, code]) => code!);
  const unexpected = [...text.matchAll(/\battempt\('(\w+)'/g)].map(([, stage]) => `${stage!}_failed`);
  const members = [
    ...unionIn('bundle/refusal.ts', 'VerifyCode'),
    ...unionIn('bundle/certificate.ts', 'CertificateFault'),
  ];
  return new Set([...written, ...short, ...unexpected, ...members].filter((code) => !NO_CODES.includes(code)));
}

/** The texts of a union type. */
function unionIn(path: string, type: string): string[] {
  const union = new RegExp(`type ${type} =([^;]*);`).exec(read(path))![1]!;
  return [...union.matchAll(/'(\w+)'/g)].map(([, text]) => text!);
}

describe('.github', () => {
  test.each(githubFiles)('%s ends with one newline and holds no tab', (path) => {
    expect(read(path)).toMatch(/[^\n]\n$/);
    expect(read(path)).not.toContain('\t');
  });

  test('CODEOWNERS names an owner for every team’s folder, as kokoa.yaml has them', () => {
    const { teams } = parse(read('kokoa.yaml')) as { teams: { name: string; owners: string[] }[] };
    const rules = read('.github/CODEOWNERS')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    const owners = Object.fromEntries(rules.map((line) => [line.split(/ +/)[0]!, line.split(/ +/).slice(1)]));
    expect(owners).toMatchObject(Object.fromEntries(teams.map(({ name, owners }) => [`/routes/${name}/`, owners])));
  });
});

interface Named {
  program: string;
  words: string[];
  flags: string[];
  line: string;
}

/** Every link of a document that stays inside the repository. */
function linksOf(text: string): string[] {
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!).filter((link) => !/^https?:/.test(link));
}

function leadsSomewhere(link: string, from: string): boolean {
  const [path = '', heading] = link.split('#');
  const target = path === '' ? from : normalize(join(dirname(from), path));
  if (relative('.', target).startsWith('..') || !isThere(target)) return false;
  if (heading === undefined) return true;
  const headings = [...read(target).matchAll(/^#+ (.*)$/gm)].map(([, title]) => anchorOf(title!));
  return headings.includes(heading);
}

/** As GitHub makes it: lower case, spaces to dashes, nothing but letters, digits, dashes and underscores. */
function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

function isThere(path: string): boolean {
  return statSync(join(TOP, path), { throwIfNoEntry: false }) !== undefined;
}

/** `kokoa …` and `kokoa-agent …` inside backticks or code blocks, one entry each; a backslash continues a line. */
function namedIn(text: string): Named[] {
  const blocks = [...text.matchAll(/^ *```.*\n([\s\S]*?)^ *```/gm)].map(([, body]) => body!.replaceAll(/\\\n/g, ' '));
  const inline = [...text.replaceAll(/^ *```.*\n[\s\S]*?^ *```/gm, '').matchAll(/`([^`]+)`/g)].map(([, code]) => code!);
  const lines = [...blocks.flatMap((block) => block.split('\n')), ...inline];
  return lines.flatMap((line) => {
    const match = /^(?:[$#] )?\s*(?:npx |sudo |node bin\/)?(kokoa-agent|kokoa)(?:\.js)?(?: (.*))?$/.exec(
      line.replace(/\s+#.*$/, ''),
    );
    if (!match) return [];
    const rest = (match[2] ?? '').split(/\s+/).filter((word) => word !== '' && word !== '…');
    const words = rest.slice(0, Math.max(0, rest.findIndex((word) => !/^[a-z][a-z-]*$/.test(word)) >>> 0));
    return [{ program: match[1]!, words, flags: rest.filter((word) => word.startsWith('--')), line }];
  });
}

/** The command that the words lead to, down to one that takes arguments; undefined when there is no such command. */
function find(from: Command, words: readonly string[]): Command | undefined {
  const [word, ...rest] = words;
  if (word === undefined || from.commands.length === 0) return from;
  const next = from.commands.find((command) => command.name() === word);
  return next && find(next, rest);
}

function leavesOf(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf);
}

/** A program's commands, as its main.ts registers them; nothing is run. */
async function commandsOf(room: string, name: string): Promise<Command> {
  const program = new Command(name);
  const imports = read(`${room}/main.ts`).matchAll(/^import \{ (register\w+) \} from '(\.\/cli\/[\w-]+\.ts)';$/gm);
  for (const [, register, path] of imports) {
    const module = (await import(new URL(`../${room}/${path}`, import.meta.url).href)) as Record<
      string,
      (to: Command) => void
    >;
    module[register!]!(program);
  }
  return program;
}
