// What the edge speaks to backends: https with each kind of verification, HTTP/2 without TLS, gRPC; and services behind an origin.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type GrpcVisit, openGrpc } from './clients/grpc-visit.ts';
import { seenBy, visit } from './clients/raw-visit.ts';
import { type OneEdge, startOneEdge } from './one-edge.ts';
import { type EchoOrigin, startEcho, startH2cEcho, startTlsEcho } from './origins/echo-origin.ts';
import { GRPC, type GrpcOrigin, startGrpc } from './origins/grpc-origin.ts';
import type { Listening } from './origins/listening.ts';

let edge: OneEdge;
let tls: EchoOrigin;
let h2c: EchoOrigin;
let local: EchoOrigin;
let grpc: GrpcOrigin;
const open: Listening[] = [];

beforeAll(async () => {
  edge = await startOneEdge();
  tls = await startTlsEcho(edge.origins.office, await edge.pki.certificate(['inside.hoge.com', 'ca.hoge.com']));
  h2c = await startH2cEcho(edge.origins.nas);
  local = await startEcho('127.0.0.1');
  grpc = await startGrpc(edge.origins.home);
  open.push(tls, h2c, local);
  const ca = readFileSync(edge.pki.caFile, 'utf8').trim().replaceAll('\n', '\n    ');
  const https = (name: string, more: string): [string, string] => [
    `routes/hoge/${name}.yaml`,
    `hostname: ${name}.hoge.com\norigin: office\nport: ${tls.port}\nprotocol: https\noriginTls:\n  ${more}\n`,
  ];
  await edge.publish(
    Object.fromEntries([
      https('ca', `verify: ca\n  ca: |\n    ${ca}`),
      https('named', `verify: ca\n  serverName: inside.hoge.com\n  ca: |\n    ${ca}`),
      https('other', `verify: ca\n  ca: |\n    ${ca}`),
      https('public', 'verify: public\n  serverName: inside.hoge.com'),
      https('none', 'verify: none'),
      ['routes/hoge/h2c.yaml', `hostname: h2c.hoge.com\norigin: nas\nport: ${h2c.port}\nprotocol: h2c\n`],
      ['routes/hoge/grpc.yaml', `hostname: grpc.hoge.com\norigin: home\nport: ${grpc.port}\nprotocol: h2c\n`],
      ['routes/hoge/local.yaml', `hostname: local.hoge.com\norigin: home\nhost: 127.0.0.1\nport: ${local.port}\n`],
    ]),
  );
});
afterAll(async () => {
  await edge?.end();
  grpc?.end();
  await Promise.all(open.map((origin) => origin.end()));
});

describe('https', () => {
  test.each([
    ['ca', 'by its own authority and the hostname', 200, 'ca.hoge.com'],
    ['named', 'by its own authority and another name', 200, 'inside.hoge.com'],
    ['other', 'by its own authority, whose certificate has another name', 502, undefined],
    ['public', 'by the authorities of browsers, which did not sign it', 502, undefined],
    ['none', 'not at all', 200, 'none.hoge.com'],
  ])('%s.hoge.com, verified %s, is answered %i', async (name, _title, status, sni) => {
    const answer = await visit(edge, { host: `${name}.hoge.com` });
    expect(answer.status).toBe(status);
    if (sni !== undefined) expect(seenBy(answer)).toMatchObject({ sni, headers: { host: `${name}.hoge.com` } });
  });
});

test('a service behind an origin is reached under the port that was given to it', async () => {
  expect(seenBy(await visit(edge, { host: 'local.hoge.com', path: '/x' }))).toMatchObject({ url: '/x' });
});

test('h2c arrives as HTTP/2', async () => {
  const seen = seenBy(await visit(edge, { host: 'h2c.hoge.com', path: '/a%2Fb?c', method: 'POST', body: 'body' }));
  expect(seen).toMatchObject({ httpVersion: '2.0', url: '/a%2Fb?c', bodyBytes: 4 });
});

describe('gRPC', () => {
  let visitor: GrpcVisit;
  beforeAll(() => {
    visitor = openGrpc(edge, 'grpc.hoge.com');
  });
  afterAll(() => visitor?.end());
  const ok = { code: 0, trailers: expect.objectContaining({ 'x-trailer': 'here' }) };

  test('a single message each way, with metadata', async () => {
    expect(await visitor.unary(GRPC.unary, 'hello', { 'x-own': 'mine' })).toMatchObject({
      ...ok,
      messages: ['echo hello'],
    });
    expect(grpc.metadata.at(-1)).toMatchObject({ 'x-own': 'mine' });
  });

  test('the status and its trailers pass', async () => {
    expect(await visitor.unary(GRPC.unary, 'fail 7')).toMatchObject({ ...ok, code: 7, details: 'as asked' });
  });

  test('many messages down, up, and one by one both ways', async () => {
    expect(await visitor.serverStream(GRPC.serverStream, 'n')).toMatchObject({
      ...ok,
      messages: ['n 1', 'n 2', 'n 3'],
    });
    expect(await visitor.clientStream(GRPC.clientStream, ['a', 'b'])).toMatchObject({ ...ok, messages: ['a+b'] });
    expect(await visitor.bidi(GRPC.bidi, ['a', 'b', 'c'])).toMatchObject({
      ...ok,
      messages: ['echo a', 'echo b', 'echo c'],
    });
  });
});
