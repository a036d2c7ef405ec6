// What a node with a wrong clock says and does: the real loop, with a control plane whose clock is set here.
import { expect, it } from 'vitest';
import { eachTestItsLoop, until } from './loop.fixture.ts';
import { edgeBundle, NOW_MS } from './verified.fixture.ts';

const YEAR_MS = 365 * 24 * 3600_000;
const RUNNING = edgeBundle(['a.test']);
const NEXT = edgeBundle(['a.test', 'b.test']);

const loop = eachTestItsLoop(({ node, plane }) => {
  plane.clock.ms = NOW_MS;
  plane.publish(node.offer(RUNNING));
});

async function start() {
  const { lines } = loop.start({ heartbeatMs: 60_000 });
  await loop.reported('applied');
  return { lines, about: (word: string) => lines.filter(({ message }) => message.includes(word)) };
}

/** The clock of the machine, and not of the control plane. */
const setClock = (byMs: number) => {
  loop.node.state.nowMs = NOW_MS + byMs;
};

async function polls(count: number): Promise<void> {
  const enough = loop.plane.queries.length + count;
  await until(`${count} polls`, () => {
    loop.plane.rouse();
    return loop.plane.queries.length >= enough;
  });
}

it.each([
  ['ahead of', YEAR_MS],
  ['behind', -YEAR_MS],
])(
  'a clock that is set a year %s the control plane’s is said once, reported, and takes nothing down',
  async (way, byMs) => {
    const { about } = await start();
    setClock(byMs);
    loop.plane.rouse();
    await until('reported', () => loop.lastReport().error?.code === 'clock_wrong');
    expect(loop.lastReport()).toMatchObject({ applied: RUNNING.configHash, error: { stage: 'verify' } });
    expect(loop.lastReport().error?.detail).toContain(`365 days ${way} the control plane`);
    const reports = loop.plane.reports.length;
    await polls(5);
    expect(loop.plane.reports).toHaveLength(reports);
    expect(about('clock')).toHaveLength(1);
    expect(loop.node.served()).toEqual(['a.test']);
  },
);

it('what is refused for its time is asked for again when the clock is right, without anybody’s help', async () => {
  const { about } = await start();
  const { trusted } = loop.node.machine;
  const { accept } = trusted;
  trusted.accept = async (offered, nowMs) =>
    nowMs > NOW_MS ? { kind: 'refused', code: 'expired', detail: 'timestamp' } : accept(offered, nowMs);
  setClock(YEAR_MS);
  loop.plane.publish(loop.node.offer(NEXT));
  await until('refused', () => loop.lastReport().state === 'refused');
  expect(loop.lastReport().error?.code).toBe('clock_wrong');
  await polls(3);
  expect(loop.plane.queries.at(-1)?.etag).toBe('"2"');
  setClock(0);
  loop.plane.rouse();
  await until('applied', () => loop.lastReport().state === 'applied' && loop.lastReport().applied === NEXT.configHash);
  expect(loop.lastReport().error).toBeUndefined();
  expect(about('right again')).toHaveLength(1);
});

it('a control plane that nobody can hear because of the time is no other trouble than the clock', async () => {
  const { about } = await start();
  setClock(YEAR_MS);
  loop.plane.instead.offer = async () => ({
    ...{ kind: 'unreachable', message: 'control: CERT_HAS_EXPIRED', retryAfterMs: 0 },
    certificate: 'has ended',
  });
  loop.plane.rouse();
  await until('said', () => about('clock of this machine is wrong').length > 0);
  expect(about('clock')[0]!.fields).toMatchObject({ detail: expect.stringContaining('365 days ahead') });
  expect(loop.node.served()).toEqual(['a.test']);
  setClock(0);
  delete loop.plane.instead.offer;
  await until('said', () => about('clock of this machine is right again').length > 0);
});
