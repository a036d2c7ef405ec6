// What a request becomes: a file that says what was asked, or the problems that the check of a pull request would have.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../bundle/canonical.ts';
import { judgeData } from '../cli/judgement.ts';
import { DATA } from '../http/proposals.fixture.ts';
import { type Desired, emptyDesired, updateDesired } from './desired.ts';
import type { FileChange, LoadedFile } from './files.ts';
import { loadFile } from './load.ts';
import { judgeChange } from './ownership.ts';
import { decideRoute } from './route-request.ts';
import { mergePatch, readFields } from './route-request-fields.ts';
import type { RouteDecision } from './route-request-shapes.ts';
import { changedRouteText, newRouteText } from './route-request-text.ts';
import { proposalWords } from './route-request-words.ts';
import { parseYaml } from './yaml.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const PATH = 'routes/hoge/new.hoge.com.yaml';

const files: FileChange[] = Object.entries(DATA).map(([path, text]) => ({ path, ...content(text!) }));
const newest: Desired = updateDesired(
  emptyDesired(),
  files.map(({ path, blob, bytes }) => ({ path, file: loadFile(path, blob!, bytes!) })),
);

function content(text: string) {
  return { blob: sha256Hex(text), bytes: Buffer.from(text) };
}

function post(body: object): RouteDecision {
  return decideRoute(newest, 'hoge', { method: 'POST', body }, undefined, NOW);
}

function patch(path: string, text: string, body: unknown): RouteDecision {
  const file = loadFile(path, sha256Hex(text), Buffer.from(text)) as LoadedFile<'route'>;
  const state = updateDesired(newest, [{ path, file }]);
  return decideRoute(state, 'hoge', { method: 'PATCH', hostname: file.hostname!, body }, { file, text }, NOW);
}

const MANY = Array.from({ length: 200 }, (_, at) => `2001:db8:aaaa:bbbb:cccc:dddd:eeee:${(at + 4096).toString(16)}`);

describe('the words of a refusal', () => {
  it.each<[string, object]>([
    ['an origin that is not there', { origin: 'o9', port: 1 }],
    ['an origin of others', { origin: 'o3', port: 1 }],
    ['an unknown property', { origin: 'o1', port: 1, prot: 2 }],
    ['a wrong type', { origin: 'o1', port: '80' }],
    ['two destinations', { origin: 'o1', port: 1, redirect: { to: 'https://a.hoge.com' } }],
    ['half a limit, and a pool', { origin: 'o1', port: 1, limits: { burst: 1 }, pool: 'defalt' }],
    [
      'too large a route',
      { origin: 'o1', port: 1, paths: ['/a', '/b', '/c'].map((prefix) => ({ prefix, deny: MANY })) },
    ],
  ])('are those of kokoa validate --base for %s', (_, fields) => {
    const decision = post({ hostname: 'new.hoge.com', ...fields });
    const text = newRouteText(PATH, { hostname: 'new.hoge.com', ...fields });
    const [base, head] = [files, [...files, { path: PATH, ...content(text) }]].map((all) =>
      judgeData({ files: all, problems: [] }, NOW),
    );
    const wanted = judgeChange(base!, head!).filter(({ severity }) => severity === 'error');
    expect(wanted.length).toBeGreaterThan(0);
    expect(decision).toMatchObject({ kind: 'refused', status: 422, error: 'invalid', problems: wanted });
  });
});

it('of a name that two teams claim, tells neither who the other is', () => {
  const path = 'routes/hoge/theirs.yaml';
  const decision = patch(path, 'hostname: theirs.both.com\norigin: o1\nport: 80\n', { port: 81 });
  expect(decision).toMatchObject({ error: 'invalid', problems: [{ rule: 'KK303', file: path, line: 1 }] });
  expect(JSON.stringify(decision)).not.toContain('fuga');
});

describe('a new file', () => {
  it('says what was asked for, whatever that is', () => {
    const value = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.integer(),
      fc.boolean(),
      fc.constantFrom('yes', '*x', '1e3', '# a'),
    );
    const fields = fc.dictionary(
      fc.stringMatching(/^[a-z]{1,8}$/),
      fc.oneof(value, fc.array(value), fc.dictionary(fc.stringMatching(/^[a-z-]{1,8}$/), value)),
    );
    fc.assert(
      fc.property(fields, (asked) => {
        const wanted = { hostname: 'new.hoge.com', ...asked };
        const read = parseYaml(PATH, Buffer.from(newRouteText(PATH, wanted)));
        if (read.value !== undefined) expect(read.value).toEqual(wanted);
        else expect(read.problems.length).toBeGreaterThan(0);
      }),
    );
  });
});

describe('a changed file', () => {
  const text = `# top
hostname: app.hoge.com
backends:
  # first
  - origin: o1 # one
    port: 1
  - origin: o2
    port: 2
limits:
  # large
  maxBody: '10m'
# end
`;

  it.each<[string, object, string]>([
    ['a value', { limits: { maxBody: '20m' } }, text.replace("'10m'", '20m')],
    [
      'an entry of a list',
      {
        backends: [
          { origin: 'o1', port: 9 },
          { origin: 'o2', port: 2 },
        ],
      },
      text.replace('port: 1', 'port: 9'),
    ],
    ['a field more, in its order', { sticky: true }, text.replace('limits:', 'sticky: true\nlimits:')],
    [
      'a field less',
      { limits: null },
      text
        .replace(/limits:\n.*\n.*\n/, '')
        .replace('# end', '\n# end')
        .replace('\n\n# end', '\n# end'),
    ],
  ])('has %s, and every other comment', (_, asked, after) => {
    const laidOut = text.replace("'10m'", '10m');
    expect(patch('routes/hoge/app.yaml', laidOut, asked)).toMatchObject({
      kind: 'change',
      text: after.replace("'10m'", '10m'),
    });
  });

  it('keeps its own layout where it has one', () => {
    const own = `hostname:   app.hoge.com\nport:   1   # one\norigin: o1\n`;
    expect(patch('routes/hoge/app.yaml', own, { port: 2 })).toMatchObject({
      text: 'hostname: app.hoge.com\nport: 2 # one\norigin: o1\n',
    });
  });

  it('says exactly what the patch makes of it', () => {
    const leaf = fc.oneof(
      fc.constantFrom<unknown>('a', 'yes', 7, true, null),
      fc.array(fc.constantFrom('x', 1), { maxLength: 2 }),
    );
    const name = fc.constantFrom('port', 'limits', 'allow', 'b', 'c');
    const { tree } = fc.letrec<{ tree: Record<string, unknown> }>((tie) => ({
      tree: fc.dictionary(name, fc.oneof({ depthSize: 'small' }, leaf, tie('tree')), { maxKeys: 4 }),
    }));
    fc.assert(
      fc.property(tree, tree, (start, change) => {
        const before = mergePatch({ hostname: 'app.hoge.com' }, start) as Record<string, unknown>;
        const after = mergePatch(before, change) as Record<string, unknown>;
        const changed = changedRouteText(PATH, newRouteText(PATH, before), before, after);
        expect(parseYaml(PATH, Buffer.from(changed!)).value).toEqual(after);
      }),
      { numRuns: 300 },
    );
  });
});

describe('mergePatch', () => {
  // RFC 7396, appendix A.
  it.each<[unknown, unknown, unknown]>([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('of %j and %j is %j', (target, change, result) => {
    expect(mergePatch(target, change)).toEqual(result);
  });
});

// Laying out 60 KB of small values takes seconds, in which nobody else is answered.
it.each<[string, object]>([
  ['names', Object.fromEntries(Array.from({ length: 1001 }, (_, at) => [`k${at}`, 1]))],
  ['a list', { allow: Array(1000).fill('10.0.0.1') }],
  ['lists of nothing', { paths: [Array(500).fill([]), [[[Array(500).fill({})]]]] }],
])('refuses more values than a route needs before it does anything with them: %s', (_, many) => {
  const refusal = { kind: 'refused', status: 422, error: 'bad_body', message: expect.stringContaining('at most 1000') };
  expect(post({ hostname: 'new.hoge.com', origin: 'o1', port: 1, ...many })).toMatchObject(refusal);
  const text = 'hostname: app.hoge.com\norigin: o1\nport: 80\n';
  expect(patch('routes/hoge/app.yaml', text, many)).toMatchObject(refusal);
});

it('leaves a file to git that is long enough to keep everybody waiting', () => {
  const text = `hostname: app.hoge.com\norigin: o1\n${'# c\n'.repeat(8192)}port: 80\n`;
  const refusal = { kind: 'refused', status: 409, error: 'layout_unknown' };
  expect(patch('routes/hoge/app.yaml', text, { port: 81 })).toMatchObject(refusal);
  expect(patch('routes/hoge/app.yaml', text, { port: 80 })).toMatchObject({ kind: 'unchanged' });
});

it('takes as many values as that', () => {
  expect(readFields({ allow: Array(999).fill('10.0.0.1') }, 'hoge')).toMatchObject({ kind: 'fields' });
});

it('takes both names of one thing for one, in whatever order', () => {
  expect(readFields({ origin_id: 'o', target_port: 1, team: 'hoge' }, 'hoge')).toEqual({
    kind: 'fields',
    fields: { origin: 'o', port: 1 },
  });
  for (const body of [
    { port: 1, target_port: 1 },
    { target_port: 1, port: 1 },
  ])
    expect(readFields(body, 'hoge')).toMatchObject({ kind: 'refused', error: 'two_names' });
});

it('puts what a program sent where no markup counts', () => {
  const hostile = "hostname: new.hoge.com\nerrorPages: '```\\n@everyone <b>'\n";
  const change = { hostname: 'new.hoge.com', path: PATH, text: `${hostile}\`\`\`\n`, warnings: [] };
  const { body, title, message } = proposalWords('POST', change, { team: 'hoge', tokenName: 'ci' });
  expect(body).toContain('\n\n````yaml\nhostname');
  expect(body).toContain('\n````\n\nNobody');
  expect([title, message]).toEqual([
    'Add new.hoge.com (team hoge)',
    'Add new.hoge.com (team hoge)\n\nAsked for over the API with the token ci.',
  ]);
  expect(
    proposalWords('PATCH', { ...change, text: 'x'.repeat(20_001) }, { team: 'a', tokenName: 'b' }).body,
  ).not.toContain('xxx');
});
