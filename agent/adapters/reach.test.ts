import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { takenPorts } from './free-ports.ts';
import { isOneReachable } from './reach.ts';

let server: Server;
let port: number;

beforeEach(async () => {
  server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});

afterEach(() => new Promise((resolve) => server.close(resolve)));

/** A port of loopback where nobody listens. */
async function deadPort(): Promise<number> {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port: free } = other.address() as AddressInfo;
  await new Promise((resolve) => other.close(resolve));
  return free;
}

describe('whether the control plane can be reached', () => {
  it('is true as soon as one of its addresses takes a connection, whatever the others do', async () => {
    const dead = `http://127.0.0.1:${await deadPort()}`;
    // TEST-NET-1 (RFC 5737) answers nobody.
    const silent = 'https://192.0.2.1';
    const started = performance.now();
    expect(await isOneReachable([silent, dead, `http://127.0.0.1:${port}`], 5_000)).toBe(true);
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it('is false when none does in time', async () => {
    expect(await isOneReachable([`http://127.0.0.1:${await deadPort()}`])).toBe(false);
    expect(await isOneReachable(['https://192.0.2.1'], 50)).toBe(false);
    expect(await isOneReachable(['https://nowhere.invalid'], 1_000)).toBe(false);
    expect(await isOneReachable([])).toBe(false);
  });
});

describe('where the web server could not listen', () => {
  it('is where somebody else does, and what this machine has not', async () => {
    const free = await deadPort();
    expect(await takenPorts(['127.0.0.1'], [port, free])).toEqual([{ address: '127.0.0.1', port, code: 'EADDRINUSE' }]);
    expect(await takenPorts(['192.0.2.1', '::1'], [free])).toEqual([
      { address: '192.0.2.1', port: free, code: 'EADDRNOTAVAIL' },
    ]);
    expect(await takenPorts(['127.0.0.1'], [free])).toEqual([]);
  });

  it('is everywhere, when somebody listens on all addresses', async () => {
    expect((await takenPorts(['0.0.0.0'], [port])).map(({ code }) => code)).toEqual(['EADDRINUSE']);
  });
});
