// Who reports what of its certificates, look after look, and what operators are told of it.
import { expect, it } from 'vitest';
import { type Exposures, exposedOn, exposureOf } from './exposed-certificates.ts';

const says = (node: string, ...certificates: (string | [hostname: string, exposed: string])[]) => ({
  node,
  report: {
    certificates: certificates.map((one) =>
      typeof one === 'string' ? { hostname: one } : { hostname: one[0], exposed: one[1] },
    ),
  },
});
const silent = (node: string) => ({ node, report: {} });
const WAITS = 'e9 had its key; about to be renewed';

type Look = ReturnType<typeof says | typeof silent>[];

it.each<[string, Look[], string | undefined]>([
  ['nobody reports', [[]], 'unknown'],
  ['nobody says anything of certificates', [[silent('o1'), silent('e1')]], 'unknown'],
  ['an edge has none that is exposed', [[says('e1', 'a.hoge.com'), silent('o1')]], undefined],
  ['an edge has no certificate', [[says('e1')]], undefined],
  ['one is exposed', [[says('e1', ['a.hoge.com', WAITS], 'b.hoge.com')]], `a.hoge.com, as e1 says: ${WAITS}`],
  [
    'several are, some on two edges',
    [[says('e2', ['b.hoge.com', 'x'], ['a.hoge.com', 'y']), says('e1', ['c.hoge.com', 'z'], ['a.hoge.com', WAITS])]],
    `a.hoge.com and 2 more, as e1 says: ${WAITS}`,
  ],
  [
    'one edge of two has replaced it',
    [
      [says('e1', ['a.hoge.com', WAITS]), says('e2', ['a.hoge.com', 'x'])],
      [says('e1', 'a.hoge.com'), says('e2', ['a.hoge.com', 'x'])],
    ],
    'a.hoge.com, as e2 says: x',
  ],
  ['all have', [[says('e1', ['a.hoge.com', WAITS])], [says('e1', 'a.hoge.com')]], undefined],
  [
    'an edge has just started again',
    [
      [says('e1', ['a.hoge.com', WAITS]), says('e2')],
      [silent('e1'), says('e2')],
    ],
    `a.hoge.com, as e1 says: ${WAITS}`,
  ],
  ['its hostname is gone', [[says('e1', ['a.hoge.com', WAITS], 'b.hoge.com')], [says('e1', 'b.hoge.com')]], undefined],
  ['the edge is kept out now', [[says('e1', ['a.hoge.com', WAITS]), says('e2')], [says('e2')]], undefined],
  ['all are kept out now', [[says('e1', ['a.hoge.com', WAITS])], []], 'unknown'],
])('%s', (_, looks, expected) => {
  const exposures = looks.reduce<Exposures>((before, look) => exposedOn(look, before), new Map());
  const { kind, reason } = { reason: undefined, ...exposureOf(exposures) };
  expect(kind === 'unknown' ? kind : reason).toBe(expected);
  expect(kind === 'some').toBe(reason !== undefined);
});
