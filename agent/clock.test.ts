// What a node with a wrong clock says and does: the real loop, with a control plane whose clock is set here.
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createFakeAgent, createFakeControl, type FakeControl, until } from './loop.fixture.ts';
import { followControlPlane } from './loop.ts';
import { createFakeNode, type FakeNode } from './node.fixture.ts';
import { edgeBundle, NOW_MS } from './verified.fixture.ts';

const YEAR_MS = 365 * 24 * 3600_000;
const RUNNING = edgeBundle(['a.test']);
const NEXT = edgeBundle(['a.test', 'b.test']);

let node: FakeNode;
let plane: FakeControl;
let stop: AbortController;
let ended: Promise<void>;

beforeEach(async () => {
  node = await createFakeNode();
  plane = createFakeControl();
  stop = new AbortController();
  plane.clock.ms = NOW_MS;
  plane.publish(node.offer(RUNNING));
});

afterEach(async () => {
  stop.abort();
  await ended;
});

async function start() {
  const { agent, lines } = createFakeAgent(node, plane, { heartbeatMs: 60_000 });
  ended = followControlPlane(agent, stop.signal);
  await until('applied is reported', () => lastReport()?.state === 'applied');
  return { lines, about: (word: string) => lines.filter(({ message }) => message.includes(word)) };
}

const lastReport = () => plane.reports.at(-1)!;
/** The clock of the machine, and not of the control plane. */
const setClock = (byMs: number) => {
  node.state.nowMs = NOW_MS + byMs;
};

async function polls(count: number): Promise<void> {
  const enough = plane.queries.length + count;
  await until(`${count} polls`, () => {
    plane.rouse();
    return plane.queries.length >= enough;
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
    plane.rouse();
    await until('reported', () => lastReport().error?.code === 'clock_wrong');
    expect(lastReport()).toMatchObject({ applied: RUNNING.configHash, error: { stage: 'verify' } });
    expect(lastReport().error?.detail).toContain(`365 days ${way} the control plane`);
    const reports = plane.reports.length;
    await polls(5);
    expect(plane.reports).toHaveLength(reports);
    expect(about('clock')).toHaveLength(1);
    expect(node.served()).toEqual(['a.test']);
  },
);

it('what is refused for its time is asked for again when the clock is right, without anybody’s help', async () => {
  const { about } = await start();
  const { trusted } = node.machine;
  const { accept } = trusted;
  trusted.accept = async (offered, nowMs) =>
    nowMs > NOW_MS ? { kind: 'refused', code: 'expired', detail: 'timestamp' } : accept(offered, nowMs);
  setClock(YEAR_MS);
  plane.publish(node.offer(NEXT));
  await until('refused', () => lastReport().state === 'refused');
  expect(lastReport().error?.code).toBe('clock_wrong');
  await polls(3);
  expect(plane.queries.at(-1)?.etag).toBe('"2"');
  setClock(0);
  plane.rouse();
  await until('applied', () => lastReport().state === 'applied' && lastReport().applied === NEXT.configHash);
  expect(lastReport().error).toBeUndefined();
  expect(about('right again')).toHaveLength(1);
});

it('a control plane that nobody can hear because of the time is no other trouble than the clock', async () => {
  const { about } = await start();
  setClock(YEAR_MS);
  plane.instead.offer = async () => ({
    ...{ kind: 'unreachable', message: 'control: CERT_HAS_EXPIRED', retryAfterMs: 0 },
    certificate: 'has ended',
  });
  plane.rouse();
  await until('said', () => about('clock of this machine is wrong').length > 0);
  expect(about('clock')[0]!.fields).toMatchObject({ detail: expect.stringContaining('365 days ahead') });
  expect(node.served()).toEqual(['a.test']);
  setClock(0);
  delete plane.instead.offer;
  await until('said', () => about('clock of this machine is right again').length > 0);
});
