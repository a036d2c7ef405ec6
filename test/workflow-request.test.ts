// The action behind the issue form, run line by line: GitHub's API is the double, and `gh` only writes down what it was told.
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Github, startGithub } from '../reconciler/adapters/github.fixture.ts';
import { TOKEN } from '../reconciler/adapters/github-double.fixture.ts';
import { BRANCH, OWNER, REPOSITORY } from '../reconciler/adapters/github-state.fixture.ts';
import { runAction } from './workflow-runner.ts';

const TOP = join(import.meta.dirname, '..');
const ACTION = join(TOP, '.github/actions/request');
/** Writes its arguments and the body that it would post. */
const GH = `#!/bin/bash
printf '%s\\n' "$@" > "$TOLD/arguments"
for word; do [ "$last" = --body-file ] && cat "$word" > "$TOLD/body"; last=$word; done
`;

let work: string;
let github: Github;
beforeEach(async () => {
  work = mkdtempSync(join(tmpdir(), 'kokoa-request-action-'));
  github = await startGithub();
  mkdirSync(join(work, 'workspace'));
  for (const part of ['kokoa.yaml', 'origins', 'edges', 'routes'])
    cpSync(join(TOP, part), join(work, 'workspace', part), { recursive: true });
  writeFileSync(join(work, 'gh'), GH);
  chmodSync(join(work, 'gh'), 0o755);
});
afterEach(async () => {
  await github.double.close();
  rmSync(work, { recursive: true, force: true });
});

async function run(body: string) {
  writeFileSync(join(work, 'event.json'), JSON.stringify({ issue: { number: 12, body } }));
  return runAction({
    ...{ action: join(ACTION, 'action.yml'), actionPath: ACTION, without: ['install'] },
    workspace: join(work, 'workspace'),
    expressions: {
      'github.token': TOKEN,
      'github.event.repository.default_branch': BRANCH,
      'github.event.issue.number': '12',
    },
    environment: {
      PATH: `${work}:${process.env.PATH}`,
      TOLD: work,
      GITHUB_EVENT_PATH: join(work, 'event.json'),
      GITHUB_REPOSITORY: `${OWNER}/${REPOSITORY}`,
      GITHUB_API_URL: github.double.url,
    },
  });
}

const form = (hostname: string, remarks = '_No response_') =>
  `### Hostname\n\n${hostname}\n\n### Origin\n\nhome\n\n### Port\n\n9000\n\n### Remarks\n\n${remarks}`;
const told = (name: string) => (existsSync(join(work, name)) ? readFileSync(join(work, name), 'utf8') : undefined);

test('a request becomes a pull request and an answer, and nothing of its text is run', async () => {
  const evil = `$(touch ${work}/ran) \`touch ${work}/ran\`"; touch ${work}/ran #\n::set-output name=x::y`;
  const { exitCode, stdout, stderr } = await run(form('blog.hoge.com', evil));
  expect([exitCode, stderr.trim()]).toEqual([0, '']);
  expect(github.double.state.pulls.map(({ title }) => title)).toEqual(['Route blog.hoge.com']);
  expect(told('arguments')!.split('\n').slice(0, 5)).toEqual([
    'issue',
    'comment',
    '12',
    '--repo',
    `${OWNER}/${REPOSITORY}`,
  ]);
  expect(told('body')).toMatch(/^Proposed in #\d+: /);
  expect(existsSync(join(work, 'ran'))).toBe(false);
  expect(stdout).not.toContain('::');
});

test('a refused one is answered, and the workflow is content', async () => {
  const { exitCode } = await run(form('$(id)'));
  expect([exitCode, github.double.changes()]).toEqual([0, []]);
  expect(told('body')).toContain('- **Hostname**: `found "$(id)", expected');
});

test('another issue is left alone', async () => {
  const { exitCode } = await run('### Hostnames are great\n');
  expect([exitCode, told('arguments')]).toEqual([0, undefined]);
});
