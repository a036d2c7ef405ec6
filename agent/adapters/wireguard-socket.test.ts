import { mkdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runProgram } from './program.ts';
import { listensOn, readSocket, socketFile } from './wireguard-socket.ts';

const name = `kst${process.pid}`.slice(0, 15);
const server = createServer();

beforeAll(() => void mkdirSync(dirname(socketFile(name)), { recursive: true }));
afterAll(() => rmSync(socketFile(name), { force: true }));

describe('the socket of a wireguard-go', () => {
  test('is absent, listens, and is lost once its file was taken away', async () => {
    const target = { name, prefix: [] };
    expect(await readSocket(target)).toBe('absent');
    await new Promise<void>((resolve) => void server.listen(socketFile(name), resolve));
    expect(await readSocket(target)).toBe('listens');
    rmSync(socketFile(name));
    expect(await readSocket(target)).toBe('lost');
    await new Promise((resolve) => server.close(resolve));
    expect(await readSocket(target)).toBe('absent');
  });

  test('that is bound and does not listen is none that wg may ask: wg would remove it', async () => {
    const file = socketFile(name);
    const bound = `0000000000000000: 00000002 00000000 00000000 0001 01 17 ${file}\n`;
    expect(listensOn(bound, file)).toBe(false);
    expect(listensOn(bound.replace('00000000 0001', '00010000 0001'), file)).toBe(true);
    expect(listensOn(bound.replace('00000000 0001', '00010000 0001'), socketFile('other'))).toBe(false);
    // What makes it so: the socket of a program that is gone refuses, as does one that does not listen yet.
    const refuses = `const s = require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
    await runProgram([process.execPath, '-e', refuses, file]);
    await runProgram(['wg', 'show', name]);
    expect((await runProgram(['test', '-e', file])).ok).toBe(false);
  });
});
