// Nothing waits at the edge: events, downloads and uploads arrive piece by piece, and when one side leaves the other is told.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openEvents } from './clients/event-reader.ts';
import { connectHttp2 } from './clients/http2-visit.ts';
import { chunk, connectRaw, LAST_CHUNK, requestHead, seenBy } from './clients/raw-visit.ts';
import { type OneEdge, startOneEdge } from './one-edge.ts';
import { type EchoOrigin, startEcho } from './origins/echo-origin.ts';
import { type EventOrigin, startEvents } from './origins/event-origin.ts';

const PIECE = 32 * 1024;
const LARGE_BYTES = 8 * 1024 * 1024;

let edge: OneEdge;
let home: EchoOrigin;
let events: EventOrigin;
let bytes: EventOrigin;

beforeAll(async () => {
  edge = await startOneEdge();
  home = await startEcho(edge.origins.home, {
    reply: ({ url }) => (url === '/large' ? { body: 'a'.repeat(LARGE_BYTES) } : {}),
  });
  events = await startEvents(edge.origins.office);
  bytes = await startEvents(edge.origins.nas, 'application/octet-stream');
  await edge.publish({
    'routes/hoge/app.yaml': `hostname: app.hoge.com\norigin: home\nport: ${home.port}\nlimits: {maxBody: 50m}\n`,
    'routes/hoge/events.yaml': `hostname: events.hoge.com\norigin: office\nport: ${events.port}\n`,
    'routes/hoge/bytes.yaml': `hostname: bytes.hoge.com\norigin: nas\nport: ${bytes.port}\n`,
  });
});
afterAll(async () => {
  await edge?.end();
  await Promise.all([home, events, bytes].map((origin) => origin?.end()));
});

describe('down', () => {
  test.each([
    ['an event stream', 'events.hoge.com', () => events],
    ['any other type', 'bytes.hoge.com', () => bytes],
  ])('the first piece of %s arrives before the second is sent', async (_title, host, origin) => {
    const reader = await openEvents(edge, { host });
    expect(reader.head.status).toBe(200);
    for (const data of ['first', 'second', 'third']) {
      origin().send(data);
      expect(await reader.next()).toBe(data);
    }
    origin().finish();
    expect(await reader.next()).toBeUndefined();
    reader.end();
  });

  test('over HTTP/2 too', async () => {
    const connection = await connectHttp2(edge, { sni: 'events.hoge.com' });
    const stream = connection.session.request({ ':path': '/', ':authority': 'events.hoge.com' });
    await expect.poll(() => events.streams()).toBe(1);
    for (const data of ['first', 'second']) {
      const next = new Promise((resolve) => stream.once('data', (part: Buffer) => resolve(part.toString())));
      events.send(data);
      expect(await next).toBe(`data: ${data}\n\n`);
    }
    connection.end();
  });

  test('an event stream outlives a change of the configuration', async () => {
    const reader = await openEvents(edge, { host: 'events.hoge.com' });
    expect(await edge.publishTree(edge.tree())).toEqual({ ok: true });
    events.send('after');
    expect(await reader.next()).toBe('after');
    reader.end();
  });

  test('a visitor who leaves takes the stream away from the origin', async () => {
    const reader = await openEvents(edge, { host: 'events.hoge.com' });
    await expect.poll(() => events.streams()).toBe(1);
    reader.end();
    await expect.poll(() => events.streams()).toBe(0);
  });

  test('a large answer arrives whole', async () => {
    const connection = await connectRaw(edge, { host: 'app.hoge.com' });
    const { body } = await connection.ask({ host: 'app.hoge.com', path: '/large' });
    connection.end();
    expect(body.length).toBe(LARGE_BYTES);
  });
});

describe('up', () => {
  const piece = Buffer.alloc(PIECE, 'a');
  const whole = createHash('sha256').update(piece).update(piece).update('end').digest('hex');

  test.each([
    ['Content-Length', false],
    ['chunks', true],
  ])('the origin sees an upload while it is still being sent, with %s', async (title, chunked) => {
    const path = `/upload-${title}`;
    const connection = await connectRaw(edge, { host: 'app.hoge.com' });
    const headers: [string, string][] = chunked ? [] : [['Content-Length', String(2 * PIECE + 3)]];
    connection.write(requestHead({ host: 'app.hoge.com', method: 'PUT', path, headers, chunked }));
    const send = (data: Buffer | string) => connection.write(chunked ? chunk(data) : data);
    await home.until(({ url }) => url === path);
    for (const sent of [PIECE, 2 * PIECE]) {
      send(piece);
      await home.until(({ url, bodyBytes, complete }) => url === path && bodyBytes === sent && !complete);
    }
    send('end');
    if (chunked) connection.write(LAST_CHUNK);
    expect(seenBy(await connection.answer())).toMatchObject({ complete: true, bodySha256: whole });
    connection.end();
  });

  test('over HTTP/2 too', async () => {
    const connection = await connectHttp2(edge, { sni: 'app.hoge.com' });
    const stream = connection.session.request({ ':method': 'PUT', ':path': '/upload-2', ':authority': 'app.hoge.com' });
    stream.resume();
    for (const sent of [PIECE, 2 * PIECE]) {
      stream.write(piece);
      await home.until(({ url, bodyBytes, complete }) => url === '/upload-2' && bodyBytes === sent && !complete);
    }
    stream.end('end');
    const seen = await home.until(({ url, complete }) => url === '/upload-2' && complete);
    expect(seen.bodySha256).toBe(whole);
    connection.end();
  });

  test('an upload that breaks off reaches the origin as broken off, never as whole', async () => {
    const connection = await connectRaw(edge, { host: 'app.hoge.com' });
    connection.write(requestHead({ host: 'app.hoge.com', method: 'PUT', path: '/broken', chunked: true }));
    connection.write(chunk(piece));
    await home.until(({ url, bodyBytes }) => url === '/broken' && bodyBytes === PIECE);
    connection.end();
    expect(await home.until(({ url, broken }) => url === '/broken' && broken)).toMatchObject({ complete: false });
  });

  test('the origin may answer before the upload ends', async () => {
    const connection = await connectRaw(edge, { host: 'events.hoge.com' });
    connection.write(requestHead({ host: 'events.hoge.com', method: 'POST', headers: { 'Content-Length': '100' } }));
    expect((await connection.reader.head()).status).toBe(200);
    connection.end();
  });
});
