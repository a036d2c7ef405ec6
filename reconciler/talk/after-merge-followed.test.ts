// Who is left and who stays.
import { expect, it } from 'vitest';
import { edgeAt, fleetOf, mergeOf, SINCE_MS } from '../core/pull-request/progress.fixture.ts';
import { progressOf } from '../core/pull-request/progress.ts';
import { createFollowed } from './after-merge-followed.ts';

const { touched } = mergeOf();
const DONE = progressOf(mergeOf(), fleetOf([edgeAt('e1')]), SINCE_MS);

function threeDone() {
  const followed = createFollowed();
  for (const commit of ['a', 'b', 'c']) followed.add({ commit, parent: 'p', touched, seenMs: 0 });
  for (const one of followed.all()) one.progress = DONE;
  const [c, b, a] = followed.all();
  return { followed, a: a!, b: b!, c: c!, left: () => followed.all().map(({ commit }) => commit) };
}

it('nobody is left before that is told, also when it became known in between whose it is', () => {
  const { followed, a, b, c, left } = threeDone();
  [a.pullRequest, b.pullRequest, c.pullRequest] = [1, undefined, 3];
  [a.isTold, b.isTold] = [true, true];
  followed.dropSettled();
  expect(left()).toEqual(['c']);
  c.isTold = true;
  followed.dropSettled();
  expect(left()).toEqual([]);
});

it('nobody is left while another one may be of the same pull request', () => {
  const { followed, a, b, left } = threeDone();
  for (const one of [a, b]) [one.pullRequest, one.isTold] = [1, true];
  followed.dropSettled();
  expect(left()).toEqual(['c', 'b', 'a']);
  expect(followed.halves()).toEqual([b, a]);
  followed.join(b, a, touched);
  expect([left(), b.parent, b.isTold, b.progress, followed.halves()]).toEqual([
    ['c', 'b'],
    'p',
    undefined,
    undefined,
    undefined,
  ]);
});
