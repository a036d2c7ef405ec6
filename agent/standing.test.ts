// Every state and every transition, with the real loop: one log line each, the same words in the report and on the disk.
import { describe, expect, it } from 'vitest';
import type { StatusReport } from '../bundle/api.ts';
import { validateStatusReport } from '../bundle/api-schema.ts';
import { createFakeAgent, eachTestItsLoop, type FakeAgent, until } from './loop.fixture.ts';
import { convergeOnce } from './loop.ts';
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

const loop = eachTestItsLoop();

async function restart(before: FakeAgent, change: (made: FakeAgent) => void = () => undefined): Promise<FakeAgent> {
  await loop.stop();
  loop.plane.reports.splice(0);
  return loop.start({}, (made) => {
    made.kept.push(...before.kept);
    change(made);
  });
}

const keptAs = ({ kept }: FakeAgent, state: string) =>
  until(`${state} is kept`, () => kept.at(-1)?.state === state && kept.at(-1));

/** Serves OLD, and is well. */
async function well(): Promise<FakeAgent> {
  loop.node.state.lkg = OLD;
  loop.plane.publish(loop.node.offer(OLD));
  const made = loop.start();
  await loop.reported('applied');
  await keptAs(made, 'applied');
  made.lines.splice(0);
  return made;
}

interface Transition {
  state: StatusReport['state'];
  reason: RegExp;
  enter(made: FakeAgent): void;
  leave(made: FakeAgent): void;
  /** The one line of each. */
  says: [entering: string, leaving: string];
}

const silent = async () => ({ kind: 'unreachable', message: 'away', retryAfterMs: 0 }) as const;

const TRANSITIONS: Record<string, Transition> = {
  'a route with a mistake': {
    ...{ state: 'degraded', reason: /^b\.test: b\.test has 0 backends/ },
    enter: () => loop.plane.publish(loop.node.offer(BAD)),
    leave: () => loop.plane.publish(loop.node.offer(OLD)),
    says: ['a part of the configuration is left out', 'nothing is left out any more'],
  },
  'a peer with a mistake': {
    ...{ state: 'degraded', reason: /^peer shed: its endpoint is none/ },
    enter: () =>
      loop.plane.publish(loop.node.offer(edgeBundle(['a.test', 'c.test'], { config: { wireguard: WIREGUARD } }))),
    leave: () => loop.plane.publish(loop.node.offer(OLD)),
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
      loop.node.fails.reload = 'port taken';
      loop.node.state.webRuns = false;
    },
    leave: () => void delete loop.node.fails.reload,
    says: ['cannot restore the node; will try again', 'the node is whole again'],
  },
  'a disk that keeps nothing': {
    ...{ state: 'degraded', reason: /^markGood_broke \(keep\)/ },
    enter() {
      loop.node.fails.markGood = 'full';
      loop.plane.publish(loop.node.offer(edgeBundle(['a.test', 'd.test'])));
    },
    leave: () => void delete loop.node.fails.markGood,
    says: ['not kept as the last known good', 'kept as the last known good'],
  },
  'a tree that is refused': {
    ...{ state: 'refused', reason: /^nginx_refused \(test\): nginx: \[emerg\] no$/ },
    enter() {
      loop.node.refusedByTest.add('a.test');
      loop.plane.publish(loop.node.offer(NEW));
    },
    leave: () => loop.plane.publish(loop.node.offer(OLD)),
    says: ['refused', ''],
  },
  'a host that is gone after a change': {
    ...{ state: 'rolled_back', reason: /^probe_failed \(probe\): held before and not after: a\.test$/ },
    enter() {
      loop.node.answers.set('a.test', async () => ({
        kind: 'answer',
        status: loop.node.served().includes('b.test') ? 404 : 200,
      }));
      loop.plane.publish(loop.node.offer(NEW));
    },
    leave: () => loop.plane.publish(loop.node.offer(OLD)),
    says: ['rolled_back', ''],
  },
  'a control plane that is silent for long': {
    ...{ state: 'stale', reason: /^no word of the control plane is good any more/ },
    enter() {
      loop.plane.instead.offer = silent;
      loop.plane.rouse();
      loop.node.state.nowMs = NOW_MS + 3_600_001;
    },
    leave() {
      loop.node.state.nowMs = NOW_MS;
      delete loop.plane.instead.offer;
      loop.plane.publish(loop.node.offer(OLD));
    },
    says: ['stale: the last word of the control plane has expired; serving on', 'no longer stale'],
  },
};

describe('a transition', () => {
  it.each(Object.entries(TRANSITIONS))('by %s: is reported and kept with its reason, and said once', async (_, one) => {
    const made = await well();
    const { lines } = made;
    one.enter(made);
    const report = await loop.reported(one.state);
    const kept = await keptAs(made, one.state);
    expect(report.reason).toMatch(one.reason);
    expect(kept).toMatchObject({ reason: report.reason, since: report.stateSince, agentVersion: '0.0.0' });
    await until('some more reports', () => loop.plane.reports.length > loop.plane.reports.indexOf(report) + 3);
    one.leave(made);
    const after = await loop.reported('applied');
    expect(after).not.toHaveProperty('reason');
    expect(await keptAs(made, 'applied')).not.toHaveProperty('reason');
    const [entering, leaving] = one.says;
    for (const said of [entering, leaving].filter((each) => each !== ''))
      await until(said, () => lines.some(({ message }) => message === said));
    for (const said of [entering, leaving])
      expect(lines.filter(({ message }) => message === said)).toHaveLength(said === '' ? 0 : 1);
  });

  it.each(['unauthorized', 'suspended', 'unreachable'] as const)(
    'to a control plane that says %s is kept with its words and its time, and so is its end',
    async (kind) => {
      const made = await well();
      let tries = 0;
      loop.plane.instead.offer = async () => {
        tries += 1;
        return { kind, message: `control.test: try ${tries}\u202e`, retryAfterMs: 0 };
      };
      loop.plane.rouse();
      const kept = await until('it is kept', () => made.kept.at(-1)?.unheard && made.kept.at(-1));
      expect(kept).toMatchObject({
        state: 'applied',
        unheard: { kind, since: new Date(NOW_MS).toISOString(), reason: 'control.test: try 1' },
      });
      const writes = made.kept.length;
      await until('it was asked again', () => tries > 3);
      expect(made.kept).toHaveLength(writes);
      delete loop.plane.instead.offer;
      await until('its end is kept', () => made.kept.at(-1)?.unheard === undefined);
    },
  );

  it('of the root is said once, and reported', async () => {
    const made = await well();
    await until('root 1 is reported', () => loop.plane.reports.at(-1)?.rootVersion === 1);
    loop.node.state.rootVersion = 2;
    loop.plane.publish(loop.node.offer(NEW));
    await until('root 2 is reported', () => loop.plane.reports.at(-1)?.rootVersion === 2);
    const said = made.lines.filter(({ message }) => message.startsWith('trusts a newer root'));
    expect(said.map(({ level, fields }) => [level, fields])).toEqual([['info', { root: 2, before: 1 }]]);
  });

  it('of hosts whose certificate does not come is kept with the reason, of the first few', async () => {
    const made = await well();
    made.certificates.unobtained = Array.from({ length: 9 }, (_, n) => ({
      hostname: `h${n}.test`,
      reason: 'acme_unreachable: the CA\ndoes not answer',
    }));
    const kept = await until('it is kept', () => made.kept.at(-1)?.unobtained);
    expect(kept).toHaveLength(5);
    expect(kept[0]).toEqual({ hostname: 'h0.test', reason: 'acme_unreachable: the CA does not answer' });
    made.certificates.unobtained = [];
    await until('its end is kept', () => made.kept.at(-1)?.unobtained === undefined);
  });

  it('is written once, and what goes on is not written again', async () => {
    const made = await well();
    const before = made.kept.length;
    await until('some reports', () => loop.plane.reports.length > 6);
    expect(made.kept).toHaveLength(before);
    loop.plane.publish(loop.node.offer(BAD));
    await keptAs(made, 'degraded');
    expect(made.kept).toHaveLength(before + 1);
    expect(made.kept.at(-1)?.leftOut).toEqual([{ name: 'b.test', reason: 'b.test has 0 backends, expected 1 to 16' }]);
  });

  it('that cannot be written is said once, and costs nothing else', async () => {
    let full = true;
    loop.plane.publish(loop.node.offer(OLD));
    const made = loop.start({}, ({ agent }) => {
      const { write } = agent.standing;
      agent.standing.write = async (standing) => {
        if (full) throw new Error('no space\nleft');
        await write(standing);
      };
    });
    await loop.reported('applied');
    await until('more reports', () => loop.plane.reports.length > 5);
    full = false;
    await keptAs(made, 'applied');
    await until('said', () => made.lines.some(({ message }) => message === 'the state is kept again'));
    const said = made.lines.filter(({ message }) => message.startsWith('the state cannot be kept'));
    expect(said.map(({ fields }) => fields)).toEqual([{ reason: 'no space left' }]);
  });

  it('to waiting is the first of all, and reported as such', async () => {
    loop.plane.instead.offer = silent;
    const made = loop.start();
    await loop.reported('waiting');
    expect((await keptAs(made, 'waiting')).since).toBe(new Date(NOW_MS).toISOString());
  });

  it('is a report as the schema has it, whatever the reason', async () => {
    const made = await well();
    made.agent.enrolment = async () => ({
      ...{ wireguardPublicKey: `${'A'.repeat(43)}=`, signingKey: 'A'.repeat(43), formats: [1] },
    });
    loop.node.words.of = () => `nginx: [emerg] \u202e\n${'ä'.repeat(5_000)}`;
    loop.node.refusedByTest.add('a.test');
    loop.plane.publish(loop.node.offer(NEW));
    await loop.reported('refused');
    const report = await until('with its keys', () =>
      loop.plane.reports.find(({ enrolment }) => enrolment.signingKey.length > 1),
    );
    expect(validateStatusReport(report)).toBeUndefined();
    expect(report.reason).toMatch(/^[ -~]{10,300}$/);
  });
});

describe('a bundle that was refused', () => {
  async function refusedOnce(): Promise<FakeAgent> {
    const made = await well();
    loop.node.refusedByTest.add('a.test');
    loop.plane.publish(loop.node.offer(NEW));
    await loop.reported('refused');
    await keptAs(made, 'refused');
    loop.node.refusedByTest.clear();
    loop.node.tests.splice(0);
    return made;
  }

  /** The tree of the last known good is tested at a start; nothing else is. */
  const triedAgain = () => loop.node.tests.length > 1;

  it('is not tried again after a restart, and the state goes on since then', async () => {
    const before = await refusedOnce();
    const { since, reason } = before.kept.at(-1)!;
    loop.node.state.nowMs += 60_000;
    const after = await restart(before);
    expect(await loop.reported('refused')).toMatchObject({ stateSince: since, reason });
    await until('asked and answered', () => loop.plane.queries.length > 3);
    loop.plane.publish(loop.node.offer({ ...NEW, version: 2 }));
    await until('more reports', () => loop.plane.reports.length > 4);
    expect([triedAgain(), loop.node.served()]).toEqual([false, ['a.test']]);
    expect(after.lines.filter(({ message }) => message === 'refused')).toEqual([]);
    loop.plane.publish(loop.node.offer(edgeBundle(['a.test', 'e.test'])));
    await until('another is taken', () => loop.node.served().includes('e.test'));
    await until('well', () => after.kept.at(-1)?.condemned === undefined && after.kept.at(-1)?.state === 'applied');
  });

  it.each<[string, (made: FakeAgent) => void]>([
    ['by another agent', ({ agent }) => Object.assign(agent, { version: '0.0.1' })],
    ['when what was noted is lost', ({ kept }) => void kept.splice(0)],
  ])('is tried once more %s', async (_, change) => {
    await restart(await refusedOnce(), change);
    await until('taken', () => loop.node.served().includes('b.test'));
  });

  /** As after `apt-get upgrade`: the program is another one, whatever still runs. */
  function upgrade(version: string): void {
    const { web } = loop.node.machine.edge!;
    const { features } = web;
    web.features = async () => ({ ...(await features()), version });
  }

  it('by one nginx is tried once more beside another one', async () => {
    const made = await refusedOnce();
    expect(made.kept.at(-1)?.condemned?.judgedBy).toContain('"version":"1.22.1"');
    loop.node.refusedByTest.add('a.test');
    upgrade('1.26.3');
    await until('judged again', () => made.kept.at(-1)?.condemned?.judgedBy?.includes('"version":"1.26.3"'));
    const tests = loop.node.tests.length;
    loop.plane.publish(loop.node.offer({ ...NEW, version: 2 }));
    await until('more reports', () => loop.plane.reports.length > 12);
    expect(loop.node.tests).toHaveLength(tests);
    const said = made.lines.filter(({ message }) => message === 'refused');
    expect(said.map(({ fields }) => fields.code)).toEqual(['nginx_refused', 'nginx_refused']);
  });

  it.each<[string, (made: FakeAgent) => void]>([
    ['as soon as it is offered', ({ agent }) => Object.assign(agent, { pace: { ...agent.pace, filesEvery: 100_000 } })],
    ['from the disk, while nobody answers', () => Object.assign(loop.plane.instead, { offer: silent })],
  ])('by one nginx is tried once more when the next agent finds another one, %s', async (_, change) => {
    await restart(await refusedOnce(), (made) => {
      upgrade('1.26.3');
      change(made);
    });
    await until('taken', () => loop.node.served().includes('b.test'));
    await loop.reported('applied');
  });

  it('by nginx stays refused while nobody can say which nginx is here', async () => {
    const made = await refusedOnce();
    loop.node.machine.edge!.web.features = async () => {
      throw new Error('no nginx');
    };
    loop.plane.publish(loop.node.offer({ ...NEW, version: 2 }));
    await until('more reports', () => loop.plane.reports.length > 12);
    expect([loop.node.served(), loop.lastReport().error?.code]).toEqual([['a.test'], 'nginx_refused']);
    expect(made.lines.filter(({ message }) => message === 'refused')).toHaveLength(1);
    expect(made.kept.at(-1)?.condemned?.judgedBy).toContain('1.22.1');
  });

  it('stays refused, also for the next start, whatever else is offered that nobody can verify', async () => {
    const made = await refusedOnce();
    loop.plane.publish(loop.node.refuse('hollow', 'bad_signature'));
    await until('refused otherwise', () => loop.lastReport().error?.code === 'bad_signature');
    await until('kept', () => made.kept.at(-1)?.reason?.startsWith('bad_signature'));
    expect(made.kept.at(-1)?.condemned?.configHash).toBe(NEW.configHash);
    loop.plane.publish(loop.node.offer({ ...NEW, version: 2 }));
    await until('refused as before', () => loop.lastReport().error?.code === 'nginx_refused');
    expect(triedAgain()).toBe(false);
  });

  it('is tried again when somebody asks for it by `once`', async () => {
    const before = await refusedOnce();
    await loop.stop();
    const made = createFakeAgent(loop.node, loop.plane);
    made.kept.push(...before.kept);
    expect(await convergeOnce(made.agent)).toMatchObject({ outcome: { kind: 'applied' } });
    expect(made.kept.at(-1)).toMatchObject({ state: 'applied' });
  });

  it('because of the machine is not condemned', async () => {
    const made = await well();
    loop.node.fails.write = 'disk full';
    loop.plane.publish(loop.node.offer(NEW));
    const kept: KeptStanding = await keptAs(made, 'refused');
    expect(kept).not.toHaveProperty('condemned');
  });
});
