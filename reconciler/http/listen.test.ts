// Where the server may listen, with what certificate, and how it ends.

import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLog } from '../adapters/log.ts';
import { type ListenOptions, listen } from './listen.ts';

let directory: string;
const lines: string[] = [];
const log = createLog({ format: 'json', write: (line) => void lines.push(line) });
const app = (_request: unknown, response: { end(text: string): void }) => response.end('ok');
const on = (change: Partial<ListenOptions>) =>
  listen(app, { host: '127.0.0.1', port: 0, development: false, log, ...change });

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kokoa-listen-'));
  for (const name of ['one', 'two']) await certificate(name);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const files = (name: string) => ({ certFile: join(directory, `${name}.pem`), keyFile: join(directory, `${name}.key`) });

async function certificate(name: string): Promise<void> {
  const { certFile, keyFile } = files(name);
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
  await execa('openssl', [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '2',
    '-keyout',
    keyFile,
    '-out',
    certFile,
    ...subject,
  ]);
}

it.each<[string, Partial<ListenOptions>, string]>([
  ['plain HTTP on every address', { host: '0.0.0.0' }, 'insecure_listen'],
  ['plain HTTP on every IPv6 address', { host: '::' }, 'insecure_listen'],
  ['plain HTTP on a name', { host: 'control.example.com' }, 'insecure_listen'],
  [
    'development keys beyond this machine, behind a proxy',
    { host: '0.0.0.0', development: true, behindProxy: true },
    'insecure_listen',
  ],
  ['an address that is not ours', { host: '192.0.2.1', behindProxy: true }, 'listen_failed'],
  ['a certificate that is not there', { tls: { certFile: '/none', keyFile: '/none' } }, 'tls_unusable'],
])('refuses %s', async (_, change, code) => {
  await expect(on(change)).rejects.toMatchObject({ code, hint: expect.any(String) });
});

it('refuses development keys on every address even with TLS', async () => {
  await expect(on({ host: '0.0.0.0', development: true, tls: files('one') })).rejects.toMatchObject({
    code: 'insecure_listen',
  });
});

it('refuses a key that does not fit the certificate', async () => {
  await expect(on({ tls: { ...files('one'), keyFile: files('two').keyFile } })).rejects.toMatchObject({
    code: 'tls_unusable',
  });
});

it('listens on loopback, and on every address behind a proxy', async () => {
  for (const change of [{ host: '127.0.0.1' }, { host: '::1' }, { host: '0.0.0.0', behindProxy: true }]) {
    const server = await on(change);
    const answer = await fetch(server.url.replace('0.0.0.0', '127.0.0.1'));
    expect(await answer.text()).toBe('ok');
    await server.close();
  }
});

it('says that the port is taken', async () => {
  const first = await on({});
  await expect(on({ port: first.port })).rejects.toMatchObject({
    code: 'listen_failed',
    hint: expect.stringContaining('port'),
  });
  await first.close();
});

it('serves a replaced certificate without a restart, and keeps the old one while the new pair does not fit', async () => {
  const tls = files('live');
  await copyFile(files('one').certFile, tls.certFile);
  await copyFile(files('one').keyFile, tls.keyFile);
  const server = await on({ tls });
  expect(await subject(server.port)).toBe('one');
  await copyFile(files('two').keyFile, tls.keyFile);
  await expect.poll(() => lines.some((line) => line.includes('the old one stays')), { timeout: 8000 }).toBe(true);
  expect(await subject(server.port)).toBe('one');
  await copyFile(files('two').certFile, tls.certFile);
  await expect.poll(() => subject(server.port), { timeout: 8000 }).toBe('two');
  await writeFile(tls.certFile, 'garbage');
  await server.close();
}, 20_000);

function subject(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, rejectUnauthorized: false, agent: false }, (response) => {
      resolve((response.socket as import('node:tls').TLSSocket).getPeerCertificate().subject.CN as string);
      response.resume();
    });
    asked.on('error', reject).end();
  });
}
