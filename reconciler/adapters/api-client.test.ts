// What somebody is told whose `kokoa get` asks in the wrong way, against real servers on loopback.
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ApiPlace, readApi } from './api-client.ts';

let directory: string;
let plain: string;
let tls: string;
const servers: Server[] = [];
const file = (name: string) => join(directory, name);

async function listening(server: Server): Promise<string> {
  servers.push(server);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kokoa-api-'));
  for (const name of ['own', 'other']) {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file(`${name}.key`)];
    const named = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:control.test'];
    await execa('openssl', ['req', '-x509', '-days', '2', ...key, ...named, '-out', file(`${name}.pem`)]);
  }
  const answer = (_request: unknown, response: { end(text: string): void }) => response.end('{"edges":[]}');
  const pair = { key: readFileSync(file('own.key')), cert: readFileSync(file('own.pem')) };
  plain = await listening(createServer(answer));
  tls = await listening(createTlsServer(pair, answer) as unknown as Server);
});
afterAll(async () => {
  for (const server of servers) server.close();
  await rm(directory, { recursive: true });
});

const failing = (place: ApiPlace) => readApi(place, '/x').catch((error: unknown) => error);

it('reads over TLS on this machine with the certificate of the server, whatever name that has', async () => {
  expect(await readApi({ url: `https://${tls}`, caFile: file('own.pem') }, '/x')).toEqual({ edges: [] });
});

it.each<[string, () => ApiPlace, string, string | RegExp]>([
  [
    'plain HTTP of TLS',
    () => ({ url: `http://${tls}` }),
    'api_unreachable',
    /may speak TLS: try --url https:.*--ca FILE/,
  ],
  ['TLS of plain HTTP', () => ({ url: `https://${plain}` }), 'api_unreachable', /plain HTTP: try --url http:/],
  ['a server of an unknown CA', () => ({ url: `https://${tls}` }), 'api_unreachable', /name that CA, .* by --ca FILE/],
  [
    'a server of another CA',
    () => ({ url: `https://${tls}`, caFile: file('other.pem') }),
    'api_unreachable',
    /name that CA, .* by --ca FILE/,
  ],
  [
    'a server by a name that is not in its certificate',
    () => ({ url: `https://${tls}`, caFile: file('own.pem'), token: 't' }),
    'api_unreachable',
    /by a name of its certificate/,
  ],
  ['nobody', () => ({ url: 'http://127.0.0.1:1' }), 'api_unreachable', /start `kokoa serve`/],
])('says what to do to somebody who asks %s', async (_, place, code, hint) => {
  const error = (await failing(place())) as Error;
  expect(error).toMatchObject({ code, hint: expect.stringMatching(hint) });
  expect(error.message).not.toMatch(/--use-system-ca|\.c:\d/);
});

it('names a CA file that cannot be read', async () => {
  expect(await failing({ url: `https://${tls}`, caFile: file('none.pem') })).toMatchObject({
    code: 'usage',
    message: `--ca: ${file('none.pem')} cannot be read (ENOENT)`,
  });
});
