// Everything that GitHub can post, and pushes as Forgejo and Gitea post them: signed by us, sent to a real server.
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Installation, install } from './http.fixture.ts';

const SECRET = 'a shared secret';
const require = createRequire(import.meta.url);
const EXAMPLES: { name: string; examples: Record<string, unknown>[] }[] = JSON.parse(
  readFileSync(require.resolve('@octokit/webhooks-examples/api.github.com/index.json'), 'utf8'),
);
const PUSHED = 'bffeb74224043ba2feb48d137756c8a9331c449a';

/** As https://forgejo.org/docs/latest/user/webhooks/ shows it. */
const FORGEJO_PUSH = {
  ref: 'refs/heads/master',
  before: '28e1879d029cb852e4844d9c718537df08844e03',
  after: PUSHED,
  compare_url: 'http://localhost:3000/forgejo/webhooks/compare/28e1879d029c...bffeb7422404',
  commits: [{ id: PUSHED, message: 'Webhooks Yay!', timestamp: '2017-03-13T13:52:11-04:00' }],
  repository: { id: 140, name: 'webhooks', full_name: 'forgejo/webhooks', private: false, default_branch: 'master' },
  pusher: { id: 1, login: 'forgejo', full_name: 'Forgejo', email: 'someone@forgejo.org' },
  sender: { id: 1, login: 'forgejo', full_name: 'Forgejo', email: 'someone@forgejo.org' },
};

let at: Installation;
beforeEach(async () => {
  at = await install({ webhookSecret: SECRET, branch: 'master' });
});
afterEach(() => at.close());

const sign = (body: string, secret = SECRET) => createHmac('sha256', secret).update(body).digest('hex');
const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

function deliver(payload: unknown, headersOf: (body: string) => Record<string, string>): Promise<Response> {
  const body = JSON.stringify(payload);
  const headers = { 'content-type': 'application/json', ...headersOf(body) };
  return at.ask('/webhooks/github', { method: 'POST', body, headers });
}

it('answers every example of GitHub’s, and marks for pushes and pull requests to the branch alone', async () => {
  const sent = EXAMPLES.flatMap(({ name, examples }) => examples.map((payload) => ({ name, payload })));
  const marked: unknown[] = [];
  for (const [number, { name, payload }] of sent.entries()) {
    const before = { ...at.calls };
    const answer = await deliver(payload, (body) => ({
      'x-github-event': name,
      'x-github-delivery': String(number),
      'x-hub-signature-256': `sha256=${sign(body)}`,
    }));
    expect([name, answer.status]).toEqual([name, 200]);
    // A mark is set in the turn after the answer: what follows may only be read when that is over.
    if (name === 'push' || name === 'pull_request') await settled();
    if (at.calls.push > before.push) marked.push(['dirty', payload.ref]);
    if (at.calls.pullRequest > before.pullRequest) marked.push(['check', payload.action]);
  }
  await settled();
  expect(sent).toHaveLength(329);
  expect(marked.toSorted()).toEqual([
    ['check', 'closed'],
    ['check', 'closed'],
    ['check', 'opened'],
    ['check', 'opened'],
    ['check', 'opened'],
    ['check', 'opened'],
    ['check', 'reopened'],
    ['check', 'reopened'],
    ['check', 'synchronize'],
    ['dirty', 'refs/heads/master'],
    ['dirty', 'refs/heads/master'],
  ]);
  expect(at.calls).toEqual({ push: 2, pullRequest: 9, enrolment: 0 });
  const metrics = await (await at.ask('/metrics')).text();
  expect(metrics).toContain('kokoa_webhooks_total{result="push"} 2');
  expect(metrics).toContain('kokoa_webhooks_total{result="pull_request"} 9');
  expect(metrics).toContain('kokoa_webhooks_total{result="ignored"} 318');
});

/** The names under which each of them sends, the newest first. */
const SENDERS: [string, (body: string) => Record<string, string>][] = [
  [
    'Forgejo, as it sends today',
    (body) => ({
      ...named('forgejo', 'push', sign(body)),
      ...named('gitea', 'push', sign(body)),
      ...named('gogs', 'push', sign(body)),
      'x-github-event': 'push',
      'x-github-delivery': '1',
      'x-hub-signature': 'sha1=0000',
      'x-hub-signature-256': `sha256=${sign(body)}`,
    }),
  ],
  ['Forgejo alone', (body) => named('forgejo', 'push', sign(body))],
  ['Gitea alone', (body) => named('gitea', 'push', sign(body))],
  [
    'Gitea without a signature of GitHub’s',
    (body) => ({ ...named('gitea', 'push', sign(body)), 'x-github-event': 'push', 'x-github-delivery': '1' }),
  ],
];

function named(forge: string, event: string, signature: string): Record<string, string> {
  return { [`x-${forge}-event`]: event, [`x-${forge}-delivery`]: 'f6266f16', [`x-${forge}-signature`]: signature };
}

describe.each(SENDERS)('a push from %s', (_, headersOf) => {
  it('marks', async () => {
    expect((await deliver(FORGEJO_PUSH, headersOf)).status).toBe(200);
    await settled();
    expect(at.calls.push).toBe(1);
  });

  it('of another branch marks nothing', async () => {
    expect((await deliver({ ...FORGEJO_PUSH, ref: 'refs/heads/topic' }, headersOf)).status).toBe(200);
    await settled();
    expect(at.calls.push).toBe(0);
  });

  it('signed with another secret is refused', async () => {
    const wrong = (body: string) =>
      Object.fromEntries(
        Object.entries(headersOf(body)).map(([name, value]) => [name, value.replace(sign(body), sign(body, 'other'))]),
      );
    expect((await deliver(FORGEJO_PUSH, wrong)).status).toBe(400);
    await settled();
    expect(at.calls.push).toBe(0);
  });
});

it.each<[string, (body: string) => Record<string, string>]>([
  ['no signature', () => ({ 'x-gitea-event': 'push', 'x-gitea-delivery': '1' })],
  ['an empty signature', () => named('gitea', 'push', '')],
  ['no event', (body) => ({ 'x-gitea-delivery': '1', 'x-gitea-signature': sign(body) })],
  ['a signature of the wrong length', (body) => named('forgejo', 'push', sign(body).slice(1))],
  ['a signature in capitals', (body) => named('forgejo', 'push', sign(body).toUpperCase())],
  ['a signature that says its kind', (body) => named('forgejo', 'push', `sha256=${sign(body)}`)],
  ['two signatures', (body) => named('gitea', 'push', `${sign(body, 'other')}, ${sign(body)}`)],
  [
    'a wrong signature under GitHub’s name beside a right one',
    (body) => ({ ...named('gitea', 'push', sign(body)), 'x-hub-signature-256': `sha256=${sign(body, 'other')}` }),
  ],
  [
    'a wrong signature under Forgejo’s name beside a right one of Gitea’s',
    (body) => ({ ...named('gitea', 'push', sign(body)), ...named('forgejo', 'push', sign(body, 'other')) }),
  ],
])('refuses %s', async (_, headersOf) => {
  const { status } = await deliver(FORGEJO_PUSH, headersOf);
  expect(status).toBe(400);
  await settled();
  expect(at.calls.push).toBe(0);
});

it.each<[string, string]>([
  ['another event', 'issues'],
  ['an event that nobody knows', 'repository_vanished'],
])('answers %s of Gitea’s without work', async (_, event) => {
  expect((await deliver(FORGEJO_PUSH, (body) => named('gitea', event, sign(body)))).status).toBe(200);
  await settled();
  expect(at.calls.push).toBe(0);
});
