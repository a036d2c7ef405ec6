// From an event of GitHub to the pull request on the double: what is proposed, what is answered, and that nothing else happens.
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WebhookDefinition } from '@octokit/webhooks-examples';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Github, NEW_PULL, startGithub } from '../adapters/github.fixture.ts';
import { TOKEN } from '../adapters/github-double.fixture.ts';
import { OWNER, REPOSITORY } from '../adapters/github-state.fixture.ts';
import { registerRequest } from './request.ts';
import { runCommand } from './run-command.fixture.ts';

const EXAMPLE = join(import.meta.dirname, '../../test/golden-compile/001-example/input');
const examples: WebhookDefinition[] = createRequire(import.meta.url)('@octokit/webhooks-examples');
const FORM = { Hostname: 'blog.hoge.com', Origin: 'home', Port: '9000', Team: '_No response_', Remarks: '@everyone' };

let work: string;
let github: Github;
beforeEach(async () => {
  work = mkdtempSync(join(tmpdir(), 'kokoa-request-'));
  cpSync(EXAMPLE, join(work, 'data'), { recursive: true });
  writeFileSync(join(work, 'token'), TOKEN, { mode: 0o600 });
  github = await startGithub();
});
afterEach(async () => {
  await github.double.close();
  rmSync(work, { recursive: true, force: true });
});

const bodyOf = (change: Partial<typeof FORM> = {}) =>
  Object.entries({ ...FORM, ...change })
    .map(([label, value]) => `### ${label}\r\n\r\n${value}`)
    .join('\r\n\r\n');

/** As GitHub writes it for a workflow: an example of its own, with our body. */
function eventOf(body: string | null): string {
  const { examples: issues } = examples.find(({ name }) => name === 'issues')!;
  const event = structuredClone(issues[0]) as unknown as { issue: { number: number; body: string | null } };
  event.issue.body = body;
  event.issue.number = 12;
  return JSON.stringify(event);
}

async function request(event: string, ...args: string[]) {
  writeFileSync(join(work, 'event.json'), event);
  rmSync(join(work, 'answer.md'), { force: true });
  const files = () => readdirSync(join(work, 'data'), { recursive: true }).sort();
  const before = files();
  const place = ['--github', `${OWNER}/${REPOSITORY}`, '--github-api', github.double.url];
  const ran = await runCommand(registerRequest, [
    ...['request', join(work, 'data'), '--event', join(work, 'event.json'), '--answer', join(work, 'answer.md')],
    ...place,
    ...['--github-token-file', join(work, 'token'), ...args],
  ]);
  expect(files()).toEqual(before);
  const answer = readdirSync(work).includes('answer.md') ? readFileSync(join(work, 'answer.md'), 'utf8') : undefined;
  return { ...ran, answer };
}

test('a good request is one pull request with the file of kokoa route add, however often the issue is edited', async () => {
  const { state } = github.double;
  const first = await request(eventOf(bodyOf()));
  const [pull] = state.pulls;
  expect(first).toMatchObject({ exitCode: 0, answer: expect.stringContaining(`Proposed in #${pull!.number}: `) });
  expect(pull).toMatchObject({ title: 'Route blog.hoge.com', state: 'open' });
  expect(pull!.body).toMatch(/^Asked for in #12; closes #12\.\n/);
  expect(pull!.body).toContain('\n    @everyone\n');
  const commit = state.commits.get(state.refs.get(`refs/heads/${pull!.headRef}`)!)!;
  expect([...state.trees.get(commit.tree)!].filter(([path]) => path.includes('blog'))).toEqual([
    [
      'routes/hoge/blog.hoge.com.yaml',
      '# yaml-language-server: $schema=../../schemas/route.schema.json\nhostname: blog.hoge.com\norigin: home\nport: 9000\n',
    ],
  ]);
  const again = await request(eventOf(bodyOf({ Port: '9001' })));
  expect(again).toMatchObject({ exitCode: 0, answer: expect.stringMatching(/is open for this issue: .* no effect/) });
  expect(state.pulls.length).toBe(1);
});

test.each<[string, Partial<typeof FORM>, RegExp]>([
  ['values that are none', { Hostname: 'https://x', Port: '0' }, /^- \*\*Hostname\*\*: `found .*\n- \*\*Port\*\*/m],
  [
    'a name that nobody may use',
    { Hostname: 'x.other.com' },
    /\*\*Team\*\*: `no team is granted x\.other\.com: an operator/,
  ],
  ['a team that may not use it', { Team: 'fuga' }, /KK302/],
  ['a team that is none', { Team: 'piyo' }, /KK301/],
  ['an unknown machine', { Origin: 'hom' }, /KK304: .*`did you mean home/],
  ['a name that is taken', { Hostname: 'app.hoge.com' }, /app\.hoge\.com\.yaml is there already/],
])('%s is answered, and nothing is proposed', async (_, change, expected) => {
  const found = await request(eventOf(bodyOf(change)));
  expect(found).toMatchObject({ exitCode: 0, answer: expect.stringMatching(expected) });
  expect(found.answer).toMatch(/^No pull request was opened\./);
  expect(github.double.changes()).toEqual([]);
});

test.each([
  ['another issue', '### Steps\n\nnone'],
  ['an issue without words', null],
])('%s is left alone, without an answer', async (_, body) => {
  expect(await request(eventOf(body))).toMatchObject({ exitCode: 0, answer: undefined, stdout: '' });
  expect(github.double.asked).toEqual([]);
});

test('where GitHub lets no workflow open pull requests the answer says which setting', async () => {
  const message = JSON.stringify({ message: 'GitHub Actions is not permitted to create or approve pull requests.' });
  github.double.misbehave(NEW_PULL, { kind: 'answer', status: 403, body: message });
  const { exitCode, answer, stderr } = await request(eventOf(bodyOf()));
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining('forge_forbidden')]);
  expect(answer).toContain('allow GitHub Actions to create pull requests');
  expect(answer).not.toContain(TOKEN);
});

test('without --github it says what it would propose, and asks nobody', async () => {
  const ran = await runCommand(registerRequest, [
    'request',
    join(work, 'data'),
    '--event',
    eventFile(eventOf(bodyOf())),
  ]);
  expect(ran).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^Route blog\.hoge\.com\n\nroutes\/hoge\//) });
  expect(github.double.asked).toEqual([]);
});

test.each([
  ['no JSON', 'x'],
  ['nothing', 'null'],
  ['an event without issue', '{"pull_request":{"number":1}}'],
  ['a number that is none', '{"issue":{"number":"1; id","body":""}}'],
  ['a body that is no text', '{"issue":{"number":1,"body":{}}}'],
  ['too much', JSON.stringify({ issue: { number: 1, body: 'x'.repeat(5_000_000) } })],
])('an event that is %s is wrong usage', async (_, event) => {
  expect(await request(event)).toMatchObject({ exitCode: 2, answer: undefined });
});

function eventFile(text: string): string {
  const path = join(work, 'event.json');
  writeFileSync(path, text);
  return path;
}
