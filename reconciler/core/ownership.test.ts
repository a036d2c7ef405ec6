import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkAll, viewOf } from './check.ts';
import { loadFile } from './load.ts';
import { judgeChange } from './ownership.ts';
import { changeBetween, type JudgedData } from './ownership-change.ts';
import { linesNeeded } from './ownership-lines.ts';
import type { Problem } from './problem.ts';

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
const lines = (head: Files, base: Files = {}) => {
  const before = { ...BASE, ...base };
  return linesNeeded(changeBetween(judged(before), judged({ ...before, ...head })));
};

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
      ['routes/fuga/shop.yaml:1 error KK303', 'routes/hoge/shop.yaml:1 error KK303'],
      { 'routes/fuga/shop.yaml': route('shop.fuga.com') },
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
      hint: 'let the operators (owners of kokoa.yaml in CODEOWNERS) merge the grant in kokoa.yaml first, then this file; ask @o/hoge too',
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
    const [refused] = change({ 'routes/evil/x.yaml': route('wiki.fuga.com') }).filter(({ rule }) => rule === 'KK302');
    expect(refused?.hint).toBe(
      'it is granted to team fuga: move the file to routes/fuga/; @o/fuga (team fuga) and the operators (owners of kokoa.yaml in CODEOWNERS) decide about kokoa.yaml',
    );
    const twice = change({ 'routes/evil/x.yaml': route('wiki.fuga.com') }).find(
      ({ rule, file }) => rule === 'KK303' && file === 'routes/evil/x.yaml',
    );
    expect(twice?.hint).toContain('routes/fuga/wiki.yaml was there first and is of @o/fuga');
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
    const port = 'protocol: tcp\nproxyProtocol: false\npublicPort: 3000\norigin: shared\nport: 1\n';
    expect(lines({ 'routes/evil/x.yaml': route('new.net'), 'routes/evil/y.yaml': port })).toBe(
      "  - name: evil\n    hostnames:\n      - '*.evil.com'\n      - new.net\n    owners:\n      - '@o/evil'\n    ports:\n      - 3000\n",
    );
  });

  it("never propose another team's names or ports, nor what covers them", () => {
    const port = 'protocol: tcp\nproxyProtocol: false\npublicPort: 2000\norigin: shared\nport: 1\n';
    const head = {
      'routes/evil/x.yaml': route('app.hoge.com'),
      'routes/evil/p.yaml': port,
      'routes/nova/y.yaml': route('x.fuga.com'),
      'kokoa.yaml': kokoa(`${TEAMS}  - { name: nova, hostnames: ['*.fuga.com', '*.com', 'Shop.fuga.com.'] }\n`),
    };
    expect(lines(head)).toBe('');
  });
});
