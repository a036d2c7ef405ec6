// How long the edge waits for a backend. A host with a short time is asked beside one with a long time, which must still be waiting when
// the first one is cut off: so it is this time that cut it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openEvents } from './clients/event-reader.ts';
import { visit } from './clients/raw-visit.ts';
import { VISITS } from './clients/visits.ts';
import { openWebSocket } from './clients/websocket-visit.ts';
import { type OneEdge, startOneEdge } from './one-edge.ts';
import { openBlackHole } from './origins/black-hole.ts';
import { startEcho } from './origins/echo-origin.ts';
import { startEvents } from './origins/event-origin.ts';
import { startFaulty } from './origins/faulty-origin.ts';
import { startHolding } from './origins/holding-origin.ts';
import type { Listening } from './origins/listening.ts';

const [SHORT, LONG] = ['short.hoge.com', 'long.hoge.com'];
/** More than sockets and buffers on the way can hold. */
const LARGE_BYTES = 64 * 1024 * 1024;

let edge: OneEdge;
const open: Pick<Listening, 'end'>[] = [];

beforeAll(async () => {
  edge = await startOneEdge();
});
afterAll(async () => {
  await edge?.end();
  await Promise.all(open.map((origin) => origin.end()));
});

/** Two hosts before the same backend: one waits half a second, the other a minute or longer. */
async function publish<T extends Pick<Listening, 'port' | 'end'>>(
  origin: T,
  which: 'connect' | 'read' | 'send',
  protocol = 'http',
): Promise<T> {
  open.push(origin);
  const to = `origin: home\nport: ${origin.port}\nprotocol: ${protocol}\nlimits: {maxBody: 100m}\n`;
  await edge.publish({
    'routes/hoge/short.yaml': `hostname: ${SHORT}\n${to}timeouts: {${which}: 500ms}\n`,
    'routes/hoge/long.yaml': `hostname: ${LONG}\n${to}${which === 'connect' ? 'timeouts: {connect: 1m}\n' : ''}`,
  });
  return origin;
}

/** Says later whether it has ended by then. */
function watched<T>(promise: Promise<T>): { isOver: () => boolean; promise: Promise<T> } {
  let over = false;
  const settled = () => {
    over = true;
  };
  promise.then(settled, settled);
  return { isOver: () => over, promise };
}

describe.each(['http', 'h2c'] as const)('with protocol %s', (protocol) => {
  test.each(VISITS)('an answer that does not begin is given up after `read`, over %s', async (_name, ask) => {
    const origin = await publish(await startHolding(edge.origins.home, protocol), 'read', protocol);
    const patient = watched(ask(edge, { host: LONG }));
    await expect.poll(origin.waiting).toBe(1);
    const answer = await ask(edge, { host: SHORT });
    expect([answer.status, patient.isOver()]).toEqual([504, false]);
    expect(answer.body).toContain('<h1>504 Gateway Timeout</h1>');
    // The origin learns that nobody waits any more.
    await expect.poll(origin.waiting).toBe(1);
    origin.release();
    expect(await patient.promise).toMatchObject({ status: 200, body: 'released' });
  });

  test('a connection that is not made is given up after `connect`', async () => {
    await publish(await openBlackHole(edge.origins.home), 'connect', protocol);
    const patient = watched(visit(edge, { host: LONG }));
    expect((await visit(edge, { host: SHORT })).status).toBe(504);
    expect(patient.isOver()).toBe(false);
  });

  test('a request that is not taken is given up after `send`', async () => {
    await publish(await startFaulty(edge.origins.home, 'stalls'), 'send', protocol);
    const body = Buffer.alloc(LARGE_BYTES);
    const patient = watched(visit(edge, { host: LONG, method: 'POST', body }));
    expect((await visit(edge, { host: SHORT, method: 'POST', body })).status).toBe(504);
    expect(patient.isOver()).toBe(false);
  });
});

test('an answer that stops in its middle is cut after `read`, and one that goes on is not', async () => {
  const origin = await publish(await startEvents(edge.origins.home), 'read');
  const [hasty, patient] = await Promise.all([SHORT, LONG].map((host) => openEvents(edge, { host })));
  origin.send('first');
  expect([await hasty!.next(), await patient!.next()]).toEqual(['first', 'first']);
  await expect(hasty!.next()).rejects.toThrow(/ended inside an answer/);
  origin.send('second');
  expect(await patient!.next()).toBe('second');
  patient!.end();
});

test('a WebSocket may be silent for `read`', async () => {
  await publish(await startEcho(edge.origins.home), 'read');
  const [hasty, patient] = await Promise.all([SHORT, LONG].map((host) => openWebSocket(edge, { host })));
  if (hasty?.kind !== 'open' || patient?.kind !== 'open') throw new Error('no WebSocket');
  expect(await hasty.say('hello')).toBe('/: hello');
  await expect.poll(hasty.isOpen, { timeout: 10_000 }).toBe(false);
  expect(await patient.say('hello')).toBe('/: hello');
  patient.end();
});
