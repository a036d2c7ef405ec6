import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LINGER_MS, NO_PORTS, type PortsInForce } from '../core/closing-ports.ts';
import { createOpenPortsFile } from './open-ports-file.ts';

const LAN = { port: 20_001, host: '192.168.1.20', hostPort: 80 };
const PORTS: PortsInForce = {
  declared: [{ port: 8080 }, { port: 53, protocol: 'udp' }, LAN],
  closing: new Map([['tcp 8081', { opening: { port: 8081 }, untilMs: 120_000.5 }]]),
};

let dir: string;
let path: string;
let bootFile: string;
const open = () => createOpenPortsFile(path, bootFile);
const write = (value: unknown) => writeFile(path, typeof value === 'string' ? value : JSON.stringify(value));

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kokoa-open-'));
  [path, bootFile] = [join(dir, 'open-ports.json'), join(dir, 'boot')];
  await writeFile(bootFile, 'this-boot\n');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe('open ports on disk', () => {
  it('are read by the next agent as they were written, in a file that others cannot read', async () => {
    await open().write(PORTS);
    expect(await open().read(1_000)).toEqual(PORTS);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await readdir(dir)).sort()).toEqual(['boot', 'open-ports.json']);
  });

  it('are those of this machine’s own kernel when nobody says otherwise', async () => {
    await createOpenPortsFile(path).write(PORTS);
    expect(await createOpenPortsFile(path).read(1_000)).toEqual(PORTS);
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ boot: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    expect(await open().read(1_000)).toEqual(NO_PORTS);
  });

  it('are none after a restart of the machine, and the next write says so', async () => {
    await open().write(PORTS);
    await writeFile(bootFile, 'another-boot\n');
    const file = open();
    expect(await file.read(0)).toEqual(NO_PORTS);
    await file.write(NO_PORTS);
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({ boot: 'another-boot', open: [] });
  });

  it('make no file where nothing was ever open, and are not written twice', async () => {
    const file = open();
    expect(await file.read(0)).toEqual(NO_PORTS);
    await file.write(NO_PORTS);
    expect(await readdir(dir)).toEqual(['boot']);
    await file.write(PORTS);
    await rm(path);
    await file.write({ ...PORTS, declared: [...PORTS.declared] });
    expect(await readdir(dir)).toEqual(['boot']);
  });

  it('are not kept where nobody knows which boot this is', async () => {
    await open().write(PORTS);
    const file = createOpenPortsFile(path, join(dir, 'missing'));
    expect(await file.read(0)).toEqual(NO_PORTS);
    await file.write(NO_PORTS);
    expect(await open().read(1_000)).toEqual(PORTS);
  });

  const one = (opening: object) => ({ boot: 'this-boot', open: [opening] });
  it.each<[string, unknown]>([
    ['is torn', '{"boot":"this-boot","open":[{"po'],
    ['is empty', ''],
    ['is no object', '[]'],
    ['is too large', `{"boot":"this-boot","open":[]}${' '.repeat(2_000_000)}`],
    ['has too many ports', { boot: 'this-boot', open: Array.from({ length: 12_289 }, () => ({ port: 1 })) }],
    ['holds more than it should', { ...one({ port: 80 }), allow: ['22'] }],
    ['names port 0', one({ port: 0 })],
    ['names a port as text', one({ port: '22' })],
    ['names another protocol', one({ port: 22, protocol: 'sctp' })],
    ['leads to a port of nobody', one({ port: 22, hostPort: 22 })],
    ['leads anywhere', one({ port: 22, host: '8.8.8.8', hostPort: 22 })],
    ['keeps a port open for ever', one({ port: 22, untilMs: 1e15 })],
    ['keeps a port open longer than anybody would', one({ port: 22, untilMs: 1_000 + LINGER_MS + 1 })],
    ['keeps a port open until no time', one({ port: 22, untilMs: null })],
  ])('are damaged when the file %s, and the next write puts a good one there', async (_, value) => {
    await write(value);
    const file = open();
    expect(await file.read(1_000)).toBe('damaged');
    await file.write(NO_PORTS);
    expect(await open().read(1_000)).toEqual(NO_PORTS);
  });

  it('that cannot be written say why', async () => {
    const file = createOpenPortsFile(join(dir, 'missing', 'open-ports.json'), bootFile);
    await expect(file.write(PORTS)).rejects.toMatchObject({ code: 'state_unwritable' });
  });

  it('that cannot be written anew leave nothing behind: what is no longer true opens no port', async () => {
    // The name of the temporary file is too long.
    path = join(dir, 'o'.repeat(250));
    await write({ boot: 'this-boot', open: [{ port: 22 }] });
    const file = open();
    expect(await file.read(0)).toMatchObject({ declared: [{ port: 22 }] });
    await expect(file.write(NO_PORTS)).rejects.toMatchObject({ code: 'state_unwritable' });
    expect(await open().read(0)).toEqual(NO_PORTS);
  });
});
