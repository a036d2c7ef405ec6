import { beforeEach, describe, expect, it } from 'vitest';
import { converge, mend } from './converge.ts';
import type { Outcome, ServedBundle } from './converge-outcome.ts';
import { firstThatFails, SEARCH_TESTS_MAX, SEARCH_TESTS_MAX_AT_START } from './first-that-fails.ts';
import { createFakeNode, type FakeNode } from './node.fixture.ts';
import type { VerifiedBundle } from './ports/state.ts';
import { edgeBundle, routeOf } from './verified.fixture.ts';

const OLD = edgeBundle(['a.test']);
const NEW = edgeBundle(['a.test', 'b.test', 'c.test']);

let node: FakeNode;

beforeEach(async () => {
  node = await createFakeNode();
});

function take(bundle: VerifiedBundle, running?: ServedBundle) {
  return converge(node.offer(bundle), running, undefined, node.machine);
}

function applied(outcome: Outcome) {
  if (outcome.kind !== 'applied') throw new Error(`${outcome.kind}: ${outcome.detail}`);
  return outcome;
}

const without = (outcome: Outcome) => applied(outcome).made?.leftOut.map(({ name }) => name);
const named = (...names: string[]) => edgeBundle(names);
const many = (count: number) => ['a.test', ...Array.from({ length: count }, (_, index) => `n${index}.test`)];

describe('a route that the guard leaves out', () => {
  const BAD = {
    ...NEW,
    configHash: 'f'.repeat(64),
    chunks: [{ routes: [routeOf('a.test'), { ...routeOf('b.test'), backends: [] }, routeOf('c.test')] }],
  };

  it('is not served, all others are, and it is named with its reason', async () => {
    await take(OLD);
    const outcome = applied(await take(BAD, OLD));
    expect(node.served()).toEqual(['a.test', 'c.test']);
    expect(outcome.made).toMatchObject({
      unserved: [{ hostname: 'b.test', reason: 'b.test has 0 backends, expected 1 to 16' }],
      leftOut: [{ name: 'b.test' }],
    });
    expect(node.tests).toHaveLength(2);
    expect(node.state.lkg).toBe(BAD);
  });

  it('stays left out when the same bundle is vouched for anew, mended, or put back', async () => {
    await take(OLD);
    const { bundle } = applied(await take(BAD, OLD));
    const again = applied(await take({ ...BAD, version: 9 }, bundle)).bundle;
    expect(again).toEqual({ ...bundle, version: 9 });
    const release = node.state.current;
    expect(await mend(again, node.machine)).toMatchObject({ value: { release, leftOut: [{ name: 'b.test' }] } });
    node.answers.set('a.test', async () => ({ kind: 'answer', status: node.served().includes('d.test') ? 404 : 200 }));
    expect(await take(named('a.test', 'd.test'), again)).toMatchObject({ kind: 'rolled_back' });
    expect([node.served(), node.state.current]).toEqual([['a.test', 'c.test'], release]);
  });

  it('below a wildcard is closed, for the web server and for all that comes after, and comes back as it was', async () => {
    const chunks = (bad: boolean) => [
      { routes: [routeOf('*.w.test'), { ...routeOf('b.w.test'), ...(bad && { backends: [] }) }] },
    ];
    const [bad, good] = [true, false].map((isBad) => ({
      ...NEW,
      configHash: (isBad ? 'e' : 'd').repeat(64),
      chunks: chunks(isBad),
    }));
    const { bundle, made } = applied(await take(bad!));
    expect(made).toMatchObject({ leftOut: [{ name: 'b.w.test' }], unserved: [{ hostname: 'b.w.test' }] });
    expect(bundle.chunks[0]!.routes).toMatchObject([{}, { hostname: 'b.w.test', backends: [], closed: 'expired' }]);
    const release = node.state.current;
    expect(await mend(bundle, node.machine)).toMatchObject({ value: { release, leftOut: [{ name: 'b.w.test' }] } });
    expect(applied(await take(good!, bundle))).toMatchObject({
      bundle: { chunks: good!.chunks },
      made: { leftOut: [] },
    });
  });

  it('comes back with the change that mends it', async () => {
    await take(OLD);
    const { bundle } = applied(await take(BAD, OLD));
    expect(without(await take(NEW, bundle))).toEqual([]);
    expect(node.served()).toEqual(['a.test', 'b.test', 'c.test']);
  });

  it('that was served before rolls nothing back although it is gone', async () => {
    await take(NEW);
    const outcome = await take(BAD, NEW);
    expect(without(outcome)).toEqual(['b.test']);
    expect(node.served()).toEqual(['a.test', 'c.test']);
  });
});

describe('a tree that the web server refuses', () => {
  it('costs one test when there is nothing to refuse', async () => {
    await take(OLD);
    await take(NEW, OLD);
    expect(node.tests).toHaveLength(2);
  });

  it('is served without the part that its words point at', async () => {
    await take(OLD);
    node.refusedByTest.add('b.test');
    node.words.of = (release) => `nginx: [emerg] invalid parameter "x" in ${release}/hosts.map:2`;
    const outcome = applied(await take(NEW, OLD));
    expect(outcome.made?.leftOut).toEqual([
      { name: 'b.test', reason: 'nginx refuses it: invalid parameter "x" in hosts.map:2' },
    ]);
    expect(node.served()).toEqual(['a.test', 'c.test']);
    expect(node.tests).toHaveLength(3);
  });

  it('is served without several, one word after the other', async () => {
    await take(OLD);
    for (const bad of ['b.test', 'c.test']) node.refusedByTest.add(bad);
    node.words.of = (release) => `nginx: [emerg] no "x" in ${release}/hosts.map:2`;
    expect(without(await take(NEW, OLD))).toEqual(['b.test', 'c.test']);
    expect(node.served()).toEqual(['a.test']);
  });

  it('is searched by halves when the words point at nobody', async () => {
    await take(OLD);
    node.refusedByTest.add('n77.test');
    node.tests.splice(0);
    expect(without(await take(named(...many(128)), OLD))).toEqual(['n77.test']);
    expect(node.served()).toHaveLength(128);
    // The tree, all that is new, seven halves, and the one that is served.
    expect(node.tests).toHaveLength(1 + SEARCH_TESTS_MAX + 1);
  });

  it('is searched again with the next change, because nobody corrected it', async () => {
    await take(OLD);
    node.refusedByTest.add('b.test');
    const { bundle } = applied(await take(NEW, OLD));
    expect(without(await take(named('a.test', 'b.test', 'c.test', 'd.test'), bundle))).toEqual(['b.test']);
    expect(node.served()).toEqual(['a.test', 'c.test', 'd.test']);
  });

  it('is searched at a start, where all is new', async () => {
    node.refusedByTest.add('n1234.test');
    expect(without(await take(named(...many(5_000))))).toEqual(['n1234.test']);
    expect(node.tests.length).toBeLessThanOrEqual(SEARCH_TESTS_MAX_AT_START + 2);
  });

  it.each<[string, string[], string[]]>([
    ['what is served already is refused now', many(3), ['a.test']],
    ['two new ones are to blame and no word says so', many(4), ['n1.test', 'n2.test']],
    ['so many are new that a search would not end', many(129), ['n3.test']],
  ])('is refused as a whole when %s, and what runs goes on', async (_, hosts, bad) => {
    await take(OLD);
    for (const each of bad) node.refusedByTest.add(each);
    node.tests.splice(0);
    expect(await take(named(...hosts), OLD)).toMatchObject({ kind: 'refused', code: 'nginx_refused', fault: 'bundle' });
    expect(node.served()).toEqual(['a.test']);
    expect(node.tests.length).toBeLessThanOrEqual(SEARCH_TESTS_MAX + 2);
  });

  it('is refused as a whole when the words would take everything away', async () => {
    await take(OLD);
    node.refusedByTest.add('b.test');
    node.words.of = (release) => `nginx: [emerg] no in ${release}/classes.conf:3`;
    expect(await take(named('b.test'), OLD)).toMatchObject({ kind: 'refused', code: 'nginx_refused' });
  });

  it('is the machine’s fault when the words say so, and nobody is searched for', async () => {
    await take(OLD);
    node.refusedByTest.add('b.test');
    node.words.of = (release) =>
      `nginx: [emerg] open() "/x" failed (28: No space left on device) in ${release}/hosts.map:2`;
    node.tests.splice(0);
    expect(await take(NEW, OLD)).toMatchObject({ kind: 'refused', code: 'nginx_refused', fault: 'machine' });
    expect(node.tests).toHaveLength(1);
  });

  it('cannot be searched on a disk that fails meanwhile', async () => {
    await take(OLD);
    node.refusedByTest.add('b.test');
    node.words.of = () => {
      node.fails.write = 'disk full';
      return 'nginx: [emerg] no';
    };
    expect(await take(NEW, OLD)).toMatchObject({ kind: 'refused', stage: 'test' });
    expect(node.served()).toEqual(['a.test']);
  });
});

describe('the search by halves', () => {
  const parts = Array.from({ length: 100 }, (_, index) => `p${index}`);

  it.each([0, 1, 49, 50, 99])('finds the one at %i within the bound', async (bad) => {
    let tests = 0;
    const passesWithout = async (names: readonly string[]) => {
      tests += 1;
      return names.includes(`p${bad}`);
    };
    expect(await firstThatFails(parts, passesWithout, SEARCH_TESTS_MAX)).toBe(`p${bad}`);
    expect(tests).toBeLessThanOrEqual(SEARCH_TESTS_MAX);
  });

  it('finds nobody when all left out does not help, when it cannot test, or among none', async () => {
    expect(await firstThatFails(parts, async () => false, 8)).toBeUndefined();
    expect(await firstThatFails(parts, async (names) => (names.length === 100 ? true : undefined), 8)).toBeUndefined();
    expect(await firstThatFails([], async () => true, 8)).toBeUndefined();
  });
});
