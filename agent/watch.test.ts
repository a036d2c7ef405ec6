import { describe, expect, it } from 'vitest';
import { KokoaError } from '../bundle/error.ts';
import { eachTestItsLoop, until } from './loop.fixture.ts';
import type { Pace } from './pace.ts';
import { edgeBundle } from './verified.fixture.ts';

const RUNNING = edgeBundle(['a.test']);

const loop = eachTestItsLoop(({ node, plane }) => {
  node.state.lkg = RUNNING;
  plane.publish(node.offer(RUNNING));
});

async function start(pace: Partial<Pace> = {}) {
  const made = loop.start(pace);
  await loop.reported('applied');
  loop.node.happened();
  return made;
}

const events = (event: string) => until(event, () => loop.node.events.includes(event));

it('a certificate that hosts waited for: the tree is written again, and nobody is blamed', async () => {
  const edge = loop.node.machine.edge!;
  const { render } = edge;
  let overlay = 'app.hoge.com by its own';
  edge.render = async (...given) => ({ ...(await render(...given)), overlay });
  let looks = 0;
  edge.overlay = () => {
    looks += 1;
    return overlay;
  };
  const { warnings } = await start();
  overlay = 'none';
  await events('reload a.test');
  loop.node.happened();
  const before = looks;
  await until('looked again', () => looks > before + 3);
  expect([warnings(), loop.node.events, loop.lastReport().state]).toEqual([[], [], 'applied']);
});

describe('what is killed or changed under the agent', () => {
  it('a web server: is started again', async () => {
    const { warnings } = await start();
    loop.node.state.webRuns = false;
    await events('start a.test');
    expect(warnings()).toEqual([
      { level: 'warn', message: 'changed by somebody else; restored', fields: { done: ['started the web server'] } },
    ]);
  });

  it('a tunnel: is repaired, and the log says which peer', async () => {
    const { warnings } = await start();
    loop.node.state.networkIntact = false;
    await events('repair network');
    await until('logged', () => warnings().length > 0);
    expect(warnings()[0]!.fields).toEqual({ done: ['set peer home'] });
    const { restored } = await until('reported', () => loop.plane.reports.find(({ restored }) => restored));
    expect(restored).toEqual({ at: new Date(loop.node.machine.now()).toISOString(), what: ['set peer home'] });
    // It stays in every report after that.
    await until('reported again', () => loop.plane.reports.filter((report) => report.restored).length > 2);
  });

  it('a packet filter: is restored, and nothing else waits for it or it for them', async () => {
    const { warnings } = await start();
    const gate = Promise.withResolvers<void>();
    const { web } = loop.node.machine.edge!;
    const { reload } = web;
    web.reload = async () => {
      await gate.promise;
      await reload();
    };
    loop.plane.publish(loop.node.offer(edgeBundle(['a.test', 'b.test'])));
    await until('at work', () => loop.lastReport().state === 'converging');
    loop.node.state.filterIntact = false;
    await events('restore filter');
    await until('reported', () => loop.lastReport().restored?.what.includes('packet filter'));
    expect([loop.lastReport().state, warnings().at(-1)?.fields]).toEqual(['converging', { done: ['packet filter'] }]);
    gate.resolve();
    await until('served', () => loop.node.served().includes('b.test'));
  });

  it('a packet filter: is restored while something else cannot be, whose next try is far away', async () => {
    await start({ watchMs: 10, againMs: 60_000, againMsMax: 60_000 });
    loop.node.fails.network = 'no tun';
    loop.node.state.networkIntact = false;
    await until('degraded', () => loop.lastReport().state === 'degraded');
    for (let times = 0; times < 8; times += 1) {
      loop.node.happened();
      loop.node.state.filterIntact = false;
      await events('restore filter');
    }
  });

  it('a packet filter: that cannot be restored is said once, tried on, and said again when it stands', async () => {
    const { lines } = await start();
    let tries = 0;
    const { network } = loop.node.machine;
    const { restoreFilter } = network;
    network.restoreFilter = async () => {
      tries += 1;
      throw new KokoaError('firewall_failed', 'no nft');
    };
    await until('tried several times', () => tries > 3);
    network.restoreFilter = restoreFilter;
    loop.node.state.filterIntact = false;
    await events('restore filter');
    await until('said', () => lines.at(-1)?.message.startsWith('changed'));
    expect(lines.slice(-3)).toMatchObject([
      { message: 'cannot restore the packet filter; will try again', fields: { code: 'firewall_failed' } },
      { message: 'the packet filter stands again' },
      { message: 'changed by somebody else; restored', fields: { done: ['packet filter'] } },
    ]);
  });

  it('managed files: are written again and read by the web server', async () => {
    await start();
    loop.node.state.intact = false;
    await events('reload a.test');
    expect(loop.node.state.intact).toBe(true);
  });

  it('a web server that reads another release: is made to read ours', async () => {
    await start();
    loop.node.state.serves = 'something else';
    await events('reload a.test');
    expect(loop.node.served()).toEqual(['a.test']);
  });

  it('a link to another release: is set right', async () => {
    await start();
    await loop.node.machine.edge!.releases.write('other', new Map());
    loop.node.state.current = 'other';
    await events('reload a.test');
    expect(loop.node.served()).toEqual(['a.test']);
  });

  it('much of it: is said in a report that the control plane accepts', async () => {
    loop.node.machine.network.repair = async () =>
      Array.from({ length: 30 }, (_, index) => `${index} ${'x'.repeat(200)}`);
    await start();
    loop.node.state.networkIntact = false;
    const report = await until('reported', () => loop.plane.reports.find(({ restored }) => restored));
    expect(report.restored!.what.map((one) => one.length)).toEqual(Array(20).fill(100));
  });

  it('is told by the next run of the agent too, and on the disk for status', async () => {
    const { kept } = await start();
    loop.node.state.filterIntact = false;
    await until('kept', () => kept.at(-1)?.restored);
    expect(kept.at(-1)?.restored?.what).toEqual(['packet filter']);
    await loop.stop();
    loop.plane.reports.length = 0;
    loop.start({}, (again) => void again.kept.push(kept.at(-1)!));
    const report = await loop.reported('applied');
    expect(report.restored).toEqual(kept.at(-1)?.restored);
  });

  it('nothing: is left alone', async () => {
    const { lines } = await start();
    const before = lines.length;
    await until('some reports', () => loop.plane.reports.length > 4);
    expect([loop.node.happened(), lines.slice(before)]).toEqual([[], []]);
  });
});

describe('what cannot be restored', () => {
  it('is reported as degraded, logged once, tried again, and reported as well when it is', async () => {
    const { lines } = await start();
    loop.node.fails.reload = 'port taken';
    loop.node.state.webRuns = false;
    await until('degraded', () => loop.lastReport().state === 'degraded');
    expect(loop.lastReport()).toMatchObject({
      applied: RUNNING.configHash,
      error: { stage: 'watch', code: 'reload_broke', detail: 'port taken' },
    });
    await until('several reports', () => loop.plane.reports.filter(({ state }) => state === 'degraded').length > 3);
    expect(lines.filter(({ message }) => message.startsWith('cannot restore'))).toHaveLength(1);
    delete loop.node.fails.reload;
    await until('well', () => loop.lastReport().state === 'applied' && loop.lastReport().error === undefined);
    expect(lines.at(-1)?.message).toBe('the node is whole again');
    expect(loop.node.served()).toEqual(['a.test']);
  });

  it('is tried ever more seldom', async () => {
    await start({ watchMs: 10, againMs: 60 });
    const times: number[] = [];
    loop.node.machine.edge!.web.reload = async () => {
      times.push(performance.now());
      throw new Error('port taken');
    };
    loop.node.state.webRuns = false;
    // From the second try on the files are looked at as well, which reloads once more.
    await until('six tries', () => times.length >= 10);
    // Pauses of 10, 20, 40, 60 and 60 ms.
    expect(times[9]! - times[0]!).toBeGreaterThan(180);
  });

  it('does not keep the rest from being restored', async () => {
    await start();
    loop.node.fails.network = 'no tun';
    loop.node.state.networkIntact = false;
    loop.node.state.webRuns = false;
    await events('start a.test');
    await until('degraded', () => loop.lastReport().error?.code === 'network_broke');
  });

  it('is what cannot be looked at', async () => {
    await start();
    loop.node.fails.differs = 'wg is gone';
    loop.node.fails.network = 'wg is gone';
    await until('degraded', () => loop.lastReport().error?.code === 'network_broke');
    delete loop.node.fails.differs;
    delete loop.node.fails.network;
    await until('well', () => loop.lastReport().state === 'applied');
  });
});

describe('what the machine could not carry out', () => {
  const WANTED = edgeBundle(['a.test', 'b.test']);

  it('is tried again by itself', async () => {
    const { warnings } = await start();
    loop.node.fails.write = 'disk full';
    loop.plane.publish(loop.node.offer(WANTED));
    await until('refused', () => loop.lastReport().state === 'refused');
    await until('several heartbeats', () => loop.plane.reports.length > 6);
    expect(warnings()).toHaveLength(1);
    delete loop.node.fails.write;
    await until('served', () => loop.node.served().includes('b.test'));
    await until('reported', () => loop.lastReport().applied === WANTED.configHash);
  });

  it('is forgotten when something newer comes', async () => {
    await start({ againMs: 60, againMsMax: 60 });
    loop.node.fails.write = 'disk full';
    loop.plane.publish(loop.node.offer(WANTED));
    await until('refused', () => loop.lastReport().state === 'refused');
    loop.plane.publish(loop.node.offer(RUNNING));
    await until('applied', () => loop.lastReport().state === 'applied');
    delete loop.node.fails.write;
    loop.node.happened();
    await until('time has passed', () => loop.plane.reports.length > 8);
    expect(loop.node.served()).toEqual(['a.test']);
  });

  it('to keep the last known good: is tried again, and degraded until then', async () => {
    await start();
    loop.node.fails.markGood = 'disk full';
    loop.plane.publish(loop.node.offer(WANTED));
    await until('degraded', () => loop.lastReport().state === 'degraded');
    expect(loop.lastReport()).toMatchObject({
      applied: WANTED.configHash,
      lkg: RUNNING.configHash,
      error: { stage: 'keep' },
    });
    delete loop.node.fails.markGood;
    await until('kept', () => loop.lastReport().state === 'applied' && loop.lastReport().lkg === WANTED.configHash);
  });

  it('to put back what was: is mended, although what serves is whole in itself', async () => {
    await start();
    loop.node.answers.set('a.test', async () => ({
      kind: 'answer',
      status: loop.node.served().includes('b.test') ? 404 : 200,
    }));
    const { web } = loop.node.machine.edge!;
    const reload = web.reload;
    web.reload = async () => {
      loop.node.fails.write = 'disk full';
      await reload();
    };
    loop.plane.publish(loop.node.offer(WANTED));
    await until('rolled back', () => loop.lastReport().state === 'rolled_back');
    expect(loop.node.served()).toEqual(['a.test', 'b.test']);
    expect(loop.lastReport().error?.code).toBe('write_broke');
    web.reload = reload;
    delete loop.node.fails.write;
    await until('served as before', () => !loop.node.served().includes('b.test'));
    await until('reported', () => loop.lastReport().error?.code === 'probe_failed');
  });
});

describe('the queue', () => {
  it('lets nothing interleave with a convergence', async () => {
    await start({ watchMs: 1 });
    let inside = 0;
    let most = 0;
    const alone =
      <A extends unknown[], R>(action: (...args: A) => Promise<R>) =>
      async (...args: A): Promise<R> => {
        inside += 1;
        most = Math.max(most, inside);
        await new Promise((resolve) => setTimeout(resolve, 5));
        const result = await action(...args);
        inside -= 1;
        return result;
      };
    const { web, releases } = loop.node.machine.edge!;
    web.reload = alone(web.reload);
    releases.swap = alone(releases.swap);
    loop.node.machine.network.apply = alone(loop.node.machine.network.apply);
    loop.node.machine.network.repair = alone(loop.node.machine.network.repair);
    for (const names of [
      ['a.test', 'c.test'],
      ['a.test', 'd.test'],
      ['a.test', 'e.test'],
    ]) {
      loop.node.state.networkIntact = false;
      loop.node.state.webRuns = false;
      loop.plane.publish(loop.node.offer(edgeBundle(names)));
      await until(`${names} served`, () => loop.node.served().includes(names[1]!));
    }
    await events('repair network');
    expect(most).toBe(1);
  });
});
