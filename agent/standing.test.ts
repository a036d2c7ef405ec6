// Every state and every transition, with the real loop: one log line each, the same words in the report and on the disk.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StatusReport } from '../bundle/api.ts';
import { validateStatusReport } from '../bundle/api-schema.ts';
import { createFakeAgent, createFakeControl, type FakeControl, until } from './loop.fixture.ts';
import { convergeOnce, followControlPlane } from './loop.ts';
import { createFakeNode, type FakeNode } from './node.fixture.ts';
import type { KeptStanding } from './ports/standing-store.ts';
import { edgeBundle, NOW_MS, routeOf } from './verified.fixture.ts';

const OLD = edgeBundle(['a.test']);
const NEW = edgeBundle(['a.test', 'b.test']);
const BAD = { ...NEW, chunks: [{ routes: [routeOf('a.test'), { ...routeOf('b.test'), backends: [] }] }] };
const WIREGUARD = {
  address: '10.100.0.1',
  peers: [
    { node: 'home', publicKey: `${'A'.repeat(43)}=`, address: '10.100.1.1' },
    { node: 'shed', publicKey: `${'B'.repeat(42)}E=`, address: '10.100.1.2', endpoint: '[1::2::3]:1' },
  ],
};

type Fake = ReturnType<typeof createFakeAgent>;

let node: FakeNode;
let plane: FakeControl;
let stop: AbortController;
let ended: Promise<void>;

beforeEach(async () => {
  node = await createFakeNode();
  plane = createFakeControl();
  stop = new AbortController();
  ended = Promise.resolve();
});

afterEach(async () => {
  stop.abort();
  await ended;
});

function start(made = createFakeAgent(node, plane)): Fake {
  ended = followControlPlane(made.agent, stop.signal);
  return made;
}

async function restart(before: Fake, change: (made: Fake) => void = () => undefined): Promise<Fake> {
  stop.abort();
  await ended;
  stop = new AbortController();
  plane.reports.splice(0);
  const made = createFakeAgent(node, plane);
  made.kept.push(...before.kept);
  change(made);
  return start(made);
}

const reported = (state: string) =>
  until(`${state} is reported`, () => plane.reports.at(-1)?.state === state && plane.reports.at(-1));
const keptAs = ({ kept }: Fake, state: string) =>
  until(`${state} is kept`, () => kept.at(-1)?.state === state && kept.at(-1));

/** Serves OLD, and is well. */
async function well(): Promise<Fake> {
  node.state.lkg = OLD;
  plane.publish(node.offer(OLD));
  const made = start();
  await reported('applied');
  await keptAs(made, 'applied');
  made.lines.splice(0);
  return made;
}

interface Transition {
  state: StatusReport['state'];
  reason: RegExp;
  enter(made: Fake): void;
  leave(made: Fake): void;
  /** The one line of each. */
  says: [entering: string, leaving: string];
}

const silent = async () => ({ kind: 'unreachable', message: 'away', retryAfterMs: 0 }) as const;

const TRANSITIONS: Record<string, Transition> = {
  'a route with a mistake': {
    ...{ state: 'degraded', reason: /^b\.test: b\.test has 0 backends/ },
    enter: () => plane.publish(node.offer(BAD)),
    leave: () => plane.publish(node.offer(OLD)),
    says: ['a part of the configuration is left out', 'nothing is left out any more'],
  },
  'a peer with a mistake': {
    ...{ state: 'degraded', reason: /^peer shed: its endpoint is none/ },
    enter: () => plane.publish(node.offer(edgeBundle(['a.test', 'c.test'], { config: { wireguard: WIREGUARD } }))),
    leave: () => plane.publish(node.offer(OLD)),
    says: ['a peer is left out', 'no peer is left out any more'],
  },
  'a certificate that is broken': {
    ...{ state: 'degraded', reason: /^a\.test: torn$/ },
    enter: ({ certificates }) => void certificates.broken.push({ hostname: 'a.test', reason: 'torn' }),
    leave: ({ certificates }) => void certificates.broken.pop(),
    // Those that keep certificates say so themselves.
    says: ['', ''],
  },
  'a web server that does not start': {
    ...{ state: 'degraded', reason: /^reload_broke \(watch\): port taken/ },
    enter() {
      node.fails.reload = 'port taken';
      node.state.webRuns = false;
    },
    leave: () => void delete node.fails.reload,
    says: ['cannot restore the node; will try again', 'the node is whole again'],
  },
  'a disk that keeps nothing': {
    ...{ state: 'degraded', reason: /^markGood_broke \(keep\)/ },
    enter() {
      node.fails.markGood = 'full';
      plane.publish(node.offer(edgeBundle(['a.test', 'd.test'])));
    },
    leave: () => void delete node.fails.markGood,
    says: ['not kept as the last known good', 'kept as the last known good'],
  },
  'a tree that is refused': {
    ...{ state: 'refused', reason: /^nginx_refused \(test\): nginx: \[emerg\] no$/ },
    enter() {
      node.refusedByTest.add('a.test');
      plane.publish(node.offer(NEW));
    },
    leave: () => plane.publish(node.offer(OLD)),
    says: ['refused', ''],
  },
  'a host that is gone after a change': {
    ...{ state: 'rolled_back', reason: /^probe_failed \(probe\): held before and not after: a\.test$/ },
    enter() {
      node.answers.set('a.test', async () => ({
        kind: 'answer',
        status: node.served().includes('b.test') ? 404 : 200,
      }));
      plane.publish(node.offer(NEW));
    },
    leave: () => plane.publish(node.offer(OLD)),
    says: ['rolled_back', ''],
  },
  'a control plane that is silent for long': {
    ...{ state: 'stale', reason: /^no word of the control plane is good any more/ },
    enter() {
      plane.instead.offer = silent;
      plane.rouse();
      node.state.nowMs = NOW_MS + 3_600_001;
    },
    leave() {
      node.state.nowMs = NOW_MS;
      delete plane.instead.offer;
      plane.publish(node.offer(OLD));
    },
    says: ['stale: the last word of the control plane has expired; serving on', 'no longer stale'],
  },
};

describe('a transition', () => {
  it.each(Object.entries(TRANSITIONS))('by %s: is reported and kept with its reason, and said once', async (_, one) => {
    const made = await well();
    const { lines } = made;
    one.enter(made);
    const report = await reported(one.state);
    const kept = await keptAs(made, one.state);
    expect(report.reason).toMatch(one.reason);
    expect(kept).toMatchObject({ reason: report.reason, since: report.stateSince, agentVersion: '0.0.0' });
    await until('some more reports', () => plane.reports.length > plane.reports.indexOf(report) + 3);
    one.leave(made);
    const after = await reported('applied');
    expect(after).not.toHaveProperty('reason');
    expect(await keptAs(made, 'applied')).not.toHaveProperty('reason');
    const [entering, leaving] = one.says;
    for (const said of [entering, leaving].filter((each) => each !== ''))
      await until(said, () => lines.some(({ message }) => message === said));
    for (const said of [entering, leaving])
      expect(lines.filter(({ message }) => message === said)).toHaveLength(said === '' ? 0 : 1);
  });

  it('is written once, and what goes on is not written again', async () => {
    const made = await well();
    const before = made.kept.length;
    await until('some reports', () => plane.reports.length > 6);
    expect(made.kept).toHaveLength(before);
    plane.publish(node.offer(BAD));
    await keptAs(made, 'degraded');
    expect(made.kept).toHaveLength(before + 1);
    expect(made.kept.at(-1)?.leftOut).toEqual([{ name: 'b.test', reason: 'b.test has 0 backends, expected 1 to 16' }]);
  });

  it('that cannot be written is said once, and costs nothing else', async () => {
    const made = createFakeAgent(node, plane);
    let full = true;
    const { write } = made.agent.standing;
    made.agent.standing.write = async (standing) => {
      if (full) throw new Error('no space\nleft');
      await write(standing);
    };
    plane.publish(node.offer(OLD));
    start(made);
    await reported('applied');
    await until('more reports', () => plane.reports.length > 5);
    full = false;
    await keptAs(made, 'applied');
    await until('said', () => made.lines.some(({ message }) => message === 'the state is kept again'));
    const said = made.lines.filter(({ message }) => message.startsWith('the state cannot be kept'));
    expect(said.map(({ fields }) => fields)).toEqual([{ reason: 'no space left' }]);
  });

  it('to waiting is the first of all, and reported as such', async () => {
    plane.instead.offer = silent;
    const made = start();
    await reported('waiting');
    expect((await keptAs(made, 'waiting')).since).toBe(new Date(NOW_MS).toISOString());
  });

  it('is a report as the schema has it, whatever the reason', async () => {
    const made = await well();
    made.agent.enrolment = async () => ({
      ...{ wireguardPublicKey: `${'A'.repeat(43)}=`, signingKey: 'A'.repeat(43), formats: [1] },
    });
    node.words.of = () => `nginx: [emerg] \u202e\n${'ä'.repeat(5_000)}`;
    node.refusedByTest.add('a.test');
    plane.publish(node.offer(NEW));
    await reported('refused');
    const report = await until('with its keys', () =>
      plane.reports.find(({ enrolment }) => enrolment.signingKey.length > 1),
    );
    expect(validateStatusReport(report)).toBeUndefined();
    expect(report.reason).toMatch(/^[ -~]{10,300}$/);
  });
});

describe('a bundle that was refused', () => {
  async function refusedOnce(): Promise<Fake> {
    const made = await well();
    node.refusedByTest.add('a.test');
    plane.publish(node.offer(NEW));
    await reported('refused');
    await keptAs(made, 'refused');
    node.refusedByTest.clear();
    node.tests.splice(0);
    return made;
  }

  /** The tree of the last known good is tested at a start; nothing else is. */
  const triedAgain = () => node.tests.length > 1;

  it('is not tried again after a restart, and the state goes on since then', async () => {
    const before = await refusedOnce();
    const { since, reason } = before.kept.at(-1)!;
    node.state.nowMs += 60_000;
    const after = await restart(before);
    expect(await reported('refused')).toMatchObject({ stateSince: since, reason });
    await until('asked and answered', () => plane.queries.length > 3);
    plane.publish(node.offer({ ...NEW, version: 2 }));
    await until('more reports', () => plane.reports.length > 4);
    expect([triedAgain(), node.served()]).toEqual([false, ['a.test']]);
    expect(after.lines.filter(({ message }) => message === 'refused')).toEqual([]);
    plane.publish(node.offer(edgeBundle(['a.test', 'e.test'])));
    await until('another is taken', () => node.served().includes('e.test'));
    await until('well', () => after.kept.at(-1)?.condemned === undefined && after.kept.at(-1)?.state === 'applied');
  });

  it.each<[string, (made: Fake) => void]>([
    ['by another agent', ({ agent }) => Object.assign(agent, { version: '0.0.1' })],
    ['when what was noted is lost', ({ kept }) => void kept.splice(0)],
  ])('is tried once more %s', async (_, change) => {
    await restart(await refusedOnce(), change);
    await until('taken', () => node.served().includes('b.test'));
  });

  it('is tried again when somebody asks for it by `once`', async () => {
    const before = await refusedOnce();
    stop.abort();
    await ended;
    const made = createFakeAgent(node, plane);
    made.kept.push(...before.kept);
    expect(await convergeOnce(made.agent)).toMatchObject({ outcome: { kind: 'applied' } });
    expect(made.kept.at(-1)).toMatchObject({ state: 'applied' });
  });

  it('because of the machine is not condemned', async () => {
    const made = await well();
    node.fails.write = 'disk full';
    plane.publish(node.offer(NEW));
    const kept: KeptStanding = await keptAs(made, 'refused');
    expect(kept).not.toHaveProperty('condemned');
  });
});
