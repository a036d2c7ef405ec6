// The workflows and actions that are in git keep to the rules, and each rule is seen to bite.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { brokenRules, type Workflow } from './workflow-rules.ts';

const TOP = join(import.meta.dirname, '..');
const FOLDERS = ['.github/workflows'];
const ACTIONS = ['action.yml', '.github/actions/request/action.yml'];

function workflowFiles(): string[] {
  const found = FOLDERS.flatMap((folder) => readdirSync(join(TOP, folder)).map((name) => `${folder}/${name}`));
  return [...ACTIONS, ...found].sort();
}

test.each(workflowFiles())('%s keeps to the rules', (path) => {
  expect(brokenRules(readFileSync(join(TOP, path), 'utf8'))).toEqual([]);
});

test('validate runs the base branch’s code over the merge of the pull request, of which it has the parents', () => {
  const { jobs, on } = workflow('.github/workflows/validate.yml');
  expect(on).toEqual({ pull_request: null });
  const [code, data, action] = jobs!.validate!.steps;
  expect(code!.with).toMatchObject({ ref: expression('github.event.pull_request.base.sha'), path: 'code' });
  expect(data!.with).toEqual({ path: 'data', 'fetch-depth': 2, 'persist-credentials': false });
  expect(action).toEqual({ uses: './code', with: { directory: 'data' } });
});

test('a request for a hostname runs the default branch alone, one at a time for each issue', () => {
  const { jobs, permissions, concurrency, on } = workflow('.github/workflows/hostname-request.yml');
  expect(on).toEqual({ issues: { types: ['opened', 'edited', 'reopened'] } });
  expect(permissions).toEqual({ contents: 'write', issues: 'write', 'pull-requests': 'write' });
  expect(concurrency!.group).toContain('github.event.issue.number');
  const [checkout, action] = jobs!.request!.steps;
  expect(checkout!.with).toMatchObject({ ref: expression('github.event.repository.default_branch') });
  expect(action).toEqual({ uses: './.github/actions/request' });
});

const workflow = (path: string) =>
  parse(readFileSync(join(TOP, path), 'utf8'), { uniqueKeys: true, strict: true, version: '1.2' }) as Workflow;

const expression = (text: string) => `\${{ ${text} }}`;

describe('the rules', () => {
  const validate = readFileSync(join(TOP, '.github/workflows/validate.yml'), 'utf8');
  const action = readFileSync(join(TOP, 'action.yml'), 'utf8');

  test.each<[string, string, string | RegExp, string, RegExp]>([
    [
      'a title in a command',
      action,
      'cd -- ',
      `echo ${expression('github.event.issue.title')}\n        cd -- `,
      /inside a command/,
    ],
    [
      'an input in a command',
      action,
      '"$KOKOA_DATA" --check',
      `${expression('inputs.data')} --check`,
      /inside a command/,
    ],
    ['a text that is evaluated', action, 'cd -- ', 'eval ', /becomes a command/],
    ['pull_request_target', validate, 'pull_request:', 'pull_request_target:', /runs on pull_request_target/],
    ['a write permission', validate, 'contents: read', 'contents: write', /may write contents/],
    ['all permissions', validate, /permissions:\n {2}contents: read/, 'permissions: write-all', /no permissions/],
    ['no permissions', validate, /permissions:\n {2}contents: read\n/, '', /no permissions/],
    ['permissions of a job', validate, 'timeout-minutes: 10', 'timeout-minutes: 10\n    permissions: write-all', /own/],
    ['a secret', validate, 'directory: data', `directory: ${expression('secrets.TOKEN')}`, /names a secret/],
    ['a token in the checkout', validate, 'persist-credentials: false', 'persist-credentials: true', /token stays/],
    ['a branch of somebody', validate, 'base.sha', 'head.ref', /by its name/],
    ['a moving action', validate, 'actions/checkout@v5', 'actions/checkout@main', /not pinned/],
    ['an action of others', validate, 'actions/checkout@v5', 'someone/checkout@v5', /not pinned/],
    ['no timeout', validate, / +timeout-minutes: 10\n/, '', /no timeout/],
    ['no bound', validate, /concurrency:\n.*\n.*\n/, '', /no bound/],
  ])('refuse %s', (_, text, from, to, expected) => {
    expect(text.replace(from, to)).not.toBe(text);
    expect(brokenRules(text.replace(from, () => to)).join('\n')).toMatch(expected);
  });
});
