// The double is only worth something if it refuses what GitHub does not know.
import { expect, it } from 'vitest';
import { answerProblems, exampleOf, operationOf, requestProblems } from './github-contract.fixture.ts';
import { cutDescription, type Json, OPERATIONS, readDescription } from './github-description.fixture.ts';

const REPOSITORY = '/repos/octo-team/data';
const CHECK = { name: 'kokoa', head_sha: 'a', output: { title: 't', summary: 's' } };
const ANNOTATION = { path: 'a', start_line: 1, end_line: 1, annotation_level: 'failure', message: 'm' };

it.each<[string, string, string, Json | undefined]>([
  ['a query that it does not have', 'GET', `${REPOSITORY}/pulls?branch=main`, undefined],
  ['a value that a query does not take', 'GET', `${REPOSITORY}/pulls?state=merged`, undefined],
  ['a text for a number', 'GET', `${REPOSITORY}/pulls?per_page=many`, undefined],
  ['a text for a number in the path', 'GET', `${REPOSITORY}/issues/one/comments`, undefined],
  ['a member that it does not have', 'POST', `${REPOSITORY}/check-runs`, { ...CHECK, colour: 'red' }],
  [
    'a member too much further down',
    'POST',
    `${REPOSITORY}/check-runs`,
    { ...CHECK, output: { ...CHECK.output, x: 1 } },
  ],
  ['a member too few', 'POST', `${REPOSITORY}/check-runs`, { name: 'kokoa' }],
  ['a conclusion that it does not have', 'POST', `${REPOSITORY}/check-runs`, { ...CHECK, conclusion: 'good' }],
  [
    '51 annotations',
    'POST',
    `${REPOSITORY}/check-runs`,
    { ...CHECK, output: { ...CHECK.output, annotations: Array(51).fill(ANNOTATION) } },
  ],
  ['no body', 'POST', `${REPOSITORY}/git/refs`, undefined],
  ['a body where none belongs', 'GET', `${REPOSITORY}/pulls`, {}],
])('refuses %s', (_, method, target, body) => {
  const url = new URL(target, 'http://github');
  const asked = operationOf(method, url.pathname)!;
  expect(requestProblems(asked, url.searchParams, body)).toHaveLength(1);
});

it.each([
  ['GET', '/repos/octo-team/data/elsewhere'],
  ['DELETE', '/repos/octo-team/data/pulls'],
  ['GET', '/repos//data/pulls'],
])('knows no %s %s', (method, path) => {
  expect(operationOf(method, path)).toBeUndefined();
});

it('refuses an answer that GitHub would not give', () => {
  const name = 'get /repos/{owner}/{repo}/git/ref/{ref}';
  expect(answerProblems(name, 200, exampleOf(name))).toEqual([]);
  expect(answerProblems(name, 200, { ...exampleOf(name), ref: 1 })).toHaveLength(1);
  expect(answerProblems(name, 204, null)).toHaveLength(1);
});

it('keeps of the description what it needs, and all of that', () => {
  const kept = readDescription();
  expect(cutDescription(kept)).toEqual(kept);
  const names = Object.entries(kept.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((one) => `${one} ${path}`),
  );
  expect(names.sort()).toEqual([...OPERATIONS].sort());
});
