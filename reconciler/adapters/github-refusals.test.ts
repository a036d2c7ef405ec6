// GitHub that refuses, limits, breaks or is gone; and what never stands in an error.
import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Forge, ForgeError } from '../ports/forge.ts';
import { AS_TOKEN, COMMENTS, failure, type Github, NEW_COMMENT, startGithub } from './github.fixture.ts';
import { createGithubForge, type GithubOptions } from './github.ts';
import type { OperationName } from './github-description.fixture.ts';
import { APP_ID, APP_KEY, TOKEN } from './github-double.fixture.ts';
import { addPull, BRANCH, OWNER, REPOSITORY } from './github-state.fixture.ts';

let double: Github['double'];
let waits: Github['waits'];
let connect: Github['connect'];
let forge: Forge;

beforeEach(async () => {
  ({ double, waits, connect } = await startGithub());
  forge = connect();
});

afterEach(async () => {
  forge.close();
  await double.close();
});

const comment = (markdown = 'the plan') => ({ pullRequest: double.state.pulls[0]!.number, key: 'plan', markdown });

describe('refusals', () => {
  beforeEach(() => void addPull(double.state));

  const nowSeconds = () => Math.floor(Date.now() / 1000);
  it.each<[string, number, Record<string, string>, string, string]>([
    ['forbidden', 403, {}, '{"message":"Resource not accessible by integration"}', 'forge_forbidden'],
    ['not found', 404, {}, '{"message":"Not Found"}', 'forge_not_found'],
    ['gone', 410, {}, '{"message":"Gone"}', 'forge_not_found'],
    ['a conflict', 409, {}, '{"message":"Git Repository is empty."}', 'forge_conflict'],
    ['invalid', 422, {}, '{"message":"Validation Failed","errors":[{"message":"is too odd"}]}', 'forge_invalid'],
    ['moved', 301, { location: 'http://127.0.0.1:1/elsewhere' }, '{"message":"Moved Permanently"}', 'forge_not_found'],
  ])('%s goes up at once', async (_, status, headers, body, code) => {
    double.misbehave(NEW_COMMENT, { kind: 'answer', status, headers, body });
    const error = await failure(forge.putComment(comment()));
    expect(error.code).toBe(code);
    if (status === 422) expect(error.message).toContain('Validation Failed; is too odd');
    expect(waits).toEqual([]);
    expect(double.changes()).toEqual([NEW_COMMENT]);
  });

  it.each<[string, number, Record<string, string>, string, number]>([
    ['a secondary limit', 403, { 'retry-after': '7' }, '{"message":"You have exceeded a secondary rate limit"}', 7000],
    ['too many requests', 429, { 'retry-after': '2' }, '{}', 2000],
    ['a limit told as zero', 429, { 'retry-after': '0' }, '{}', 1000],
  ])('%s is waited for, and then it is done once', async (_, status, headers, body, waitMs) => {
    double.misbehave(NEW_COMMENT, { kind: 'answer', status, headers, body });
    expect(await forge.putComment(comment())).toBe('created');
    expect(waits).toEqual([waitMs]);
    expect(double.state.comments).toHaveLength(1);
  });

  it.each<[string, Record<string, string>, number, number]>([
    [
      'the hourly limit',
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(nowSeconds() + 1800) },
      1_600_000,
      1_800_000,
    ],
    ['a limit that tells nothing', {}, 60_000, 60_000],
    ['a limit that tells nonsense', { 'retry-after': '-5' }, 60_000, 60_000],
    ['a limit without end', { 'retry-after': '999999999999' }, 3_600_000, 3_600_000],
  ])('%s goes up with the time to wait, and nothing is asked before', async (_, headers, least, most) => {
    double.misbehave(NEW_COMMENT, { kind: 'answer', status: 429, headers });
    const error = await failure(forge.putComment(comment()));
    expect(error.code).toBe('forge_limited');
    expect(error.waitMs).toBeGreaterThanOrEqual(least);
    expect(error.waitMs).toBeLessThanOrEqual(most);
    const asked = double.asked.length;
    const again = await failure(forge.openPullRequests());
    expect(again.code).toBe('forge_limited');
    expect(again.waitMs).toBeLessThanOrEqual(most);
    expect(double.asked).toHaveLength(asked);
    expect(waits).toEqual([]);
  });

  it('asks again when the time is over', async () => {
    let nowMs = Date.now();
    forge = connect({ clock: () => new Date(nowMs) });
    double.misbehave(NEW_COMMENT, { kind: 'answer', status: 429, headers: { 'retry-after': '100' } });
    expect((await failure(forge.putComment(comment()))).waitMs).toBe(100_000);
    nowMs += 100_001;
    expect(await forge.putComment(comment())).toBe('created');
  });

  it.each<[string, string, Record<string, string>, number]>([
    ['broken JSON', '{"id": 1, ', {}, 200],
    ['something else', '{"id": "one"}', {}, 200],
    ['a web page', '<html>Unicorn!</html>', { 'content-type': 'text/html' }, 502],
    ['an empty answer', '', {}, 200],
    ['nothing but a 500', '', {}, 500],
    ['an answer without end', `["${'x'.repeat(17 * 1024 * 1024)}"]`, {}, 200],
  ])('%s instead of a list is GitHub being down: three times, then it goes up', async (_, body, headers, status) => {
    double.misbehave(COMMENTS, { kind: 'answer', status, body, headers }, 3);
    expect((await failure(forge.putComment(comment()))).code).toBe('forge_down');
    expect(waits).toEqual([1000, 2000]);
    expect(double.changes()).toEqual([]);
  });

  it('makes good what failed twice', async () => {
    double.misbehave(COMMENTS, { kind: 'answer', status: 503 }, 2);
    expect(await forge.putComment(comment())).toBe('created');
  });

  it('goes on after a failure: the next in turn is not held up', async () => {
    double.misbehave(NEW_COMMENT, { kind: 'answer', status: 422 });
    const [first, second] = await Promise.allSettled([forge.putComment(comment()), forge.putComment(comment())]);
    expect([first.status, second.status]).toEqual(['rejected', 'fulfilled']);
  });

  it('cannot be reached', async () => {
    const nobody = createGithubForge({
      ...{ apiUrl: 'http://127.0.0.1:1', owner: OWNER, repository: REPOSITORY, branch: BRANCH, credential: AS_TOKEN },
      wait: async (ms) => void waits.push(ms),
    });
    const error = await failure(nobody.openPullRequests());
    expect(error.code).toBe('forge_down');
    expect(error.message).toContain('/repos/octo-team/data/pulls');
    expect(waits).toEqual([1000, 2000]);
  });

  it('takes no more than a thousand that wait', async () => {
    double.misbehave(COMMENTS, { kind: 'late' });
    const first = failure(forge.putComment(comment()));
    const waiting = Array.from({ length: 1000 }, () => failure(forge.openPullRequests()));
    expect((await failure(forge.openPullRequests())).message).toContain('1000 operations wait already');
    await expect.poll(() => double.asked).toContain(COMMENTS);
    forge.close();
    expect(await Promise.all([first, ...waiting])).toHaveLength(1001);
    expect(double.asked).not.toContain('get /repos/{owner}/{repo}/pulls');
  });

  it('ends what waits and what is under way when it is closed', async () => {
    double.misbehave(COMMENTS, { kind: 'late' });
    const under = failure(forge.putComment(comment()));
    const waiting = failure(forge.openPullRequests());
    await expect.poll(() => double.asked).toContain(COMMENTS satisfies OperationName);
    forge.close();
    expect((await under).code).toBe('forge_down');
    expect((await waiting).message).toContain('closed');
  });
});

describe('credentials', () => {
  beforeEach(() => void addPull(double.state));

  it('asks for one installation token, and for another when it is refused', async () => {
    await forge.putComment(comment());
    await forge.putComment(comment('new'));
    const tokens = () => double.asked.filter((name) => name.includes('access_tokens')).length;
    expect(tokens()).toBe(1);
    double.revokeTokens();
    expect((await failure(forge.putComment(comment()))).code).toBe('forge_unauthorised');
    expect(await forge.putComment(comment())).toBe('updated');
    expect(tokens()).toBe(2);
  });

  it('says which file cannot be read', async () => {
    const read = () => readFile('/nowhere/github-token', 'utf8');
    const error = await failure(connect({ credential: { kind: 'token', read } }).openPullRequests());
    expect(error.code).toBe('forge_unauthorised');
    expect(error.message).toContain('/nowhere/github-token');
  });

  it('renews a token before it ends', async () => {
    let nowMs = Date.now();
    forge = connect({ clock: () => new Date(nowMs) });
    await forge.openPullRequests();
    nowMs += 56 * 60_000;
    await forge.openPullRequests();
    expect(double.asked.filter((name) => name.includes('access_tokens'))).toHaveLength(2);
  });

  it.each<[string, GithubOptions['credential']]>([
    ['a wrong token', { kind: 'token', read: async () => 'ghp_wrongwrongwrongwrong' }],
    ['a token with a line feed in it', { kind: 'token', read: async () => 'ghp_wrong\nwrong' }],
    ['an empty token', { kind: 'token', read: async () => '' }],
    ['a key that is none', { kind: 'app', appId: APP_ID, readPrivateKey: async () => 'ghp_wrong' }],
    ['another App', { kind: 'app', appId: 1, readPrivateKey: async () => APP_KEY }],
  ])('%s is unauthorised, and not in the error', async (_, credential) => {
    const error = await failure(connect({ credential }).putComment(comment()));
    expect(error.code).toBe('forge_unauthorised');
    expect(everything(error)).not.toMatch(/ghp_|wrong|PRIVATE KEY|Bearer/);
    expect(waits).toEqual([]);
  });

  it('never says the token, also when GitHub repeats it', async () => {
    forge = connect({ credential: AS_TOKEN });
    const body = JSON.stringify({ message: `you sent Bearer ${TOKEN}` });
    double.misbehave(COMMENTS, { kind: 'answer', status: 403, body });
    expect(everything(await failure(forge.putComment(comment())))).not.toContain(TOKEN);
  });

  it.each(['http://github.example.com', 'https://a:b@github.com', 'https://github.com/?x', 'file:///x', 'x'])(
    'refuses %s as an address',
    (apiUrl) => {
      expect(() => connect({ apiUrl })).toThrow(ForgeError);
    },
  );

  it.each([
    ['..', 'data'],
    ['a/b', 'data'],
    ['a', ''],
    ['a', 'x?y'],
  ])('refuses %s and %s as names', (owner, repository) => {
    expect(() => connect({ owner, repository })).toThrow(ForgeError);
  });
});

/** Whatever a log could print of an error. */
function everything(error: ForgeError): string {
  const members = Object.getOwnPropertyNames(error).map((name) => String(Reflect.get(error, name)));
  return [...members, JSON.stringify(error), error.stack, String(error.cause)].join('\n');
}
