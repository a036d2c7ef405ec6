// The adapter against GitHub on loopback: pull requests and comments. Every request and answer is checked against GitHub's own description.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Forge } from '../ports/forge.ts';
import {
  AS_APP,
  AS_TOKEN,
  failure,
  type Github,
  HOSTILE,
  NEW_COMMENT,
  OLD_COMMENT,
  startGithub,
} from './github.fixture.ts';
import { APP_ID, USER } from './github-double.fixture.ts';
import { addPull, BRANCH, digest } from './github-state.fixture.ts';

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

/** Three bytes each. */
const LONGEST = '語'.repeat(65_536);

const comment = (markdown = 'the plan') => ({ pullRequest: double.state.pulls[0]!.number, key: 'plan', markdown });

describe('open pull requests', () => {
  it('tells head, base and fork, over several pages', async () => {
    for (let i = 0; i < 130; i += 1) addPull(double.state, { headRepositoryId: 1000 + (i % 2) });
    addPull(double.state, { headRepositoryId: undefined });
    addPull(double.state, { state: 'closed' });
    const found = await forge.openPullRequests();
    expect(found).toHaveLength(131);
    const [newest, other] = [double.state.pulls.at(-2)!, double.state.pulls[1]!];
    expect(found[0]).toEqual({ number: newest.number, head: newest.head, base: newest.base, isFork: true });
    expect(found.find(({ number }) => number === other.number)?.isFork).toBe(true);
    expect(found.find(({ number }) => number === double.state.pulls[0]!.number)?.isFork).toBe(false);
  });

  it('are told also when a hundred of them have the longest texts there are', async () => {
    for (let i = 0; i < 100; i += 1) addPull(double.state, { body: LONGEST });
    expect(await forge.openPullRequests()).toHaveLength(100);
  });

  it('is empty where none is open', async () => {
    expect(await forge.openPullRequests()).toEqual([]);
  });
});

describe('the pull request behind a commit', () => {
  it('is the one that was merged, squashed or not', async () => {
    const merged = digest('a squashed commit');
    addPull(double.state, { head: merged });
    const pull = addPull(double.state, { merged, state: 'closed' });
    expect(await forge.mergedBy(merged)).toBe(pull.number);
  });

  it('is none for what was pushed', async () => {
    expect(await forge.mergedBy(double.state.refs.get(`refs/heads/${BRANCH}`)!)).toBeUndefined();
  });
});

describe.each([
  ['a token', AS_TOKEN],
  ['an App', AS_APP],
])('a comment by %s', (_, credential) => {
  beforeEach(() => {
    addPull(double.state);
    forge = connect({ credential });
  });

  it('is made once, edited in place, and left alone when it says the same', async () => {
    expect(await forge.putComment(comment())).toBe('created');
    expect(await forge.putComment(comment())).toBe('unchanged');
    expect(await forge.putComment(comment('another plan'))).toBe('updated');
    expect(await connect({ credential }).putComment(comment('another plan'))).toBe('unchanged');
    expect(double.state.comments.map(({ body }) => body)).toEqual(['<!-- kokoa:plan -->\nanother plan']);
    expect(double.changes()).toEqual([NEW_COMMENT, OLD_COMMENT]);
  });

  it('is made once by two at the same moment', async () => {
    const put = await Promise.all([forge.putComment(comment()), forge.putComment(comment())]);
    expect(put).toEqual(['created', 'unchanged']);
    expect(double.state.comments).toHaveLength(1);
  });

  it('never touches what somebody else wrote, marker or not', async () => {
    const pull = double.state.pulls[0]!.number;
    const body = '<!-- kokoa:plan -->\nan imitation';
    const strangers = [
      { id: 1, pull, who: { kind: 'user', id: 1 }, body },
      { id: 2, pull, who: { kind: 'app', id: 2 }, body },
    ] as const;
    double.state.comments.push(...strangers.map((one) => ({ ...one })));
    expect(await forge.putComment(comment())).toBe('created');
    expect(await forge.putComment(comment('new'))).toBe('updated');
    expect(double.state.comments.map((one) => one.body)).toEqual([body, body, '<!-- kokoa:plan -->\nnew']);
  });

  it('does not take a comment of ours that only quotes the marker', async () => {
    const who = credential.kind === 'app' ? ({ kind: 'app', id: APP_ID } as const) : USER;
    double.state.comments.push({ id: 1, pull: double.state.pulls[0]!.number, who, body: '> <!-- kokoa:plan -->' });
    expect(await forge.putComment(comment())).toBe('created');
    expect(double.state.comments).toHaveLength(2);
  });

  it.each(['late', 'cut'] as const)('is not made twice when the answer is %s', async (kind) => {
    forge = connect({ credential, requestMsMax: 1500 });
    double.misbehave(NEW_COMMENT, { kind });
    expect(await forge.putComment(comment())).toBe('unchanged');
    expect(double.state.comments).toHaveLength(1);
    expect(waits).toEqual([1000]);
  });

  it('is found behind three pages of talk', async () => {
    const pull = double.state.pulls[0]!.number;
    for (let id = 10_001; id <= 10_250; id += 1)
      double.state.comments.push({ id, pull, who: { kind: 'user', id: 1 }, body: `talk ${id}` });
    expect(await forge.putComment(comment())).toBe('created');
    expect(await forge.putComment(comment('new'))).toBe('updated');
    expect(double.changes()).toEqual([NEW_COMMENT, OLD_COMMENT]);
  });
});

it('a comment of ours is found among a hundred of the longest there are', async () => {
  const pull = addPull(double.state).number;
  await forge.putComment(comment());
  for (let id = 10_001; id <= 10_100; id += 1)
    double.state.comments.push({ id, pull, who: { kind: 'user', id: 1 }, body: LONGEST });
  expect(await forge.putComment(comment('new'))).toBe('updated');
});

describe('what a comment may say', () => {
  beforeEach(() => void addPull(double.state));

  it('takes hostile text as text, and knows it again', async () => {
    expect(await forge.putComment(comment(HOSTILE))).toBe('created');
    expect(double.state.comments[0]!.body).toBe(
      '<!-- kokoa:plan -->\nab[31m\ufffd <!-- kokoa:plan --> @everyone \u{1f600} "quoted" \\ {{y}} \nnext',
    );
    expect(await forge.putComment(comment(HOSTILE))).toBe('unchanged');
  });

  it('knows it again after GitHub changed line ends', async () => {
    await forge.putComment(comment('one\ntwo\n'));
    double.state.comments[0]!.body = double.state.comments[0]!.body.replaceAll('\n', '\r\n').trimEnd();
    expect(await forge.putComment(comment('one\ntwo\n'))).toBe('unchanged');
  });

  it('takes 60 000 characters and refuses more without asking GitHub', async () => {
    expect(await forge.putComment(comment('x'.repeat(60_000)))).toBe('created');
    const asked = double.asked.length;
    expect((await failure(forge.putComment(comment('x'.repeat(60_001))))).code).toBe('forge_invalid');
    expect((await failure(forge.putComment({ ...comment(), key: '--> x' }))).code).toBe('forge_invalid');
    expect(double.asked).toHaveLength(asked);
  });

  it('says that the pull request is not there', async () => {
    expect((await failure(forge.putComment({ ...comment(), pullRequest: 999_999 }))).code).toBe('forge_not_found');
  });
});
