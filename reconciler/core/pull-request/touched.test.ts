// What a merge touches, from files as people write them.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnyLoadedFile } from '../files.ts';
import { loadFile } from '../load.ts';
import { edge, kokoa, loaded, origin, portRoute, route } from '../world.fixture.ts';
import { added, changed, removed } from './progress.fixture.ts';
import { type FilePair, TOUCHED_NAMES_MAX, type TouchedName, touchedBy } from './touched.ts';

const A = route('a.hoge.com', 'o1');
const at = (path: string, file: AnyLoadedFile): AnyLoadedFile => ({ ...file, path });
const broken = (path: string, text: string) => loadFile(path, 'blob', Buffer.from(text));
const brief = ({ name, change, pool, file }: TouchedName) => `${change} ${name} in ${pool} by ${file}`;
const of = (...files: FilePair[]) => touchedBy(files, 'main').names;

describe('names', () => {
  it.each<[string, FilePair[], string[]]>([
    ['a new host', [added(A)], ['added a.hoge.com in main by routes/hoge/a.hoge.com.yaml']],
    ['a host that goes', [removed(A)], ['removed a.hoge.com in main by routes/hoge/a.hoge.com.yaml']],
    [
      'a host that changes',
      [changed(A, route('a.hoge.com', 'o1', 1))],
      ['changed a.hoge.com in main by routes/hoge/a.hoge.com.yaml'],
    ],
    ['only a comment', [changed(A, { ...A, blob: 'other' })], []],
    ['a file that is moved', [removed(A), added(at('routes/hoge/other.yaml', A))], []],
    [
      'a file that is moved and changed',
      [removed(A), added(at('routes/hoge/other.yaml', route('a.hoge.com', 'o1', 1)))],
      ['changed a.hoge.com in main by routes/hoge/other.yaml'],
    ],
    [
      'another name in the same file',
      [changed(A, at(A.path, route('b.hoge.com', 'o1')))],
      [
        'removed a.hoge.com in main by routes/hoge/a.hoge.com.yaml',
        'added b.hoge.com in main by routes/hoge/a.hoge.com.yaml',
      ],
    ],
    [
      'a public port',
      [added(portRoute('mine', 25_565, { pool: 'spare' }))],
      ['added tcp 25565 in spare by routes/hoge/mine.yaml'],
    ],
    [
      'a public port in another pool, which is another port',
      [changed(portRoute('mine', 25_565), portRoute('mine', 25_565, { pool: 'spare' }))],
      [
        'removed tcp 25565 in main by routes/hoge/mine.yaml',
        'added tcp 25565 in spare by routes/hoge/mine.yaml',
      ].reverse(),
    ],
    [
      'a file with an error in a hostname that can be read',
      [{ path: 'routes/hoge/x.yaml', after: broken('routes/hoge/x.yaml', 'hostname: x.hoge.com\norigin: 7\n') }],
      ['added x.hoge.com in main by routes/hoge/x.yaml'],
    ],
    [
      'a file that nobody can read',
      [{ path: 'routes/hoge/x.yaml', after: broken('routes/hoge/x.yaml', 'hostname: [') }],
      ['added routes/hoge/x.yaml in main by routes/hoge/x.yaml'],
    ],
    [
      'a file that nobody can read any more: it keeps its name',
      [{ path: A.path, before: A, after: broken(A.path, 'hostname: [') }],
      ['changed a.hoge.com in main by routes/hoge/a.hoge.com.yaml'],
    ],
  ])('%s', (_, files, expected) => {
    const found = of(...files).map(brief);
    expect(found.toSorted()).toEqual(expected.toSorted());
  });

  it.each<[string, FilePair, Partial<TouchedName>]>([
    ['a page is asked by its edges', added(A), { url: 'https://a.hoge.com', isAsked: true, needsCertificate: true }],
    ['a page that goes is not', removed(A), { url: 'https://a.hoge.com', isAsked: false, blob: undefined }],
    [
      'a change that no edge sees makes it ask nothing',
      changed(A, route('a.hoge.com', 'o1', 8080, { expiresAt: '2027-01-01T00:00:00Z' })),
      { change: 'changed', isAsked: false },
    ],
    ['a wildcard has no name to ask for', added(route('*.hoge.com', 'o1')), { isAsked: false, needsCertificate: true }],
    [
      'what passes through has its own certificate',
      added(route('m.hoge.com', 'o1', 993, { protocol: 'tls' })),
      { isAsked: false, needsCertificate: false },
    ],
    [
      'maintenance wants its 503',
      added(route('a.hoge.com', 'o1', 1, { maintenance: { allow: [] } })),
      { isClosed: true },
    ],
    ['a public port', added(portRoute('mine', 25_565)), { kind: 'port', isAsked: false, needsCertificate: false }],
  ])('%s', (_, file, expected) => {
    expect(of(file)).toEqual([expect.objectContaining(expected)]);
  });

  it('are the same in any order of files, sorted, and bounded', () => {
    const files = ['c', 'a', 'b'].map((name) => added(route(`${name}.hoge.com`, 'o1')));
    fc.assert(
      fc.property(fc.shuffledSubarray(files, { minLength: 3 }), (shuffled) => {
        expect(touchedBy(shuffled, 'main')).toEqual(touchedBy(files, 'main'));
      }),
    );
    expect(of(...files).map(({ name }) => name)).toEqual(['a.hoge.com', 'b.hoge.com', 'c.hoge.com']);
    const many = Array.from({ length: TOUCHED_NAMES_MAX + 3 }, (_, n) => added(route(`h${n}.hoge.com`, 'o1')));
    const { names, more } = touchedBy(many, 'main');
    expect([names.length, more]).toEqual([TOUCHED_NAMES_MAX, 3]);
    const [first] = many;
    const more2 = touchedBy(
      Array.from({ length: 3 * TOUCHED_NAMES_MAX }, () => first!),
      'main',
    ).more;
    expect(more2).toBe(2 * TOUCHED_NAMES_MAX);
  });
});

describe('what is no name', () => {
  it.each<[string, FilePair[], object[], boolean]>([
    ['a new edge', [added(edge('e1'))], [{ node: 'e1', role: 'edge', change: 'added', state: 'active' }], false],
    [
      'a revoked origin',
      [changed(origin('o1'), origin('o1', { state: 'revoked' }))],
      [{ node: 'o1', role: 'origin', change: 'changed', state: 'revoked' }],
      false,
    ],
    ['an edge that goes', [removed(edge('e1'))], [{ node: 'e1', role: 'edge', change: 'removed' }], false],
    ['an edge whose file says the same', [changed(edge('e1'), { ...edge('e1'), blob: 'other' })], [], false],
    [
      'an edge with an error',
      [changed(edge('e1'), loaded('edge', 'edges/e1.yaml', undefined))],
      [{ node: 'e1', role: 'edge', change: 'changed' }],
      false,
    ],
    ['settings', [changed(kokoa(), kokoa({ network: { wireguard: '10.9.0.0/16' } }))], [], true],
    [
      'a guard alone',
      [changed(kokoa(), kokoa({ guards: { override: { plan: 'p', base: 'b', reason: 'r' } } }))],
      [],
      false,
    ],
  ])('%s', (_, files, nodes, settings) => {
    expect(touchedBy(files, 'main')).toEqual({ names: [], more: 0, nodes, settings, waved: settings });
  });

  it('is settings for teams, of which no wave needs to know', () => {
    const files = [changed(kokoa(), kokoa({ teams: [{ name: 'other', hostnames: ['*.other.com'] }] }))];
    expect(touchedBy(files, 'main')).toMatchObject({ settings: true, waved: false });
  });
});
