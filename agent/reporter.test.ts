import { describe, expect, it } from 'vitest';
import { eachTestItsLoop, type FakeAgent, until } from './loop.fixture.ts';
import { edgeBundle, NOW_MS } from './verified.fixture.ts';

const RUNNING = edgeBundle(['a.test', 'b.test'], { config: { wireguard: { address: '10.100.0.1', peers: [] } } });

const loop = eachTestItsLoop(({ node, plane }) => plane.publish(node.offer(RUNNING)));

const start = (heartbeatMs: number, change?: (made: FakeAgent) => void) => loop.start({ heartbeatMs }, change);

const applied = () => until('applied is reported', () => loop.plane.reports.find(({ state }) => state === 'applied'));

describe('a report', () => {
  it('is sent as a heartbeat when nothing happens', async () => {
    start(30);
    await applied();
    const before = loop.plane.reports.length;
    await until('three more', () => loop.plane.reports.length >= before + 3);
  });

  it.each(['account', 'certificates', 'answers', 'checks'])('is sent soon after the %s changed', async (what) => {
    const { announced, certificates, visits, checks } = start(60_000);
    await applied();
    const before = loop.plane.reports.length;
    if (what === 'account') announced.revision += 1;
    else if (what === 'answers')
      visits.answers.push({ hostname: 'a.test', status: 200, since: '2030-01-01T00:00:00Z' });
    else if (what === 'checks') checks.views.push({ node: 'tokyo-2', up: true, since: '2030-01-01T00:00:00Z' });
    else certificates.quarantined = [{ hostname: 'a.test', reason: 'the CA said no' }];
    await until('reported', () => loop.plane.reports.length > before);
  });

  it('names each host that is left out once, with all its reasons, and stays applied', async () => {
    const { certificates } = start(60_000);
    await applied();
    certificates.quarantined = [{ hostname: 'a.test', reason: 'the CA said no' }];
    const found = await until('reported', () =>
      loop.plane.reports.find(({ quarantined }) => quarantined?.[0]?.reason.includes('CA')),
    );
    const peer = 'its origin has not announced its keys yet';
    expect(found.state).toBe('applied');
    expect(found.quarantined).toEqual([
      { hostname: 'a.test', reason: `${peer}; the CA said no` },
      { hostname: 'b.test', reason: peer },
    ]);
  });

  it('of an edge says what visitors got, were it nothing yet', async () => {
    const { visits } = start(60_000);
    expect((await applied()).answers).toEqual([]);
    const answer = { hostname: 'a.test', status: 200, since: '2030-01-01T00:00:00Z' };
    visits.answers.push(answer);
    await until('reported', () => loop.plane.reports.find(({ answers }) => answers?.[0]?.status === 200));
    expect(loop.plane.reports.at(-1)?.answers).toEqual([answer]);
  });

  it('of an edge says what it found other edges to be, once something is decided', async () => {
    const { checks, kept } = start(60_000);
    expect(await applied()).not.toHaveProperty('checks');
    expect(checks.configured).toEqual([0]);
    const views = [{ node: 'tokyo-2', up: false, since: '2030-01-01T00:00:00Z', reason: 'timeout' }];
    checks.views.push(...views);
    await until('reported', () => loop.plane.reports.find((report) => report.checks));
    expect(loop.plane.reports.at(-1)?.checks).toEqual(views);
    await until('kept', () => kept.at(-1)?.checks);
    expect(kept.at(-1)?.checks).toEqual(views);
    expect(checks.unheard).toBe(0);
  });

  it('that does not arrive lets the checks of other edges know', async () => {
    const { checks } = start(30);
    await applied();
    loop.plane.control.report = async () => ({ kind: 'unreachable', message: 'no', retryAfterMs: 0 });
    await until('known', () => checks.unheard > 1);
  });

  it('says how old each tunnel is', async () => {
    loop.node.offer(edgeBundle(['a.test'], { peers: ['office'] }));
    loop.plane.publish(loop.node.offer(edgeBundle(['a.test'], { peers: ['office'] })));
    const home = {
      publicKey: `${'A'.repeat(43)}=`,
      allowedIps: [],
      keepaliveSeconds: 0,
      latestHandshake: NOW_MS / 1000 - 7,
    };
    start(60_000, ({ agent }) => {
      agent.tunnel = () => ({ up: true, listenPort: 1, peers: [home] });
    });
    expect((await applied()).tunnels).toEqual([
      { node: 'home', handshakeAgeSeconds: 7 },
      { node: 'office', handshakeAgeSeconds: null },
    ]);
  });

  it('never overtakes another, and does not hold up what is published meanwhile', async () => {
    let inside = 0;
    let most = 0;
    loop.plane.instead.report = async () => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => setTimeout(resolve, 40));
      inside -= 1;
      return { kind: 'answered', answer: { bound: true } };
    };
    start(5);
    await applied();
    const started = performance.now();
    for (const name of ['c.test', 'd.test', 'e.test']) {
      loop.plane.publish(loop.node.offer(edgeBundle([name, 'a.test'])));
      await until(`${name} served`, () => loop.node.served().includes(name));
    }
    expect(performance.now() - started).toBeLessThan(2_000);
    await until('reported', () => loop.plane.reports.length > 4);
    expect(most).toBe(1);
  });

  it('says once that what was announced is not accepted, and when it is again', async () => {
    const { lines, kept } = start(5);
    Object.assign(loop.plane.answer, { bound: false, reason: 'another machine holds tokyo-1' });
    await until('six reports', () => loop.plane.reports.length >= 6);
    const warned = lines.filter(({ message }) => message.startsWith('the control plane did not accept'));
    expect(warned.map(({ fields }) => fields)).toEqual([{ reason: 'another machine holds tokyo-1' }]);
    await until('kept', () => kept.at(-1)?.unbound === 'another machine holds tokyo-1');
    Object.assign(loop.plane.answer, { bound: true });
    await until('over', () => lines.some(({ message }) => message.startsWith('the control plane accepts')));
    await until('kept', () => kept.at(-1) && !('unbound' in kept.at(-1)!));
  });

  it('that cannot be made is said once and made again', async () => {
    const { lines } = start(5, ({ agent }) => {
      let tries = 0;
      agent.enrolment = async () => {
        tries += 1;
        if (tries < 4) throw new Error('no keys');
        return { wireguardPublicKey: 'w', signingKey: 's', formats: [1] };
      };
    });
    await applied();
    expect(lines.filter(({ message }) => message === 'cannot report')).toHaveLength(1);
  });
});
