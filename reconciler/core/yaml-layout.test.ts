import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Kind } from './files.ts';
import { parseYaml } from './yaml.ts';
import { layOut, lossBetween } from './yaml-layout.ts';
import { placeOf } from './yaml-layout-order.ts';

const TOP = join(import.meta.dirname, '..', '..');

function text(source: string, kind: Kind = 'route'): string {
  const layout = layOut('x.yaml', kind, Buffer.from(source));
  if (layout.kind !== 'text') throw new TypeError(JSON.stringify(layout));
  return layout.text;
}

describe('layOut', () => {
  it.each<[string, string, string, Kind?]>([
    [
      'the order of the schema',
      'port: 80\norigin: home\nhostname: a.b.com\n',
      'hostname: a.b.com\norigin: home\nport: 80\n',
    ],
    [
      'the order inside blocks and lists, and behind references',
      'hostname: a.b.com\npaths:\n  - port: 1\n    origin: o\n    prefix: /x\nlimits: {burst: 2, maxBody: 1m}\n',
      'hostname: a.b.com\npaths:\n  - prefix: /x\n    origin: o\n    port: 1\nlimits: { maxBody: 1m, burst: 2 }\n',
    ],
    ['what no schema knows last', 'zzz: 1\naaa: 2\nport: 3\n', 'port: 3\nzzz: 1\naaa: 2\n'],
    [
      'two spaces and lists inside their key',
      'teams:\n- hoge\nwireguard:\n      address: 10.0.0.1\nname: "home"\n',
      'name: home\nteams:\n  - hoge\nwireguard:\n  address: 10.0.0.1\n',
      'origin',
    ],
    [
      'no needless quotes, and single ones where they are needed',
      `hostname: "*.b.com"\norigin: 'home'\n"port": 80\nallow: ["10.0.0.0/8", '2001:db8::/32', "yes", "80", '1e3', "017", "", 'a: b', "x #y"]\n`,
      `hostname: '*.b.com'\norigin: home\nport: 80\nallow: [ 10.0.0.0/8, '2001:db8::/32', 'yes', '80', '1e3', '017', '', 'a: b', 'x #y' ]\n`,
    ],
    [
      'double quotes where nothing else says it',
      'zzz: "\\u00e9"\ny1: "a\\\\*: "\ny2: "it\'s: "\ny3: \'a"b: \'\ny4: "*\\t"\n',
      'zzz: é\ny1: \'a\\*: \'\ny2: "it\'s: "\ny3: \'a"b: \'\ny4: "*\\t"\n',
    ],
    [
      'one blank line at most, none at an edge',
      '\n\nhostname: a.b.com\n\n\n\nport: 1\n\n\n',
      'hostname: a.b.com\n\nport: 1\n',
    ],
    ['one newline at the end', 'hostname: a.b.com', 'hostname: a.b.com\n'],
    [
      'line ends and the byte order mark of other systems',
      '\ufeffhostname: a.b.com\r\n# c\r\nport: 1\r\n',
      'hostname: a.b.com\n# c\nport: 1\n',
    ],
    ['no mark of a document', '---\nhostname: a.b.com\n', 'hostname: a.b.com\n'],
    ['text blocks', 'zzz: |\n    a\n      b\nport: 1\n', 'port: 1\nzzz: |\n  a\n    b\n'],
    [
      'comments with the property that they are about',
      '# about the file\n\n# about port\nport: 80 # eighty\n# about host\nhostname: a.b.com\n',
      '# about the file\n\n# about port\n# about host\nhostname: a.b.com\nport: 80 # eighty\n',
    ],
    [
      'comments inside of blocks and lists',
      'hostname: a.b.com\npaths:\n- prefix: /x # here\n  # in\n  port: 3\n# between\n- {prefix: /y} # flow\nlimits:\n  # first\n  burst: 1\n  # second\n  requestsPerSecond: 1\n',
      'hostname: a.b.com\npaths:\n  - prefix: /x # here\n    # in\n    port: 3\n  # between\n  - { prefix: /y } # flow\nlimits:\n  # second\n  requestsPerSecond: 1\n  # first\n  burst: 1\n',
    ],
    [
      'the comments at the end where they are',
      'port: 1\nallow:\n  - 10.0.0.0/8\nhostname: a.b.com\n\n\n# end\n\n\n# of file\n',
      'hostname: a.b.com\nport: 1\nallow:\n  - 10.0.0.0/8\n\n# end\n\n# of file\n',
    ],
    [
      'the comments at the end there, although the last block moves up',
      'limits:\n  burst: 1\nallow:\n  - 10.0.0.0/8\n# end\n',
      'allow:\n  - 10.0.0.0/8\nlimits:\n  burst: 1\n# end\n',
    ],
  ])('keeps or makes %s', (_, before, after, kind) => {
    expect(text(before, kind)).toBe(after);
    expect(text(after, kind)).toBe(after);
  });

  it('finds nothing to do in the examples of this repository, as the commands write them', () => {
    const paths: [Kind, string][] = [['kokoa', 'kokoa.yaml']];
    for (const [kind, folder] of [
      ['route', 'routes/hoge'],
      ['origin', 'origins'],
    ] as const)
      for (const name of readdirSync(join(TOP, folder))) paths.push([kind, `${folder}/${name}`]);
    expect(paths.length).toBeGreaterThan(3);
    for (const [kind, path] of paths) {
      const source = readFileSync(join(TOP, path), 'utf8');
      expect(text(source, kind)).toBe(source);
    }
  });

  it.each([
    ['a merge conflict', '<<<<<<< a\nport: 1\n=======\nport: 2\n>>>>>>> b\n', 'KK018'],
    ['broken YAML', 'port: [1\n', 'KK006'],
    ['a duplicate key', 'port: 1\nport: 2\n', 'KK012'],
    ['an anchor', 'port: &a 1\n', 'KK007'],
    ['several documents', 'port: 1\n---\nport: 2\n', 'KK010'],
    ['nothing but comments', '# port: 1\n', 'KK002'],
    ['bytes that are no text', '\0', 'KK003'],
  ])('leaves %s to a person', (_, source, rule) => {
    const layout = layOut('x.yaml', 'route', Buffer.from(source));
    expect(layout).toMatchObject({ kind: 'broken', problems: [{ rule, file: 'x.yaml' }] });
  });

  it('knows an order for every property of every schema, and none for names that are free', () => {
    expect(placeOf('route').names.slice(0, 3)).toEqual(['hostname', 'origin', 'port']);
    expect(placeOf('kokoa').property('defaults').property('limits').names).toContain('maxBody');
    expect(placeOf('route').property('paths').entry().property('auth').property('basic').names.length).toBeGreaterThan(
      0,
    );
    expect(placeOf('route').property('headers').property('response').property('set').names).toEqual([]);
  });
});

describe('lossBetween', () => {
  const before = '# one\nport: 1 # two\nhostname: a\n';

  it.each<[string, string, string | undefined]>([
    ['the same in another order', '# two\nhostname: a\n# one\nport: 1\n', undefined],
    ['another value', before.replace('1', '2'), 'it would not say the same any more'],
    ['a number that became text', before.replace('1', "'1'"), 'it would not say the same any more'],
    ['a property less', '# one\n# two\nport: 1\n', 'it would not say the same any more'],
    ['what cannot be read', `${before}port: 1\n`, 'it would not say the same any more'],
    ['a comment less', '# one\nport: 1\nhostname: a\n', 'a comment would be lost'],
    ['a comment that became another', before.replace('two', 'too'), 'a comment would be lost'],
    ['a comment twice', `${before}# one\n`, 'a comment would be lost'],
  ])('finds of %s what it has to', (_, after, why) => {
    expect(lossBetween(before, after)).toBe(why);
  });
});

describe('of any file that can be read', () => {
  it('the layout says the same, keeps every comment, and is laid out already', () => {
    fc.assert(
      fc.property(anyFile(), (source) => {
        const before = parseYaml('x.yaml', Buffer.from(source));
        if (before.problems.length > 0) return;
        const once = layOut('x.yaml', 'route', Buffer.from(source));
        if (once.kind !== 'text') throw new TypeError(`${JSON.stringify(once)}\n${source}`);
        expect(parseYaml('x.yaml', Buffer.from(once.text)).value).toEqual(before.value);
        expect(commentWords(once.text)).toEqual(commentWords(source));
        expect(once.text).toMatch(source.includes('|+') ? /\n$/ : /[^\n]\n$/);
        if (!/[|>]/.test(source)) expect(once.text).not.toMatch(/\n\n\n|\t| \n/);
        expect(text(once.text)).toBe(once.text);
      }),
      { numRuns: 600 },
    );
  });

  it('is most of what the test makes', () => {
    const good = fc
      .sample(anyFile(), 200)
      .filter((source) => parseYaml('x', Buffer.from(source)).problems.length === 0);
    expect(good.length).toBeGreaterThan(120);
  });
});

function commentWords(source: string): string[] {
  return (source.match(/#c\d+/g) ?? []).sort();
}

/** A map of a few properties as people could have typed it: any order, indentation, quotes, flow, blank lines, comments. */
function anyFile(): fc.Arbitrary<string> {
  let count = 0;
  const noise = fc.constantFrom('', '', '', '#', '\n', '\n\n\n', '\n#', '#\n#', '#\n\n\n#');
  const scalar = fc.oneof(
    fc.constantFrom('80', 'true', 'home', 'a.b.com', '"home"', "'*.b.com'", "'80'", '"yes"', "''", '"it\'s"', "'x: y'"),
    fc.string({ maxLength: 8 }).map((value) => `'${value.replaceAll("'", "''").replace(/[\n\r]/g, '')}'`),
    fc.string({ unit: 'grapheme', maxLength: 6 }).map((value) => JSON.stringify(value)),
  );
  const key = fc.constantFrom('hostname', 'port', 'origin', 'paths', 'limits', 'zzz', '"allow"', "'deny'", 'headers');
  const flow = fc.oneof(
    fc.array(scalar, { maxLength: 3 }).map((all) => `[${all.join(',')}]`),
    fc.uniqueArray(key, { maxLength: 3 }).map((keys) => `{${keys.map((one) => `${one}: 1`).join(' , ')}}`),
  );
  const { node } = fc.letrec<{ node: string[] }>((tie) => ({
    node: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.oneof(scalar, flow).map((value) => [value]),
      block(fc.tuple(key, tie('node')), ([name, value], indent) => entry(`${name}:`, value, indent)),
      block(fc.tuple(fc.constant('-'), tie('node')), ([dash, value], indent) => entry(dash, value, indent)),
      fc
        .tuple(
          fc.constantFrom('|', '>', '|-', '>-', '|+'),
          fc.array(fc.constantFrom('a b', '', '  c'), { maxLength: 3 }),
        )
        .map(([mark, lines]) => [mark, '  start', ...lines.map((line) => (line === '' ? '' : `  ${line}`))]),
    ),
  }));
  function block<T>(item: fc.Arbitrary<T>, lines: (item: T, indent: number) => string[]): fc.Arbitrary<string[]> {
    const entries = fc.uniqueArray(fc.tuple(item, noise), {
      minLength: 1,
      maxLength: 4,
      selector: ([one]) => ((one as string[])[0] === '-' ? Symbol() : (one as string[])[0]),
    });
    return fc
      .tuple(entries, fc.constantFrom(1, 2, 4))
      .map(([all, indent]) => ['', ...all.flatMap(([one, before]) => [...comments(before), ...lines(one, indent)])]);
  }
  function comments(before: string): string[] {
    return before === '' ? [] : before.split('\n').map((line) => (line === '#' ? `#c${count++}` : ''));
  }
  function entry(start: string, [first = '', ...rest]: string[], indent: number): string[] {
    const remark = /^[|>[{]|^$/.test(first) || count % 3 === 0 ? '' : ` #c${count++}`;
    return [
      `${start} ${first}${remark}`.trimEnd(),
      ...rest.map((line) => (line === '' ? '' : ' '.repeat(indent) + line)),
    ];
  }
  return fc
    .tuple(
      block(fc.tuple(key, node), ([name, value], indent) => entry(`${name}:`, value, indent)),
      noise,
    )
    .map(([lines, end]) => [...lines.slice(1), ...comments(end)].join('\n'));
}
