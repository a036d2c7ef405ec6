import { describe, expect, it } from 'vitest';
import { createFakeAgent, eachTestItsLoop, until } from './loop.fixture.ts';
import { convergeOnce } from './loop.ts';
import type { Pace } from './pace.ts';
import { edgeBundle, NOW_MS, nameOf, originBundle } from './verified.fixture.ts';

const OLD = edgeBundle(['a.test']);
const NEW = edgeBundle(['a.test', 'b.test']);

const loop = eachTestItsLoop();

/** Starts with OLD as the last known good, and waits until it is served. */
async function startServing(pace: Partial<Pace> = {}) {
  loop.node.state.lkg = OLD;
  loop.plane.publish(loop.node.offer(OLD));
  const started = loop.start(pace);
  await loop.reported('applied');
  loop.node.happened();
  return started;
}

describe('at boot', () => {
  it('serves the last known good before it asks anybody', async () => {
    loop.node.state.lkg = OLD;
    loop.plane.instead.offer = async () => {
      loop.node.events.push('asked');
      return { kind: 'unreachable', message: 'away', retryAfterMs: 0 };
    };
    const { agent } = loop.start();
    await until('asked', () => loop.node.events.includes('asked'));
    expect(loop.node.happened().slice(0, 4)).toEqual(['network home', 'start a.test', 'good a.test', 'asked']);
    expect(agent.machine.edge).toBeDefined();
  });

  it('takes nothing of the last known good for a change, and all that follows', async () => {
    const { visits } = await startServing();
    expect(visits.configured[0]).toEqual([1, true]);
    loop.plane.publish(loop.node.offer(NEW));
    await until('served', () => loop.node.served().includes('b.test'));
    await until('told', () => visits.configured.length > 1);
    expect(visits.configured.at(-1)).toEqual([2, false]);
  });

  it('without a last known good takes everything for a change', async () => {
    loop.plane.publish(loop.node.offer(NEW));
    const { visits } = loop.start();
    await until('told', () => visits.configured.length > 0);
    expect(visits.configured[0]).toEqual([2, false]);
  });

  it.each([
    ['is none', () => undefined],
    ['cannot be read', () => Object.assign(loop.node.fails, { lastKnownGood: 'damaged' })],
  ])('enacts what was accepted last when a last known good %s and nobody answers', async (_, damage) => {
    damage();
    loop.node.offer(OLD);
    loop.node.state.accepted = OLD;
    loop.plane.instead.offer = async () => ({ kind: 'unreachable', message: 'away', retryAfterMs: 0 });
    const { lines } = loop.start();
    await loop.reported('applied');
    expect(loop.node.happened()).toEqual(['network home', 'start a.test', 'good a.test']);
    expect(loop.lastReport()).toMatchObject({ applied: OLD.configHash, lkg: OLD.configHash });
    expect(lines.map(({ message }) => message)).toContain(
      'no last known good configuration; serving what was accepted last',
    );
  });

  it('prefers the last known good to what was accepted after it', async () => {
    Object.assign(loop.node.state, { lkg: OLD, accepted: NEW });
    loop.plane.instead.offer = async () => ({ kind: 'unreachable', message: 'away', retryAfterMs: 0 });
    loop.start();
    await loop.reported('applied');
    expect(loop.node.served()).toEqual(['a.test']);
  });

  it('asks for everything when it has nothing', async () => {
    loop.plane.publish(loop.node.offer(NEW));
    loop.start();
    await until('served', () => loop.node.served().includes('b.test'));
    expect(loop.plane.queries[0]).toEqual({ root: 0, waitSeconds: 1 });
  });

  it('goes on when its memory cannot be read', async () => {
    loop.node.fails.lastKnownGood = 'permission denied';
    loop.plane.publish(loop.node.offer(NEW));
    const { warnings } = loop.start();
    await until('served', () => loop.node.served().includes('b.test'));
    expect(warnings()[0]).toMatchObject({ message: 'cannot read the last known good configuration' });
  });

  it('tries again with a last known good that the machine cannot serve yet', async () => {
    loop.node.state.lkg = OLD;
    loop.node.refusedByTest.add('a.test');
    loop.plane.instead.offer = async () => ({ kind: 'unreachable', message: 'away', retryAfterMs: 0 });
    loop.start();
    await loop.reported('refused');
    const tried = loop.node.tests.length;
    await until('tried several times', () => loop.node.tests.length > tried + 3);
    loop.node.refusedByTest.clear();
    await until('served', () => loop.node.served().includes('a.test'));
  });
});

describe('following', () => {
  it('applies what is published, says what it has, and waits for the next', async () => {
    const { urls } = await startServing();
    loop.plane.publish(loop.node.offer(NEW));
    await until('served', () => loop.node.served().includes('b.test'));
    await until('reported', () => loop.lastReport().applied === NEW.configHash);
    expect(loop.lastReport()).toMatchObject({ state: 'applied', offered: NEW.configHash, lkg: NEW.configHash });
    await until('waiting', () => loop.plane.queries.at(-1)?.have === NEW.configHash);
    expect(loop.plane.queries.at(-1)).toEqual({ root: 1, waitSeconds: 1, have: NEW.configHash, etag: '"2"' });
    expect(urls).toContain('https://control.hoge.com:8443');
  });

  it('reports a refused bundle once as news, keeps serving, and does not try it again', async () => {
    const { warnings } = await startServing({ heartbeatMs: 60_000, pollSeconds: 0 });
    loop.node.refusedByTest.add('a.test');
    loop.node.tests.splice(0);
    loop.plane.publish(loop.node.offer(NEW));
    await loop.reported('refused');
    loop.plane.publish(loop.node.offer({ ...NEW, version: 2 }));
    loop.plane.publish(loop.node.offer({ ...NEW, version: 3 }));
    const before = loop.plane.queries.length;
    await until('several more polls', () => loop.plane.queries.length > before + 3);
    // The tree, and the same without what is new.
    expect(loop.node.tests).toHaveLength(2);
    expect(warnings()).toEqual([
      {
        level: 'warn',
        message: 'refused',
        fields: expect.objectContaining({ stage: 'test', code: 'nginx_refused', hash: NEW.configHash }),
      },
    ]);
    expect([loop.node.served(), loop.lastReport().error?.code]).toEqual([['a.test'], 'nginx_refused']);
    expect(loop.lastReport().applied).toBe(OLD.configHash);
  });

  it('says once each of two that nobody can verify and that take turns', async () => {
    const { warnings } = await startServing({ heartbeatMs: 60_000, pollSeconds: 0, idleMs: 1 });
    const offers = [loop.node.refuse('old', 'rollback'), loop.node.refuse('torn', 'bad_signature')];
    let count = 0;
    loop.plane.instead.offer = async () => {
      count += 1;
      return { kind: 'bundle', bundle: offers[count % 2]!, etag: `"${count}"` };
    };
    loop.plane.rouse();
    await until('many turns', () => count > 30);
    expect(
      warnings()
        .map(({ message, fields }) => `${message} ${fields.code}`)
        .sort(),
    ).toEqual(['refused bad_signature', 'refused rollback']);
    expect(loop.node.served()).toEqual(['a.test']);
  });

  it('is well again when what runs is offered again', async () => {
    await startServing();
    loop.node.refusedByTest.add('a.test');
    loop.plane.publish(loop.node.offer(NEW));
    await loop.reported('refused');
    loop.plane.publish(loop.node.offer(OLD));
    await until('applied again', () => loop.lastReport().state === 'applied' && loop.lastReport().error === undefined);
  });

  it('asks once for everything when a part is missing, and not for ever', async () => {
    await startServing();
    const from = loop.plane.queries.length;
    loop.plane.publish(loop.node.refuse('hollow', 'missing_file'));
    await until('asked for all of it and then waiting', () => loop.plane.queries.length >= from + 2);
    const [whole, then] = loop.plane.queries.slice(from);
    expect([whole?.have, whole?.etag]).toEqual([undefined, undefined]);
    expect([then?.have, then?.etag]).toEqual([OLD.configHash, '"2"']);
    expect(loop.node.served()).toEqual(['a.test']);
  });

  it('has a bundle offered again when the disk did not take it', async () => {
    await startServing();
    loop.node.fails.accept = 'disk full';
    loop.plane.publish(loop.node.offer(NEW));
    await until('reported', () => loop.lastReport().error?.code === 'accept_broke');
    delete loop.node.fails.accept;
    await until('served', () => loop.node.served().includes('b.test'));
  });

  it.each(['unauthorized', 'suspended', 'unreachable'] as const)(
    'keeps serving while it is %s, asks ever more seldom, and says so once',
    async (kind) => {
      const { lines } = await startServing({ retryMs: 5, retryMsMax: 40, watchMs: 1_000 });
      const from = loop.plane.queries.length;
      const times: number[] = [];
      loop.plane.instead.offer = async () => {
        times.push(performance.now());
        return { kind, message: `${kind} for a test`, retryAfterMs: 1 };
      };
      loop.plane.rouse();
      await until('asked eight times', () => times.length >= 8);
      // Seven pauses of 5, 10, 20 and then 40 ms, each at least half of that.
      expect(times.at(-1)! - times[0]!).toBeGreaterThan(95);
      expect(loop.plane.queries.length - from).toBeLessThan(12);
      delete loop.plane.instead.offer;
      loop.plane.publish(loop.node.offer(NEW));
      await until('served', () => loop.node.served().includes('b.test'));
      expect(lines.filter(({ fields }) => fields.reason === kind)).toHaveLength(1);
      expect(lines.filter(({ message }) => message.includes('answers again'))).toHaveLength(1);
    },
  );

  it('gives a server that asks for a longer pause that pause', async () => {
    await startServing();
    let asked = 0;
    loop.plane.instead.offer = async () => {
      asked += 1;
      return { kind: 'unreachable', message: 'busy', retryAfterMs: 300 };
    };
    loop.plane.rouse();
    await until('asked', () => asked > 0);
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(asked).toBe(1);
  });

  it('does not ask without end when the server does not wait', async () => {
    await startServing({ idleMs: 50 });
    let asked = 0;
    loop.plane.instead.offer = async () => {
      asked += 1;
      return { kind: 'unchanged' };
    };
    const started = performance.now();
    loop.plane.rouse();
    await until('asked six times', () => asked >= 6);
    // The first and its successor are not held up.
    expect(performance.now() - started).toBeGreaterThan(150);
  });

  it('survives a control plane port that throws', async () => {
    await startServing();
    loop.plane.instead.offer = async () => {
      throw new Error('token unreadable');
    };
    loop.plane.rouse();
    await until('asked again', () => loop.plane.queries.length > 5);
    delete loop.plane.instead.offer;
    loop.plane.publish(loop.node.offer(NEW));
    await until('served', () => loop.node.served().includes('b.test'));
  });

  it('is stale when nobody answers and the last word has expired, and says so once', async () => {
    const { lines } = await startServing();
    loop.plane.instead.offer = async () => ({ kind: 'unreachable', message: 'away', retryAfterMs: 0 });
    loop.plane.rouse();
    loop.node.state.nowMs = NOW_MS + 3_600_001;
    await loop.reported('stale');
    await until('more polls', () => loop.plane.queries.length > 12);
    expect(lines.filter(({ message }) => message.startsWith('stale'))).toHaveLength(1);
    expect(loop.node.served()).toEqual(['a.test']);
  });
});

describe('an origin', () => {
  it('starts neither a web server nor certificate work', async () => {
    loop.plane.publish(loop.node.offer(originBundle([8080])));
    const { certificates } = loop.start();
    await loop.reported('applied');
    await until('watched', () => loop.plane.reports.length > 2);
    expect([loop.node.state.webRuns, certificates.running, certificates.configured]).toEqual([false, false, []]);
    expect(loop.lastReport()).not.toHaveProperty('certificates');
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
    await loop.stop();
    expect(performance.now() - before).toBeLessThan(3_000);
    expect([loop.node.served(), loop.node.happened()]).toEqual([['a.test'], []]);
  });

  it('does not wait for what hangs', async () => {
    await startServing();
    loop.node.machine.edge!.web.reload = () => new Promise(() => undefined);
    loop.plane.publish(loop.node.offer(NEW));
    await until('at work', () => loop.node.state.accepted === NEW);
    const before = performance.now();
    await loop.stop();
    expect(performance.now() - before).toBeLessThan(3_000);
  });
});

describe('once', () => {
  it('serves, pulls, converges and reports, and restarts nothing that runs', async () => {
    loop.node.state.lkg = OLD;
    loop.plane.publish(loop.node.offer(OLD));
    const { agent } = createFakeAgent(loop.node, loop.plane);
    expect(await convergeOnce(agent)).toMatchObject({ kind: 'outcome', outcome: { kind: 'applied' } });
    expect(loop.node.happened()).toEqual(['network home', 'start a.test', 'good a.test']);
    expect(await convergeOnce(agent)).toMatchObject({ kind: 'outcome', outcome: { kind: 'applied' } });
    expect(loop.node.happened()).toEqual(['good a.test']);
    expect(loop.plane.reports.map(({ state, applied }) => [state, nameOf(applied!)])).toEqual([
      ['applied', 'a.test'],
      ['applied', 'a.test'],
    ]);
  });

  it('says that nobody answers', async () => {
    loop.plane.instead.offer = async () => ({ kind: 'unreachable', message: 'away', retryAfterMs: 0 });
    const { agent } = createFakeAgent(loop.node, loop.plane);
    expect(await convergeOnce(agent)).toMatchObject({ kind: 'unavailable', message: 'away' });
  });
});
