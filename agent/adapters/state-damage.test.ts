// Whatever stands in the place of a small file of the state: it reads as nothing remembered, keeps nobody waiting, and the next write
// puts a good file there. What only a person can bring back is asked for.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DAMAGES, harm } from '../../test/slow/faults/harm.ts';
import { createDownFile } from './down-file.ts';
import { createKernelSettings } from './kernel-settings.ts';
import { openLearnedEndpoints } from './learned-endpoints.ts';
import { openNodeKeys, saveToken } from './node-keys.ts';
import { createOpenPortsFile } from './open-ports-file.ts';
import { createPoolKeyring } from './pool-keyring.ts';
import { readSettings, writeSettings } from './settings-file.ts';
import { createUsersDir } from './users-dir.ts';
import { createVisitsFile } from './visits-file.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kokoa-state-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const PEER = { publicKey: `${'A'.repeat(43)}=`, endpoint: '192.0.2.1:51820' };
const IDENTITY = { pool: 'default', epoch: 1, recipient: 'age1', identity: 'secret', wrappedFor: {} };
const VISIT = { hostname: 'a.test', route: 'a'.repeat(64) };
const DOWN = { id: `tcp 10.100.1.1:8080 ${'a'.repeat(16)}`, sinceMs: 1, reason: 'timeout: no answer' };
const USERS = `${'a'.repeat(32)}.htpasswd`;
const OWN = { interfaceName: 'lo', name: 'forwarding' as const, everywhere: false };
const OPEN = { declared: [{ port: 8080 }], closing: new Map([['tcp 1', { opening: { port: 1 }, untilMs: 9 }]]) };
const SETTINGS = {
  ...{ node: 'tokyo-1', urls: ['http://127.0.0.1:1'], fingerprint: 'f'.repeat(64), allow: '' },
  listen: { addresses: ['127.0.0.1'], httpPort: 80, httpsPort: 443 },
};

interface SmallFile {
  name: string;
  write(): Promise<void>;
  /** Of a new process. */
  read(): Promise<unknown>;
  nothing: unknown;
}

const FILES: readonly SmallFile[] = [
  {
    name: 'endpoints.json',
    write: () => openLearnedEndpoints(join(directory, 'endpoints.json')).remember([PEER]),
    read: async () => [...(await openLearnedEndpoints(join(directory, 'endpoints.json')).all()).keys()],
    nothing: [],
  },
  {
    name: 'pool.key',
    write: () => createPoolKeyring(join(directory, 'pool.key')).save(IDENTITY),
    read: () => createPoolKeyring(join(directory, 'pool.key')).load(),
    nothing: undefined,
  },
  {
    name: 'answers.json',
    write: () => createVisitsFile(join(directory, 'answers.json')).write([VISIT]),
    read: () => createVisitsFile(join(directory, 'answers.json')).read(),
    nothing: [],
  },
  {
    name: 'backends-down.json',
    write: () => createDownFile(join(directory, 'backends-down.json')).write([DOWN]),
    read: () => createDownFile(join(directory, 'backends-down.json')).read(),
    nothing: [],
  },
  {
    name: `users/${USERS}`,
    write: () => createUsersDir({ dir: join(directory, 'users') }).write(USERS, 'list\n'),
    read: () => createUsersDir({ dir: join(directory, 'users') }).read(USERS),
    nothing: undefined,
  },
  {
    name: 'open-ports.json',
    write: () => createOpenPortsFile(join(directory, 'open-ports.json')).write(OPEN),
    read: () => createOpenPortsFile(join(directory, 'open-ports.json')).read(0),
    nothing: 'damaged',
  },
  {
    name: 'kernel-settings.json',
    write: () => createKernelSettings({ stateDir: directory }).turn('on', [], [OWN]),
    read: async () => (await createKernelSettings({ stateDir: directory }).read([])).own,
    nothing: [],
  },
];

describe.each(FILES)('$name', ({ name, write, read, nothing }) => {
  test.each(DAMAGES)('%s in its place', async (damage) => {
    await write();
    const good = await read();
    expect(good).not.toEqual(nothing);
    await harm(join(directory, name), damage);
    // A list of users is judged by whoever reads it: any short text is one here.
    if (!(name.startsWith('users/') && ['empty', 'torn', 'random'].includes(damage)))
      expect(await read()).toEqual(nothing);
    if (name.startsWith('users/') && damage === 'directory') await rm(join(directory, name), { recursive: true });
    await write();
    expect(await read()).toEqual(good);
  });
});

test.each(['users', 'certs'])('a file in the place of the folder %s gives way', async (folder) => {
  await writeFile(join(directory, folder), 'not a folder');
  await createUsersDir({ dir: join(directory, folder) }).write(USERS, 'list\n');
  expect(await createUsersDir({ dir: join(directory, folder) }).read(USERS)).toBe('list\n');
});

describe('for a person', () => {
  test.each(DAMAGES)('settings, %s: join again', async (damage) => {
    await writeSettings(directory, SETTINGS);
    await harm(join(directory, 'settings.json'), damage);
    await expect(readSettings(directory)).rejects.toMatchObject({
      code: expect.stringMatching(/^(not_joined|settings_invalid)$/),
      hint: expect.stringContaining('kokoa-agent join'),
    });
  });

  test.each(DAMAGES)('a key, %s: it is not made anew', async (damage) => {
    await mkdir(directory, { recursive: true });
    await saveToken(directory, 'token');
    await openNodeKeys(directory);
    await harm(join(directory, 'signing.key'), damage);
    await expect(openNodeKeys(directory)).rejects.toMatchObject({
      code: expect.stringMatching(/^(key_damaged|secret_unreadable)$/),
      hint: expect.stringMatching(/\S/),
    });
  });
});
