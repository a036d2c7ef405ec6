import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFakeAgent, createFakeControl, type FakeControl, until } from './loop.fixture.ts';
import { convergeOnce, followControlPlane } from './loop.ts';
import { createFakeNode, type FakeNode } from './node.fixture.ts';
import type { Pace } from './pace.ts';
import { edgeBundle, NOW_MS, nameOf, originBundle } from './verified.fixture.ts';

const OLD = edgeBundle(['a.test']);
const NEW = edgeBundle(['a.test', 'b.test']);

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

function start(pace: Partial<Pace> = {}) {
  const made = createFakeAgent(node, plane, pace);
  ended = followControlPlane(made.agent, stop.signal);
  return { ...made, warnings: () => made.lines.filter(({ level }) => level === 'warn') };
}

/** Starts with OLD as the last known good, and waits until it is served. */
async function startServing(pace: Partial<Pace> = {}) {
  node.state.lkg = OLD;
  plane.publish(node.offer(OLD));
  const started = start(pace);
  await until('the last known good is served and reported', () =>
    plane.reports.some(({ state }) => state === 'applied'),
  );
  node.happened();
  return started;
}

const lastReport = () => plane.reports.at(-1);
const reported = (state: string) =>
  until(`${state} is reported`, () => plane.reports.find((found) => found.state === state));

describe('at boot', () => {
  it('serves the last known good before it asks anybody', async () => {
    node.state.lkg = OLD;
    plane.instead.offer = async () => {
      node.events.push('asked');
      return { kind: 'unreachable', message: 'away', retryAfterMs: 0 };
    };
    const { agent } = start();
    await until('asked', () => node.events.includes('asked'));
    expect(node.happened().slice(0, 4)).toEqual(['network home', 'start a.test', 'good a.test', 'asked']);
    expect(agent.machine.edge).toBeDefined();
  });

  it('takes nothing of the last known good for a change, and all that follows', async () => {
    const { visits } = await startServing();
    expect(visits.configured[0]).toEqual([1, true]);
    plane.publish(node.offer(NEW));
    await until('served', () => node.served().includes('b.test'));
    await until('told', () => visits.configured.length > 1);
    expect(visits.configured.at(-1)).toEqual([2, false]);
  });

  it('without a last known good takes everything for a change', async () => {
    plane.publish(node.offer(NEW));
    const { visits } = start();
    await until('told', () => visits.configured.length > 0);
    expect(visits.configured[0]).toEqual([2, false]);
  });

  it('asks for everything when it has nothing', async () => {
    plane.publish(node.offer(NEW));
    start();
    await until('served', () => node.served().includes('b.test'));
    expect(plane.queries[0]).toEqual({ root: 0, waitSeconds: 1 });
  });

  it('goes on when its memory cannot be read', async () => {
    node.fails.lastKnownGood = 'permission denied';
    plane.publish(node.offer(NEW));
    const { warnings } = start();
    await until('served', () => node.served().includes('b.test'));
    expect(warnings()[0]).toMatchObject({ message: 'cannot read the last known good configuration' });
  });

  it('tries again with a last known good that the machine cannot serve yet', async () => {
    node.state.lkg = OLD;
    node.refusedByTest.add('a.test');
    plane.instead.offer = async () => ({ kind: 'unreachable', message: 'away', retryAfterMs: 0 });
    start();
    await reported('refused');
    const tried = node.tests.length;
    await until('tried several times', () => node.tests.length > tried + 3);
    node.refusedByTest.clear();
    await until('served', () => node.served().includes('a.test'));
  });
});

describe('following', () => {
  it('applies what is published, says what it has, and waits for the next', async () => {
    const { urls } = await startServing();
    plane.publish(node.offer(NEW));
    await until('served', () => node.served().includes('b.test'));
    await until('reported', () => lastReport()?.applied === NEW.configHash);
    expect(lastReport()).toMatchObject({ state: 'applied', offered: NEW.configHash, lkg: NEW.configHash });
    await until('waiting', () => plane.queries.at(-1)?.have === NEW.configHash);
    expect(plane.queries.at(-1)).toEqual({ root: 1, waitSeconds: 1, have: NEW.configHash, etag: '"2"' });
    expect(urls).toContain('https://control.hoge.com:8443');
  });

  it('reports a refused bundle once as news, keeps serving, and does not try it again', async () => {
    const { warnings } = await startServing({ heartbeatMs: 60_000, pollSeconds: 0 });
    node.refusedByTest.add('a.test');
    node.tests.splice(0);
    plane.publish(node.offer(NEW));
    await reported('refused');
    plane.publish(node.offer({ ...NEW, version: 2 }));
    plane.publish(node.offer({ ...NEW, version: 3 }));
    const before = plane.queries.length;
    await until('several more polls', () => plane.queries.length > before + 3);
    // The tree, and the same without what is new.
    expect(node.tests).toHaveLength(2);
    expect(warnings()).toEqual([
      {
        level: 'warn',
        message: 'refused',
        fields: expect.objectContaining({ stage: 'test', code: 'nginx_refused', hash: NEW.configHash }),
      },
    ]);
    expect([node.served(), lastReport()?.error?.code]).toEqual([['a.test'], 'nginx_refused']);
    expect(lastReport()?.applied).toBe(OLD.configHash);
  });

  it('is well again when what runs is offered again', async () => {
    await startServing();
    node.refusedByTest.add('a.test');
    plane.publish(node.offer(NEW));
    await reported('refused');
    plane.publish(node.offer(OLD));
    await until('applied again', () => lastReport()?.state === 'applied' && lastReport()?.error === undefined);
  });

  it('asks once for everything when a part is missing, and not for ever', async () => {
    await startServing();
    const from = plane.queries.length;
    plane.publish(node.refuse('hollow', 'missing_file'));
    await until('asked for all of it and then waiting', () => plane.queries.length >= from + 2);
    const [whole, then] = plane.queries.slice(from);
    expect([whole?.have, whole?.etag]).toEqual([undefined, undefined]);
    expect([then?.have, then?.etag]).toEqual([OLD.configHash, '"2"']);
    expect(node.served()).toEqual(['a.test']);
  });

  it('has a bundle offered again when the disk did not take it', async () => {
    await startServing();
    node.fails.accept = 'disk full';
    plane.publish(node.offer(NEW));
    await until('reported', () => lastReport()?.error?.code === 'accept_broke');
    delete node.fails.accept;
    await until('served', () => node.served().includes('b.test'));
  });

  it.each(['unauthorized', 'suspended', 'unreachable'] as const)(
    'keeps serving while it is %s, asks ever more seldom, and says so once',
    async (kind) => {
      const { lines } = await startServing({ retryMs: 5, retryMsMax: 40, watchMs: 1_000 });
      const from = plane.queries.length;
      const times: number[] = [];
      plane.instead.offer = async () => {
        times.push(performance.now());
        return { kind, message: `${kind} for a test`, retryAfterMs: 1 };
      };
      plane.rouse();
      await until('asked eight times', () => times.length >= 8);
      // Seven pauses of 5, 10, 20 and then 40 ms, each at least half of that.
      expect(times.at(-1)! - times[0]!).toBeGreaterThan(95);
      expect(plane.queries.length - from).toBeLessThan(12);
      delete plane.instead.offer;
      plane.publish(node.offer(NEW));
      await until('served', () => node.served().includes('b.test'));
      expect(lines.filter(({ fields }) => fields.reason === kind)).toHaveLength(1);
      expect(lines.filter(({ message }) => message.includes('answers again'))).toHaveLength(1);
    },
  );

  it('gives a server that asks for a longer pause that pause', async () => {
    await startServing();
    let asked = 0;
    plane.instead.offer = async () => {
      asked += 1;
      return { kind: 'unreachable', message: 'busy', retryAfterMs: 300 };
    };
    plane.rouse();
    await until('asked', () => asked > 0);
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(asked).toBe(1);
  });

  it('does not ask without end when the server does not wait', async () => {
    await startServing({ idleMs: 50 });
    let asked = 0;
    plane.instead.offer = async () => {
      asked += 1;
      return { kind: 'unchanged' };
    };
    const started = performance.now();
    plane.rouse();
    await until('asked six times', () => asked >= 6);
    // The first and its successor are not held up.
    expect(performance.now() - started).toBeGreaterThan(150);
  });

  it('survives a control plane port that throws', async () => {
    await startServing();
    plane.instead.offer = async () => {
      throw new Error('token unreadable');
    };
    plane.rouse();
    await until('asked again', () => plane.queries.length > 5);
    delete plane.instead.offer;
    plane.publish(node.offer(NEW));
    await until('served', () => node.served().includes('b.test'));
  });

  it('is stale when nobody answers and the last word has expired, and says so once', async () => {
    const { lines } = await startServing();
    plane.instead.offer = async () => ({ kind: 'unreachable', message: 'away', retryAfterMs: 0 });
    plane.rouse();
    node.state.nowMs = NOW_MS + 3_600_001;
    await reported('stale');
    await until('more polls', () => plane.queries.length > 12);
    expect(lines.filter(({ message }) => message.startsWith('stale'))).toHaveLength(1);
    expect(node.served()).toEqual(['a.test']);
  });
});

describe('an origin', () => {
  it('starts neither a web server nor certificate work', async () => {
    plane.publish(node.offer(originBundle([8080])));
    const { certificates } = start();
    await reported('applied');
    await until('watched', () => plane.reports.length > 2);
    expect([node.state.webRuns, certificates.running, certificates.configured]).toEqual([false, false, []]);
    expect(lastReport()).not.toHaveProperty('certificates');
  });
});

describe('an edge', () => {
  it('starts certificate work with its first configuration', async () => {
    const { certificates } = await startServing();
    await until('running', () => certificates.running);
    expect(certificates.configured[0]).toBe(1);
  });
});

describe('stopping', () => {
  it('aborts the long poll at once and leaves web server and network alone', async () => {
    await startServing({ pollSeconds: 50, stopMs: 60_000 });
    const before = performance.now();
    stop.abort();
    await ended;
    expect(performance.now() - before).toBeLessThan(3_000);
    expect([node.served(), node.happened()]).toEqual([['a.test'], []]);
  });

  it('does not wait for what hangs', async () => {
    await startServing();
    node.machine.edge!.web.reload = () => new Promise(() => undefined);
    plane.publish(node.offer(NEW));
    await until('at work', () => node.state.accepted === NEW);
    const before = performance.now();
    stop.abort();
    await ended;
    expect(performance.now() - before).toBeLessThan(3_000);
  });
});

describe('once', () => {
  it('serves, pulls, converges and reports, and restarts nothing that runs', async () => {
    node.state.lkg = OLD;
    plane.publish(node.offer(OLD));
    const { agent } = createFakeAgent(node, plane);
    expect(await convergeOnce(agent)).toMatchObject({ kind: 'outcome', outcome: { kind: 'applied' } });
    expect(node.happened()).toEqual(['network home', 'start a.test', 'good a.test']);
    expect(await convergeOnce(agent)).toMatchObject({ kind: 'outcome', outcome: { kind: 'applied' } });
    expect(node.happened()).toEqual(['good a.test']);
    expect(plane.reports.map(({ state, applied }) => [state, nameOf(applied!)])).toEqual([
      ['applied', 'a.test'],
      ['applied', 'a.test'],
    ]);
  });

  it('says that nobody answers', async () => {
    plane.instead.offer = async () => ({ kind: 'unreachable', message: 'away', retryAfterMs: 0 });
    const { agent } = createFakeAgent(node, plane);
    expect(await convergeOnce(agent)).toMatchObject({ kind: 'unavailable', message: 'away' });
  });
});
