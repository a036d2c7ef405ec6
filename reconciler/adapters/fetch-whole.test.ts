// Whole answers of a server that sends too much, too little, too late, or somewhere else.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { failureCode, fetchWhole, responseOf, TooLargeError } from './fetch-whole.ts';
import { startLoopbackServer } from './loopback-server.fixture.ts';

const BYTES_MAX = 1000;

let server: Awaited<ReturnType<typeof startLoopbackServer>>;
let answer: (response: ServerResponse, request: IncomingMessage, body: Buffer) => void;
let asked: string[];
let problems: string[];

beforeEach(async () => {
  asked = [];
  problems = [];
  server = await startLoopbackServer((request, response, body) => {
    asked.push(`${request.method} ${request.url} ${body}`);
    answer(response, request, body);
  }, problems);
});

afterEach(async () => {
  await server.close();
  expect(problems).toEqual([]);
});

const whole = (init?: RequestInit) => fetchWhole(`${server.origin}/asked`, init, BYTES_MAX);
const failure = async (init?: RequestInit): Promise<unknown> =>
  whole(init).then(
    () => expect.unreachable(),
    (error: unknown) => error,
  );

describe('a whole answer', () => {
  it('has status, headers and every byte', async () => {
    answer = (response) => {
      response.writeHead(418, { 'x-kind': 'teapot' });
      response.write('short ');
      response.end('and stout');
    };
    const { status, headers, body } = await whole({ method: 'POST', body: 'kettle' });
    expect({ status, kind: headers.get('x-kind'), text: body.toString() }).toEqual({
      ...{ status: 418, kind: 'teapot', text: 'short and stout' },
    });
    expect(asked).toEqual(['POST /asked kettle']);
  });

  it('may be as large as the cap', async () => {
    answer = (response) => response.end('x'.repeat(BYTES_MAX));
    expect((await whole()).body).toHaveLength(BYTES_MAX);
  });

  it('may be empty', async () => {
    answer = (response) => response.writeHead(204).end();
    const got = await whole();
    expect(got.body).toHaveLength(0);
    expect(responseOf(got)).toMatchObject({ status: 204, body: null });
  });

  it('becomes a response for a library', async () => {
    answer = (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"a":1}');
    const response = responseOf(await whole());
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toEqual({ a: 1 });
  });

  it.each(['follow', 'error', undefined] as const)('is the redirect itself, even with %s', async (redirect) => {
    answer = (response) => response.writeHead(302, { location: '/elsewhere' }).end('moved');
    const { status, headers, body } = await whole({ ...(redirect && { redirect }) });
    expect([status, headers.get('location'), body.toString()]).toEqual([302, '/elsewhere', 'moved']);
    expect(asked).toEqual(['GET /asked ']);
  });
});

describe('an answer that does not come whole', () => {
  it.each<[string, (response: ServerResponse) => void]>([
    [
      'that says how large it is',
      (response) => response.writeHead(200, { 'content-length': BYTES_MAX + 1 }).end('x'.repeat(BYTES_MAX + 1)),
    ],
    [
      'that does not say how large it is',
      (response) => {
        response.write('x'.repeat(BYTES_MAX));
        response.end('x');
      },
    ],
    ['without an end', (response) => response.write('x'.repeat(BYTES_MAX + 1))],
  ])('is too large: one %s', async (_, how) => {
    const isClosed = new Promise<void>((resolve) => {
      answer = (response) => {
        response.on('close', resolve);
        how(response);
      };
    });
    const error = await failure();
    expect(error).toBeInstanceOf(TooLargeError);
    expect(failureCode(error)).toBe('the answer is larger than 1000 bytes');
    await isClosed;
  });

  it.each<[string, Record<string, string>]>([
    ['that says how large it is', { 'content-length': '10' }],
    ['that does not say how large it is', {}],
  ])('is cut in the middle: one %s', async (_, headers) => {
    answer = (response, request) => {
      response.writeHead(200, headers);
      response.write('half', () => request.socket.destroy());
    };
    expect(failureCode(await failure())).toBe('UND_ERR_SOCKET');
  });

  it('is cut before it begins', async () => {
    answer = (_, request) => request.socket.destroy();
    expect(failureCode(await failure())).toBe('UND_ERR_SOCKET');
  });

  it('ends with the signal, in the middle too', async () => {
    const stop = new AbortController();
    const reason = new Error('enough');
    answer = (response) => response.write('half', () => setTimeout(() => stop.abort(reason), 20));
    expect(await failure({ signal: stop.signal })).toBe(reason);
  });

  it('has nobody to come from', async () => {
    await server.close();
    expect(failureCode(await failure())).toBe('ECONNREFUSED');
  });
});

describe('the code of a failure', () => {
  const wrapped = (error: unknown, times: number): unknown =>
    times === 0 ? error : new Error('a text with a secret in it', { cause: wrapped(error, times - 1) });
  const coded = (code: unknown) => Object.assign(new Error('another text'), { code });

  it.each<[string, unknown, string | undefined]>([
    ['of the system', coded('ENOTFOUND'), 'ENOTFOUND'],
    ['below what a library says', wrapped(coded('ECONNRESET'), 3), 'ECONNRESET'],
    ['too deep to look for', wrapped(coded('ECONNRESET'), 4), undefined],
    ['too large, below what a library says', wrapped(new TooLargeError(7), 2), 'the answer is larger than 7 bytes'],
    ['a text in its place', coded('no such host: secret.example'), undefined],
    ['a number in its place', coded(7), undefined],
    ['no error at all', 'ECONNRESET', undefined],
  ])('%s', (_, error, code) => {
    expect(failureCode(error)).toBe(code);
  });
});
