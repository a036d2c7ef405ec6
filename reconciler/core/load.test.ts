import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kindOf, loadFile } from './load.ts';
import { PROBLEMS_PER_FILE_MAX } from './yaml.ts';

const ROUTE = 'hostname: App.Hoge.com.\norigin: home\nport: 8080\n';
const load = (path: string, text: string) => loadFile(path, 'blob-1', Buffer.from(text));
const said = (path: string, text: string) =>
  load(path, text).problems.map(({ line, column, rule, message }) => `${line}:${column} ${rule} ${message}`);

describe('kindOf', () => {
  it.each([
    ['kokoa.yaml', 'kokoa'],
    ['kokoa.yml', 'kokoa'],
    ['routes/hoge/app.yaml', 'route'],
    ['routes/hoge/app.YML', 'route'],
    ['routes/app.yaml', 'route'],
    ['routes/a/b/c/d.yaml', 'route'],
    ['origins/home.yaml', 'origin'],
    ['edges/tokyo-1.yaml', 'edge'],
    ['routes/README.md', undefined],
    ['routes/hoge/.gitkeep', undefined],
    ['docs/routes/hoge/app.yaml', undefined],
    ['constructor/x.yaml', undefined],
    ['__proto__/x.yaml', undefined],
    ['other.yaml', undefined],
    ['/etc/kokoa.yaml', undefined],
    ['', undefined],
  ])('of %j is %s', (path, kind) => {
    expect(kindOf(path)).toBe(kind);
  });
});

describe('loadFile', () => {
  it('answers the value as typed, the canonical hostname, the team and where things stand', () => {
    const file = load('routes/hoge/app.yaml', ROUTE);
    expect(file).toMatchObject({
      path: 'routes/hoge/app.yaml',
      blob: 'blob-1',
      kind: 'route',
      team: 'hoge',
      hostname: 'app.hoge.com',
      problems: [],
    });
    expect(file.value).toEqual({ hostname: 'App.Hoge.com.', origin: 'home', port: 8080 });
    expect(file.locate('/port')).toEqual({ line: 3, column: 7 });
    expect(file.locate('/limits/burst')).toEqual({ line: 1, column: 1 });
  });

  it('gives no value, but still the hostname, when something else is wrong', () => {
    const file = load('routes/hoge/app.yaml', ROUTE.replace('8080', '0'));
    expect(file.value).toBeUndefined();
    expect(file).toMatchObject({ hostname: 'app.hoge.com', team: 'hoge' });
  });

  it.each([
    ['routes/hoge/app.yml', 'KK102'],
    ['routes/hoge/app.YAML', 'KK102'],
    ['routes/app.yaml', 'KK101'],
    ['routes/hoge/deep/app.yaml', 'KK101'],
    ['routes/Hoge/app.yaml', 'KK101'],
    ['routes/hoge/.app.yaml', 'KK101'],
    ['routes/hoge/a b.yaml', 'KK101'],
    ['routes/hoge/\u001b[2Japp.yaml', 'KK101'],
    ['routes/../app.yaml', 'KK101'],
  ])('refuses the place %j by %s, whatever the file says', (path, rule) => {
    const file = load(path, ROUTE);
    expect(file.problems.map((problem) => problem.rule)).toEqual([rule]);
    expect(file.value).toBeUndefined();
  });

  it.each(['routes/hoge/テスト.yaml', 'routes/hoge/app.hoge.com.yaml', 'routes/hoge/_wildcard.hoge.com.yaml'])(
    'accepts the place %j',
    (path) => {
      expect(load(path, ROUTE).problems).toEqual([]);
    },
  );

  it('says what was found, what is expected and what was meant', () => {
    const file = load('routes/hoge/app.yaml', 'hostnme: app.hoge.com\norigin: home\nport: "8080"\npool:\n');
    expect(file.problems.map(({ message, hint }) => [message, hint])).toEqual([
      [
        'found the property "hostnme", expected one of hostname, origin, port, host, backends, sticky, check, protocol and 17 more',
        'did you mean hostname?',
      ],
      ['found no hostname, expected one', 'add a line such as hostname: app.hoge.com'],
      ['port: found "8080", expected a whole number', 'delete the quotes'],
      ['pool: found nothing, expected text', 'Lower-case letters, digits and dashes, at most 63.'],
    ]);
  });

  it.each([
    ['protocol: tcp\npublicPort: 25565\n', ''],
    ['protocol: udp\npublicPort: 25565\n', ''],
    ['hostname: app.hoge.com\nprotocol: tls\n', ''],
    ['hostname: app.hoge.com\nprotocol: tcp\npublicPort: 25565\n', '1:11 KK335'],
    ["protocol: udp\nhostname: 'not a name'\n", '2:11 KK335'],
    ['protocol: tls\nproxyProtocol: true\n', '1:1 KK113'],
    ['publicPort: 25565\n', '1:1 KK113'],
    ['', '1:1 KK113'],
  ])('gives a value to a route with a hostname, or a public port in its place: %j: "%s"', (lines, problem) => {
    const file = load('routes/hoge/app.yaml', `${lines}origin: home\nport: 8080\n`);
    expect(file.problems.map(({ line, column, rule }) => `${line}:${column} ${rule}`).join()).toBe(problem);
    expect(file.value === undefined).toBe(problem !== '');
    expect('hostname' in file).toBe(lines.startsWith('hostname') && problem === '');
  });

  it('tells a port without a protocol what it may have meant', () => {
    const [problem] = load('routes/hoge/app.yaml', 'publicPort: 25565\norigin: home\nport: 1\n').problems;
    expect(problem?.hint).toContain('protocol: tcp');
  });

  it('complains once about a value that YAML and the schema both dislike', () => {
    expect(said('routes/hoge/app.yaml', ROUTE.replace('8080', '8080.5'))).toEqual([
      '3:7 KK015 found the number 8080.5, expected a plain whole number or quoted text',
    ]);
  });

  it('never repeats what may be a secret', () => {
    const secret = 'eyJhbGciOiJFZERTQSJ9.c2VjcmV0';
    const node = `name: home\nteams: [hoge]\nwireguard:\n  address: 10.100.1.1\n  publicKey: ${secret}\ntoken: ${secret}\n`;
    const { problems } = load('origins/home.yaml', node);
    expect(problems.map(({ rule }) => rule)).toEqual(['KK115', 'KK115']);
    expect(JSON.stringify(problems)).not.toContain(secret);
  });

  it.each([
    'auth: {basic: SECRET}',
    'auth: {basic: {users: SECRET}}',
    'auth: {basic: {users: {sealed: SECRET}}}',
    'auth: {basic: {users: {file: SECRET}}}',
    'auth: {basic: {users: {credential: SECRET}}}',
    'auth: {basic: {users: {env: SECRET}}}',
    'paths: [{prefix: /a, auth: {basic: {users: {env: SECRET}}}}]',
    'originTls: {verify: ca, ca: [SECRET]}',
    'originTls: {verify: ca, ca: SECRET}',
    'headers: {request: {set: {X-Token: [SECRET]}}}',
    'headers: {request: {set: {X-Token: 8271}}}',
  ])('refuses %s without repeating it', (line) => {
    const { problems } = load('routes/hoge/app.yaml', `${ROUTE}${line.replace('SECRET', "'alice:$apr1$8271'")}\n`);
    expect(problems).not.toEqual([]);
    expect(JSON.stringify(problems)).not.toContain('8271');
  });

  it.each<[string, string, string, string]>([
    [
      'auth: {basic: {users: {alice: hunter2}}}',
      'KK112',
      'auth.basic.users: found a property that is not one of them, expected one of sealed, file, credential, env',
      'run kokoa seal --team hoge, and paste all of what it prints; if a password or a hash was pushed, change the password',
    ],
    ['auth: {basic: {users: {fiel: a}}}', 'KK112', 'found a property that is not one of them', 'did you mean file?'],
    [
      'auth: {basic: [alice]}',
      'KK111',
      'auth.basic: found a list, expected a block of properties',
      'kokoa seal --team hoge',
    ],
    ['auth: hunter2', 'KK111', 'auth: found text of 7 characters', 'kokoa seal --team hoge'],
    ['auth: {basic: {}}', 'KK113', 'auth.basic: found no users, expected one', 'kokoa seal --team hoge'],
    [
      'auth: {basic: {users: {file: a}}, forward: {origin: home, port: 1, path: /a}}',
      'KK117',
      'auth: found basic and forward, expected at most 1',
      'keep one of them',
    ],
    [
      'auth: {basic: {users: {file: a, env: A}}}',
      'KK117',
      'auth.basic.users: found file and env, expected at most 1',
      'keep one of them',
    ],
    [
      'auth: {forward: {origin: home, port: 1, path: /a, pth: /a}}',
      'KK112',
      'auth.forward: found the property "pth"',
      'did you mean path?',
    ],
    ['maintenance: {}', 'KK113', 'maintenance: found no allow', 'write maintenance: {allow: []}'],
    ['timeouts: {read: [1]}', 'KK111', 'timeouts.read: found a list, expected text', ''],
  ])('says of %s what to do', (line, rule, message, hint) => {
    const [problem] = load('routes/hoge/app.yaml', `${ROUTE}${line}\n`).problems;
    expect(problem?.rule).toBe(rule);
    expect(problem?.message).toContain(message);
    expect(problem?.hint).toContain(hint);
    expect(JSON.stringify(problem)).not.toMatch(/alice|hunter2/);
  });

  it('says that a port of a team may be a number or text', () => {
    const kokoa = (port: string) =>
      load('kokoa.yaml', `teams: [{name: a, hostnames: [a.b], ports: [${port}]}]\n`).problems;
    const said = (port: string) => kokoa(port).filter(({ message }) => message.includes('ports'));
    for (const good of ['25565', "'25565'", '30000-30100']) expect(said(good)).toEqual([]);
    expect(said('true')[0]?.message).toBe('teams[0].ports[0]: found true, expected text or a whole number');
    expect(said('65536')[0]?.rule).toBe('KK116');
  });

  it('says of a name in a free block where it stands', () => {
    expect(said('routes/hoge/app.yaml', `${ROUTE}headers:\n  request:\n    set:\n      X Frame: a\n`)).toEqual([
      '7:7 KK115 headers.request.set: found the name "X Frame", expected text such as X-Frame-Options',
    ]);
  });

  it('cuts the list of one file and says so', () => {
    const file = load('kokoa.yaml', Array.from({ length: 5000 }, (_, i) => `p${i}: 1\n`).join(''));
    expect(file.problems).toHaveLength(PROBLEMS_PER_FILE_MAX + 1);
    expect(file.problems.at(-1)).toMatchObject({ rule: 'KK016', severity: 'error' });
  });

  it.each([
    ['entries of the wrong kind', (i: number) => `  - ${i}\n`],
    ['different entries', (i: number) => `  - t${i}\n`],
    ['equal entries', () => '  - t\n'],
    ['blocks', (i: number) => `  - a: ${i}\n`],
  ])('judges a long list of %s in bounded time', (_, entry) => {
    const text = `name: home\nwireguard:\n  address: 10.100.1.1\nteams:\n${Array.from({ length: 12_000 }, (_, i) => entry(i)).join('')}`;
    const start = performance.now();
    const { problems } = load('origins/home.yaml', text);
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.length).toBeLessThanOrEqual(PROBLEMS_PER_FILE_MAX + 1);
  });

  it('never throws, and a file without a value always says why', () => {
    const path = fc.oneof(
      fc.constantFrom('kokoa.yaml', 'routes/hoge/a.yaml', 'origins/a.yaml', 'edges/a.yaml', 'routes/a.yml'),
      fc.string(),
    );
    const scalar = fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.boolean());
    const property = fc.constantFrom(
      'hostname',
      'origin',
      'port',
      'name',
      'teams',
      'wireguard',
      'address',
      'limits',
      'pools',
      'token',
      'x',
    );
    const block = fc.dictionary(property, fc.oneof(scalar, fc.array(scalar), fc.dictionary(property, scalar)));
    const bytes = fc.oneof(
      fc.uint8Array(),
      fc.oneof(scalar, block, fc.array(block)).map((value) => Buffer.from(JSON.stringify(value))),
    );
    fc.assert(
      fc.property(path, bytes, (where, input) => {
        const file = loadFile(where, 'b', input);
        expect(file.value === undefined).toBe(file.problems.length > 0);
        for (const problem of file.problems)
          expect(problem).toMatchObject({ file: where, rule: expect.stringMatching(/^KK\d{3}$/) });
      }),
      { numRuns: 500 },
    );
  });
});
