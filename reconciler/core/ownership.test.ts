import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkAll, viewOf } from './check.ts';
import { loadFile } from './load.ts';
import { judgeChange } from './ownership.ts';
import { changeBetween, type JudgedData } from './ownership-change.ts';
import { linesNeeded } from './ownership-lines.ts';
import type { Problem } from './problem.ts';
import { parseYaml } from './yaml.ts';

type Files = Record<string, string | undefined>;

const kokoa = (teams: string) => `controlPlane:
  urls: [https://control.hoge.com]
acme:
  server: https://acme.example/directory
teams:
${teams}network:
  wireguard: 10.100.0.0/16
pools:
  - name: default
`;
const HOGE =
  "  - { name: hoge, hostnames: ['*.hoge.com', 'shop.fuga.com'], owners: ['@o/hoge'], ports: ['2000-2010'] }\n";
const FUGA = "  - { name: fuga, hostnames: ['*.fuga.com', 'caf\u00e9.com'], owners: ['@o/fuga'] }\n";
const EVIL = "  - { name: evil, hostnames: ['*.evil.com'], owners: ['@o/evil'] }\n";
const TEAMS = HOGE + FUGA + EVIL;
const origin = (name: string, teams: string, digit: number, owner = "'@o/hoge'") =>
  `name: ${name}\nowner: ${owner}\nteams: [${teams}]\nwireguard: { address: 10.100.1.${digit} }\ntoken: sha256:${`${digit}`.repeat(64)}\n`;
const tcp = (port: number) => `protocol: tcp\nproxyProtocol: true\npublicPort: ${port}\norigin: shared\nport: 1\n`;
const route = (hostname: string, to = 'shared', port = 80) => `hostname: '${hostname}'\norigin: ${to}\nport: ${port}\n`;

const BASE: Files = {
  'kokoa.yaml': kokoa(TEAMS),
  'origins/shared.yaml': origin('shared', 'hoge, fuga, evil', 1),
  'origins/home.yaml': origin('home', 'hoge', 2),
  'routes/hoge/app.yaml': route('app.hoge.com'),
  'routes/fuga/wiki.yaml': route('wiki.fuga.com'),
  'routes/fuga/cafe.yaml': route('caf\u00e9.com'),
  'routes/evil/own.yaml': route('own.evil.com'),
};

function judged(files: Files): JudgedData {
  const loaded = Object.entries(files).flatMap(([path, text]) =>
    text === undefined ? [] : [loadFile(path, text, Buffer.from(text))],
  );
  return { loaded, problems: [...loaded.flatMap(({ problems }) => problems), ...checkAll(viewOf(loaded))] };
}

function change(head: Files, base: Files = {}): Problem[] {
  const before = { ...BASE, ...base };
  return judgeChange(judged(before), judged({ ...before, ...head }));
}

const short = ({ file, line, rule, severity }: Problem) => `${file}:${line} ${severity} ${rule}`;
const needed = (head: Files, base: Files = {}) => {
  const before = { ...BASE, ...base };
  return linesNeeded(changeBetween(judged(before), judged({ ...before, ...head })));
};
/** Those of one file. */
const lines = (head: Files, base: Files = {}, of = 'kokoa.yaml') =>
  needed(head, base)
    .filter(({ file }) => file === of)
    .map((one) => one.lines)
    .join('');
const OPERATORS = 'the operators (owners of kokoa.yaml in CODEOWNERS)';

describe('judgeChange', () => {
  it('finds nothing in a change that keeps to what is its own', () => {
    expect(change({})).toEqual([]);
    const head = {
      'routes/evil/more.yaml': route('more.evil.com'),
      'routes/evil/wild.yaml': route('*.evil.com'),
      'routes/hoge/app.yaml': route('app.hoge.com', 'home', 81),
      'routes/hoge/tcp.yaml': 'protocol: tcp\nproxyProtocol: true\npublicPort: 2003\norigin: home\nport: 1\n',
    };
    expect(change(head)).toEqual([]);
  });

  it('leaves a change to those who approve kokoa.yaml and origins, as long as no route comes with it', () => {
    const teams = TEAMS.replace("'*.evil.com'", "'*.evil.com', '*.hoge.com'");
    expect(change({ 'kokoa.yaml': kokoa(teams), 'origins/home.yaml': origin('home', 'hoge, evil', 2) })).toEqual([]);
    expect(
      change({ 'routes/evil/x.yaml': route('x.hoge.com', 'home') }, { 'kokoa.yaml': kokoa(teams) }).map(short),
    ).toEqual(['routes/evil/x.yaml:2 error KK305']);
  });

  it('takes a base without any data for a beginning', () => {
    expect(judgeChange(judged({}), judged(BASE))).toEqual([]);
  });

  const self = TEAMS.replace("'*.evil.com'", "'*.evil.com', '*.hoge.com', 'free.net'");
  const nova = `${TEAMS}  - { name: nova, hostnames: ['*.nova.com'], owners: ['@o/nova'] }\n`;

  it.each<[string, Files, string[], Files?]>([
    [
      'a grant and a route below it in one go',
      { 'kokoa.yaml': kokoa(self), 'routes/evil/x.yaml': route('free.net') },
      ['routes/evil/x.yaml:1 error KK362'],
    ],
    [
      "the same with another team's name",
      { 'kokoa.yaml': kokoa(self), 'routes/evil/x.yaml': route('x.hoge.com') },
      ['routes/evil/x.yaml:1 error KK362'],
    ],
    [
      'a name taken out of the hands of its team together with the grant',
      { 'kokoa.yaml': kokoa(self), 'routes/hoge/app.yaml': undefined, 'routes/evil/app.yaml': route('app.hoge.com') },
      ['routes/evil/app.yaml:1 error KK362'],
    ],
    [
      'a public port granted in the same change',
      {
        'kokoa.yaml': kokoa(TEAMS.replace("owners: ['@o/evil']", "owners: ['@o/evil'], ports: [2001]")),
        'routes/evil/x.yaml': 'protocol: udp\npublicPort: 2001\norigin: shared\nport: 1\n',
      },
      ['routes/evil/x.yaml:2 error KK362'],
    ],
    [
      'a team and its route in one go',
      {
        'kokoa.yaml': kokoa(nova),
        'origins/shared.yaml': origin('shared', 'hoge, fuga, evil, nova', 1),
        'routes/nova/x.yaml': route('x.nova.com'),
      },
      ['routes/nova/x.yaml:1 error KK363', 'routes/nova/x.yaml:2 error KK364'],
    ],
    [
      'a team that is renamed, with its routes',
      {
        'kokoa.yaml': kokoa(TEAMS.replace('name: hoge', 'name: hoge2')),
        'origins/shared.yaml': origin('shared', 'hoge2, fuga, evil', 1),
        'origins/home.yaml': origin('home', 'hoge2', 2),
        'routes/hoge/app.yaml': undefined,
        'routes/hoge2/app.yaml': route('app.hoge.com'),
      },
      ['routes/hoge2/app.yaml:1 error KK363', 'routes/hoge2/app.yaml:2 error KK364'],
    ],
    [
      'a team that is renamed without its routes, which nobody touched',
      { 'kokoa.yaml': kokoa(TEAMS.replace('name: fuga', 'name: fuga2')) },
      [
        'origins/shared.yaml:3 error KK301',
        'routes/fuga/cafe.yaml:1 error KK301',
        'routes/fuga/wiki.yaml:1 error KK301',
      ],
    ],
    [
      'an origin whose owner did not open it before',
      { 'origins/home.yaml': origin('home', 'hoge, evil', 2), 'routes/evil/own.yaml': route('own.evil.com', 'home') },
      ['routes/evil/own.yaml:2 error KK364'],
    ],
    [
      'an origin that comes with its route',
      { 'origins/nas.yaml': origin('nas', 'evil', 3), 'routes/evil/own.yaml': route('own.evil.com', 'nas') },
      ['routes/evil/own.yaml:2 error KK364'],
    ],
    [
      'an origin that does not list the team in either',
      { 'routes/evil/own.yaml': route('own.evil.com', 'home') },
      ['routes/evil/own.yaml:2 error KK305'],
    ],
    [
      'a route moved to a team that is not granted its name',
      { 'routes/fuga/wiki.yaml': undefined, 'routes/evil/wiki.yaml': route('wiki.fuga.com') },
      ['routes/evil/wiki.yaml:1 error KK302'],
    ],
    [
      'a file moved out of sight of its team: another spelling of the folder',
      { 'routes/hoge/app.yaml': undefined, 'routes/Hoge/app.yaml': route('app.hoge.com') },
      ['routes/Hoge/app.yaml:1 error KK101'],
    ],
    [
      'a file renamed in its folder',
      { 'routes/hoge/app.yaml': undefined, 'routes/hoge/z.yaml': route('app.hoge.com') },
      [],
    ],
    [
      'a file renamed over the file of another team',
      { 'routes/evil/own.yaml': undefined, 'routes/fuga/wiki.yaml': route('own.evil.com') },
      ['routes/fuga/wiki.yaml:1 error KK302'],
    ],
    [
      'a name that another file has',
      { 'routes/hoge/shop.yaml': route('shop.fuga.com') },
      ['routes/hoge/shop.yaml:1 error KK303'],
      { 'routes/fuga/shop.yaml': route('shop.fuga.com') },
    ],
    [
      'a name that another team has, and that is not granted either',
      { 'routes/evil/x.yaml': route('wiki.fuga.com') },
      ['routes/evil/x.yaml:1 error KK303'],
    ],
    [
      'the same with a grant in the same change',
      {
        'kokoa.yaml': kokoa(TEAMS.replace("'*.evil.com'", "'*.evil.com', 'wiki.fuga.com'")),
        'routes/evil/x.yaml': route('wiki.fuga.com'),
      },
      ['routes/evil/x.yaml:1 error KK303'],
    ],
    [
      'a name that another team has, while its file is edited too',
      { 'routes/fuga/wiki.yaml': route('wiki.fuga.com', 'shared', 81), 'routes/evil/x.yaml': route('wiki.fuga.com') },
      ['routes/evil/x.yaml:1 error KK303'],
    ],
    [
      'a name that another team has, from a team that is new as well',
      { 'kokoa.yaml': kokoa(nova), 'routes/nova/x.yaml': route('wiki.fuga.com', 'nowhere') },
      ['routes/nova/x.yaml:1 error KK363', 'routes/nova/x.yaml:1 error KK303', 'routes/nova/x.yaml:2 error KK304'],
    ],
    [
      'a name that two new files claim: nobody was first',
      { 'routes/fuga/a.yaml': route('a.fuga.com'), 'routes/evil/a.yaml': route('a.fuga.com') },
      ['routes/evil/a.yaml:1 error KK302', 'routes/evil/a.yaml:1 error KK303', 'routes/fuga/a.yaml:1 error KK303'],
    ],
    [
      'a name that another team had taken without a grant',
      { 'routes/fuga/new.yaml': route('new.fuga.com') },
      [
        'routes/evil/thief.yaml:1 warning KK302',
        'routes/evil/thief.yaml:1 error KK303',
        'routes/fuga/new.yaml:1 error KK303',
      ],
      { 'routes/evil/thief.yaml': route('new.fuga.com') },
    ],
    [
      'a name that two files of the base claim, and one more',
      { 'routes/hoge/third.yaml': route('shop.fuga.com') },
      [
        'routes/fuga/shop.yaml:1 warning KK303',
        'routes/hoge/shop.yaml:1 warning KK303',
        'routes/hoge/third.yaml:1 error KK303',
      ],
      { 'routes/fuga/shop.yaml': route('shop.fuga.com'), 'routes/hoge/shop.yaml': route('shop.fuga.com') },
    ],
    [
      'a public port that another team has',
      { 'routes/evil/tcp.yaml': tcp(2001) },
      ['routes/evil/tcp.yaml:3 error KK345'],
      { 'routes/hoge/tcp.yaml': tcp(2001) },
    ],
    [
      'a name that both are granted and that moves from one to the other',
      { 'routes/fuga/shop.yaml': undefined, 'routes/hoge/shop.yaml': route('shop.fuga.com') },
      ['routes/hoge/shop.yaml:1 warning KK366'],
      { 'routes/fuga/shop.yaml': route('shop.fuga.com') },
    ],
    [
      "a granted name under another team's wildcard",
      { 'routes/hoge/shop.yaml': route('shop.fuga.com') },
      ['routes/hoge/shop.yaml:1 warning KK366'],
      { 'routes/fuga/wild.yaml': route('*.fuga.com') },
    ],
    [
      "a granted wildcard over another team's name",
      { 'routes/fuga/wild.yaml': route('*.fuga.com') },
      ['routes/fuga/wild.yaml:1 warning KK366'],
      { 'routes/hoge/shop.yaml': route('shop.fuga.com') },
    ],
    [
      'a name under a wildcard without a grant',
      { 'routes/evil/shop.yaml': route('a.fuga.com') },
      ['routes/evil/shop.yaml:1 error KK302'],
      { 'routes/fuga/wild.yaml': route('*.fuga.com') },
    ],
    [
      'a wildcard without a grant',
      { 'routes/evil/wild.yaml': route('*.fuga.com') },
      ['routes/evil/wild.yaml:1 error KK302'],
    ],
    [
      'a route when the base has a kokoa.yaml that cannot be read',
      { 'kokoa.yaml': kokoa(TEAMS), 'routes/evil/x.yaml': route('x.evil.com') },
      ['kokoa.yaml:1 error KK365'],
      { 'kokoa.yaml': 'teams: [' },
    ],
    ['a mended kokoa.yaml alone', { 'kokoa.yaml': kokoa(TEAMS) }, [], { 'kokoa.yaml': 'teams: [' }],
    [
      'a route when the base has files, and no kokoa.yaml',
      { 'kokoa.yaml': kokoa(self), 'routes/evil/x.yaml': route('x.hoge.com') },
      ['kokoa.yaml:1 error KK365'],
      { 'kokoa.yaml': undefined },
    ],
  ])('judges %s', (_, head, expected, base) => {
    expect(change(head, base).map(short)).toEqual(expected);
  });

  it.each([
    'WIKI.Fuga.COM',
    'wiki.fuga.com.',
    'wiki\u3002fuga.com',
    'wiki\uff0efuga\uff61com',
    '\uff57iki.fuga.com',
    'wiki%2efuga.com',
    'wiki.fuga.com:443',
    'https://wiki.fuga.com/',
    'wiki.fuga.com%00',
    'CAFE\u0301.com',
    'caf\u00e9.com.',
    'xn--caf-dma.com',
    'XN--CAF-DMA.COM',
    '*.wiki.fuga.com',
    '*.*.fuga.com',
    'w*.fuga.com',
    'fuga.com',
  ])('refuses %j from a team that may not have it, also when it grants itself the very text', (hostname) => {
    const file = 'routes/evil/x.yaml';
    const alone = change({ [file]: route(hostname) }).filter(({ severity }) => severity === 'error');
    expect(alone.map((problem) => problem.file)).toContain(file);
    const teams = TEAMS.replace("'*.evil.com'", `'*.evil.com', '${hostname}'`);
    const granted = change({ 'kokoa.yaml': kokoa(teams), [file]: route(hostname) });
    expect(granted.filter((problem) => problem.file === file && problem.severity === 'error')).not.toEqual([]);
  });

  it('names both files, the owners and who approves', () => {
    const [grant] = change({ 'kokoa.yaml': kokoa(self), 'routes/evil/x.yaml': route('x.hoge.com') });
    expect(grant).toMatchObject({
      file: 'routes/evil/x.yaml',
      message:
        'found x.hoge.com, which kokoa.yaml grants to team evil in this change only, while the base grants it to team hoge, expected a grant of the base',
      hint: 'let the operators (owners of kokoa.yaml in CODEOWNERS) merge the grant in kokoa.yaml first, then this file; ask @o/hoge too, because *.hoge.com is theirs',
    });
    const [opened] = change({
      'origins/home.yaml': origin('home', 'hoge, evil', 2, "'@o/thief'"),
      'routes/evil/own.yaml': route('own.evil.com', 'home'),
    });
    expect(opened).toMatchObject({
      message:
        'found the origin home, which lists team evil in this change only (origins/home.yaml), expected one that lists team evil in the base',
      hint: 'let @o/hoge and the operators (owners of kokoa.yaml in CODEOWNERS) merge origins/home.yaml first, then this file',
    });
    const [refused] = change({ 'routes/evil/x.yaml': route('free.fuga.com') });
    expect(refused?.hint).toBe(
      `it is granted to team fuga: ask an operator to grant it to evil too, or move the file to routes/fuga/; @o/fuga (team fuga) and ${OPERATORS} decide about kokoa.yaml`,
    );
    const [taken] = change({ 'routes/evil/x.yaml': route('wiki.fuga.com') });
    expect([taken?.message, taken?.hint]).toEqual([
      'found wiki.fuga.com, which belongs to team fuga (routes/fuga/wiki.yaml), expected a name that is free',
      'choose another name; only @o/fuga can give this one up',
    ]);
    const [again] = change({ 'routes/fuga/x.yaml': route('wiki.fuga.com') });
    expect([again?.message, again?.hint]).toEqual([
      'found wiki.fuga.com, which routes/fuga/wiki.yaml has already, expected one file for it',
      'edit routes/fuga/wiki.yaml, or choose another name',
    ]);
  });

  it('gives the same answer to a wrong name that the base had, as long as nobody touches it', () => {
    const wrong = { 'routes/evil/old.yaml': route('x.hoge.com'), 'routes/evil/older.yaml': 'hostname: [\n' };
    const old = change({ 'routes/evil/own.yaml': route('own.evil.com', 'shared', 81) }, wrong);
    expect(old.map(short)).toEqual(['routes/evil/old.yaml:1 warning KK302', 'routes/evil/older.yaml:2 warning KK006']);
    expect(old[0]?.hint).toMatch(/; it is wrong in the base too$/);
    const touched = change({ 'routes/evil/old.yaml': `${route('x.hoge.com')}# touched\n` }, wrong);
    expect(touched.map(short)).toContain('routes/evil/old.yaml:1 error KK302');
  });

  it('blames a change for what it does to files that it leaves alone', () => {
    expect(change({ 'origins/shared.yaml': undefined }).map(short)).toEqual([
      'routes/evil/own.yaml:2 error KK304',
      'routes/fuga/cafe.yaml:2 error KK304',
      'routes/fuga/wiki.yaml:2 error KK304',
      'routes/hoge/app.yaml:2 error KK304',
    ]);
    expect(change({ 'kokoa.yaml': undefined }).map(short)).toEqual(['kokoa.yaml:1 error KK401']);
  });

  it('never takes the remark that files were left out for an old one', () => {
    const cut: Problem = {
      file: 'routes/z',
      line: 1,
      column: 1,
      rule: 'KK001',
      severity: 'error',
      message: 'm',
      hint: 'h',
    };
    const link: Problem = { ...cut, rule: 'KK104' };
    const state = { ...judged(BASE), problems: [cut, link] };
    expect(judgeChange(state, state).map(short)).toEqual(['routes/z:1 error KK001', 'routes/z:1 warning KK104']);
  });

  it('lets no team have a name or an origin that the base did not give it, whatever the change says', () => {
    const team = fc.constantFrom('hoge', 'fuga', 'evil', 'nova');
    const hostname = fc.constantFrom(
      'a.hoge.com',
      '*.hoge.com',
      'a.fuga.com',
      'shop.fuga.com',
      'a.evil.com',
      'new.net',
    );
    const routes = fc.array(fc.record({ team, hostname, to: fc.constantFrom('shared', 'home', 'nas') }), {
      maxLength: 3,
    });
    const grants = fc.array(fc.record({ team, hostname }), { maxLength: 4 });
    const lists = fc.record({ shared: fc.array(team, { minLength: 1 }), home: fc.array(team, { minLength: 1 }) });
    const base = judged(BASE);
    const inBase: Record<string, RegExp> = {
      hoge: /\.hoge\.com$|^shop\.fuga\.com$/,
      fuga: /\.fuga\.com$/,
      evil: /\.evil\.com$/,
    };
    fc.assert(
      fc.property(routes, grants, lists, (proposed, granted, { shared, home }) => {
        const own = granted.map(
          (one) => `  - { name: ${one.team === 'nova' ? 'nova' : `${one.team}`}, hostnames: ['${one.hostname}'] }\n`,
        );
        const head: Files = {
          ...BASE,
          'kokoa.yaml': kokoa(TEAMS + own.join('')),
          'origins/shared.yaml': origin('shared', [...new Set(shared)].join(', '), 1),
          'origins/home.yaml': origin('home', [...new Set(home)].join(', '), 2),
          'origins/nas.yaml': origin('nas', 'hoge, fuga, evil, nova', 3),
        };
        for (const [at, one] of proposed.entries())
          head[`routes/${one.team}/n${at}.yaml`] = route(one.hostname, one.to);
        const problems = judgeChange(base, judged(head));
        const wrong = (path: string) => problems.some(({ file, severity }) => file === path && severity === 'error');
        for (const [at, one] of proposed.entries()) {
          const isGranted = inBase[one.team]?.test(one.hostname) === true;
          const isOpen = one.to === 'shared' ? one.team !== 'nova' : one.to === 'home' && one.team === 'hoge';
          if (!isGranted || !isOpen) expect(wrong(`routes/${one.team}/n${at}.yaml`)).toBe(true);
        }
      }),
      { numRuns: 150 },
    );
  });
});

describe('the lines that kokoa.yaml needs', () => {
  it('are those of a new team, whether or not the change proposes them', () => {
    const file = { 'routes/nova/x.yaml': route('x.nova.com'), 'routes/nova/y.yaml': route('*.y.nova.com') };
    expect(lines(file)).toBe("  - name: nova\n    hostnames:\n      - x.nova.com\n      - '*.y.nova.com'\n");
    const proposed = kokoa(`${TEAMS}  - { name: nova, hostnames: ['*.nova.com'], owners: ['@o/nova'] }\n`);
    const asked = "  - name: nova\n    hostnames:\n      - '*.nova.com'\n    owners:\n      - '@o/nova'\n";
    expect(lines({ ...file, 'kokoa.yaml': proposed })).toBe(asked);
    expect(change(file).find(({ rule }) => rule === 'KK301')?.hint).toBe(
      'add the team to kokoa.yaml; the operators (owners of kokoa.yaml in CODEOWNERS) approve it: - { name: nova, hostnames: [ x.nova.com ] }',
    );
  });

  it('come with a word about the origin, and not for a folder that is mistyped', () => {
    const first = change({ 'routes/nova/x.yaml': route('x.nova.com') });
    expect(first.map(short)).toEqual(['routes/nova/x.yaml:1 error KK301', 'routes/nova/x.yaml:2 error KK305']);
    expect(first[1]?.hint).toContain('let @o/hoge and the operators');
    const mistyped = { 'routes/hogee/x.yaml': route('x.hoge.com') };
    expect(change(mistyped)).toEqual([expect.objectContaining({ rule: 'KK301', hint: 'did you mean hoge?' })]);
    expect(lines(mistyped)).toBe('');
  });

  it('are true: with them merged first the route is fine', () => {
    const file = { 'routes/nova/x.yaml': route('x.nova.com') };
    const base = {
      'kokoa.yaml': kokoa(TEAMS + lines(file)),
      'origins/shared.yaml': origin('shared', 'hoge, fuga, evil, nova', 1),
    };
    expect(change(file, base)).toEqual([]);
    expect(lines(file, base)).toBe('');
  });

  it('extend the grants of a team that is there, ports too', () => {
    const head = { 'routes/evil/x.yaml': route('new.net'), 'routes/evil/y.yaml': tcp(3000) };
    expect(needed(head)).toEqual([
      expect.objectContaining({
        place: 'below teams: in place of what team evil has there now',
        approvers: OPERATORS,
      }),
    ]);
    expect(lines(head)).toBe(
      "  - name: evil\n    hostnames:\n      - '*.evil.com'\n      - new.net\n    owners:\n      - '@o/evil'\n    ports:\n      - 3000\n",
    );
  });

  it('take nothing away: the entry is the present one and what is added', () => {
    const tokens = fc.array(fc.record({ name: fc.constantFrom('ci', 'bot'), sha256: fc.constant('a'.repeat(64)) }), {
      minLength: 1,
      maxLength: 1,
    });
    const team = fc.record(
      {
        name: fc.constant('evil'),
        hostnames: fc.constantFrom(['*.evil.com'], ['evil.com', 'Old.Evil.com.']),
        owners: fc.constantFrom(['@o/evil'], ['@o/evil', '@someone']),
        ports: fc.constantFrom(['3000-3001'], [4000, '5000-5001']),
        tokens,
      },
      { requiredKeys: ['name', 'hostnames'] },
    );
    fc.assert(
      fc.property(team, fc.boolean(), (present, withPort) => {
        const head = { 'routes/evil/x.yaml': route('new.net'), ...(withPort && { 'routes/evil/y.yaml': tcp(6000) }) };
        const base = { 'kokoa.yaml': kokoa(`${HOGE}${FUGA}  - ${JSON.stringify(present)}\n`) };
        const { value } = parseYaml('kokoa.yaml', Buffer.from(`teams:\n${lines(head, base)}`));
        expect(value).toEqual({
          teams: [
            {
              ...present,
              hostnames: [...present.hostnames, 'new.net'],
              ...(withPort && { ports: [...(present.ports ?? []), 6000] }),
            },
          ],
        });
      }),
      { numRuns: 40 },
    );
  });

  it("name whose wildcard a new team's name is below, and who has to agree", () => {
    const file = { 'routes/piyo/piyo.yaml': route('piyo.hoge.com') };
    expect(needed(file)).toEqual([
      {
        file: 'kokoa.yaml',
        place: 'below teams:',
        approvers: `${OPERATORS} and @o/hoge (*.hoge.com is granted to team hoge)`,
        lines: '  - name: piyo\n    hostnames:\n      - piyo.hoge.com\n',
      },
      {
        file: 'origins/shared.yaml',
        place: 'in place of its teams:',
        approvers: `@o/hoge and ${OPERATORS}`,
        lines: 'teams:\n  - hoge\n  - fuga\n  - evil\n  - piyo\n',
      },
    ]);
    expect(change(file)[0]?.hint).toBe(
      `add the team to kokoa.yaml; ${OPERATORS} and @o/hoge (*.hoge.com is granted to team hoge) approve it: - { name: piyo, hostnames: [ piyo.hoge.com ] }`,
    );
    const proposed = { 'kokoa.yaml': kokoa(TEAMS + lines(file)), ...file };
    expect(change(proposed)[0]?.hint).toBe(
      `merge in kokoa.yaml first, approved by ${OPERATORS}: - { name: piyo, hostnames: [ piyo.hoge.com ] }; ask @o/hoge too, because *.hoge.com is theirs`,
    );
  });

  it('are those of an origin too, when a team that is there may not use it, or opens it itself', () => {
    const file = {
      'routes/evil/x.yaml': route('x.evil.com', 'home'),
      'routes/fuga/y.yaml': route('y.fuga.com', 'home'),
    };
    const expected = 'teams:\n  - hoge\n  - evil\n  - fuga\n';
    expect(lines(file, {}, 'origins/home.yaml')).toBe(expected);
    const opened = { ...file, 'origins/home.yaml': origin('home', 'hoge, evil, fuga', 2) };
    expect(lines(opened, {}, 'origins/home.yaml')).toBe(expected);
    const added = { 'routes/evil/x.yaml': route('x.evil.com', 'new'), 'origins/new.yaml': origin('new', 'evil', 9) };
    expect(needed(added)).toEqual([]);
    expect(needed({ 'routes/evil/x.yaml': route('x.evil.com') })).toEqual([]);
  });

  it("never propose another team's names or ports, nor what covers them", () => {
    const head = {
      'routes/evil/x.yaml': route('free.hoge.com'),
      'routes/evil/p.yaml': tcp(2000),
      'routes/nova/y.yaml': route('wiki.fuga.com'),
      'routes/nova/z.yaml': route('*.fuga.com'),
      'routes/nova/p.yaml': tcp(2000),
      'kokoa.yaml': kokoa(`${TEAMS}  - { name: nova, hostnames: ['*.fuga.com', '*.com', 'Shop.fuga.com.'] }\n`),
    };
    expect(lines(head)).toBe('');
  });
});
