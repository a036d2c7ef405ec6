// The embedded store: the contract, then restarts, crashes, damage, age and a second process.
import { randomBytes } from 'node:crypto';
import { mkdtemp, open, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { execa } from 'execa';
import { afterEach, expect, it } from 'vitest';
import { canonicalJson, sha256Hex } from '../../bundle/canonical.ts';
import { publication, publishedNode, storeContract } from '../../test/contract/store.ts';
import { DATABASE_FILE } from './store-database.ts';
import { openSqliteStore } from './store-sqlite.ts';

const HOUR_MS = 3600_000;
const made: string[] = [];
afterEach(async () => {
  for (const directory of made.splice(0)) await rm(directory, { recursive: true, force: true });
});

async function temporary(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'kokoa-store-'));
  made.push(directory);
  return directory;
}

storeContract('SQLite', async () => {
  const store = await openSqliteStore(await temporary());
  return { store, dispose: () => store.close() };
});

it('holds everything across a restart, readable for its owner alone', async () => {
  const directory = join(await temporary(), 'new');
  const first = await openSqliteStore(directory);
  const blobs = new Map([[sha256Hex('x'), 'x']]);
  await first.publish(publication({ nodes: [publishedNode('a')], blobs }));
  await first.close();
  expect((await stat(directory)).mode & 0o077).toBe(0);
  const second = await openSqliteStore(directory);
  expect(await second.head()).toEqual({ sequence: 1, commit: 'c1' });
  expect(await second.nodes()).toEqual([publishedNode('a')]);
  expect(await second.blob(sha256Hex('x'))).toBe('x');
  await second.close();
});

it('refuses a second process on the same directory, and lets it in when the first has ended', async () => {
  const directory = await temporary();
  const holder = execa(process.execPath, ['--input-type=module', '-e', HOLD, import.meta.dirname, directory], {
    reject: false,
  });
  await new Promise((resolve) => holder.stdout.once('data', resolve));
  await expect(openSqliteStore(directory)).rejects.toMatchObject({
    code: 'store_locked',
    hint: expect.stringContaining('One'),
  });
  holder.kill('SIGKILL');
  await holder;
  const store = await openSqliteStore(directory);
  expect((await store.head())?.sequence).toBe(1);
  await store.close();
});

const HOLD = `const { openSqliteStore } = await import(process.argv[1] + '/store-sqlite.ts');
const store = await openSqliteStore(process.argv[2]);
await store.publish({ expected: undefined, commit: 'c', nodes: [], removed: [], blobs: new Map() });
console.log('held'); setInterval(() => {}, 1000);`;

it('is whole after kill -9 in the middle of publishing', async () => {
  const directory = await temporary();
  for (let round = 0; round < 3; round += 1) {
    const writer = execa(process.execPath, ['--input-type=module', '-e', WRITE, import.meta.dirname, directory], {
      reject: false,
    });
    await new Promise((resolve) => writer.stdout.once('data', resolve));
    await new Promise((resolve) => setTimeout(resolve, 20 + round * 17));
    writer.kill('SIGKILL');
    await writer;
    const store = await openSqliteStore(directory);
    const head = await store.head();
    expect(head?.sequence).toBeGreaterThan(0);
    for (const node of await store.nodes()) {
      expect(node.version).toBe(head?.sequence);
      const [{ sha256 }] = JSON.parse(node.config).edge.chunks;
      expect(await store.blob(sha256)).toBeDefined();
    }
    await store.close();
  }
});

const WRITE = `const { openSqliteStore } = await import(process.argv[1] + '/store-sqlite.ts');
const { sha256Hex } = await import(process.argv[1] + '/../../bundle/canonical.ts');
const store = await openSqliteStore(process.argv[2]);
let said = false;
for (let expected = (await store.head())?.sequence; ; expected = (expected ?? 0) + 1) {
  const version = (expected ?? 0) + 1;
  const text = 'x'.repeat(20000) + version;
  const config = '{"edge":{"chunks":[{"bucket":"","bytes":1,"sha256":"' + sha256Hex(text) + '"}]}}';
  const nodes = ['a', 'b', 'c'].map((node) => ({ node, version, timestampVersion: version, configHash: 'h', timestampExpiresMs: 1,
    timestamp: 't', snapshot: 's', targets: 'g', config }));
  await store.publish({ expected, commit: 'c' + version, nodes, removed: [], blobs: new Map([[sha256Hex(text), text]]) });
  if (!said) console.log('writing');
  said = true;
}`;

it.each<[string, (file: string) => Promise<void>]>([
  ['holds something else', (file) => writeFile(file, randomBytes(8192))],
  ['is damaged inside', overwriteMiddle],
])('says what to do when the file %s', async (_, damage) => {
  const directory = await temporary();
  const store = await openSqliteStore(directory);
  const blobs = new Map(
    Array.from({ length: 60 }, () => randomBytes(3000).toString('hex')).map((text) => [sha256Hex(text), text]),
  );
  await store.publish(publication({ blobs }));
  await store.close();
  await damage(join(directory, DATABASE_FILE));
  await expect(openSqliteStore(directory)).rejects.toMatchObject({
    code: 'store_damaged',
    hint: expect.stringContaining('rebuilt'),
  });
});

async function overwriteMiddle(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  for (let page = 2; page < 20; page += 1) await handle.write(Buffer.alloc(512, 0xff), 0, 512, page * 4096);
  await handle.close();
}

it('refuses a store of a newer version, and one it may not write to', async () => {
  const directory = await temporary();
  await (await openSqliteStore(directory)).close();
  const database = new DatabaseSync(join(directory, DATABASE_FILE));
  database.exec('PRAGMA user_version = 99');
  database.close();
  await expect(openSqliteStore(directory)).rejects.toMatchObject({ code: 'store_too_new' });
  await writeFile(join(directory, 'file'), '');
  await expect(openSqliteStore(join(directory, 'file'))).rejects.toMatchObject({ code: 'store_failed' });
});

it('counts a text that was changed on disk as missing, and takes the right one again', async () => {
  const directory = await temporary();
  const blobs = new Map([[sha256Hex('right'), 'right']]);
  const store = await openSqliteStore(directory);
  await store.publish(publication({ blobs }));
  await store.close();
  const database = new DatabaseSync(join(directory, DATABASE_FILE));
  database.exec(`UPDATE blobs SET text = 'wrong'`);
  database.close();
  const again = await openSqliteStore(directory);
  expect(await again.blob(sha256Hex('right'))).toBeUndefined();
  await again.publish(publication({ expected: 1, blobs }));
  expect(await again.blob(sha256Hex('right'))).toBe('right');
  await again.close();
});

it('forgets texts an hour after the last node stopped using them, and never one in use', async () => {
  let nowMs = Date.parse('2026-11-01T00:00:00Z');
  const store = await openSqliteStore(await temporary(), { clock: () => new Date(nowMs) });
  const node = (text: string) =>
    publishedNode('a', { config: canonicalJson({ chunks: [{ sha256: sha256Hex(text) }] }) });
  const step = async (expected: number | undefined, text: string) =>
    store.publish(publication({ expected, nodes: [node(text)], blobs: new Map([[sha256Hex(text), text]]) }));
  const known = async () =>
    Promise.all(['one', 'two'].map(async (text) => (await store.blob(sha256Hex(text))) !== undefined));

  await step(undefined, 'one');
  nowMs += 5 * HOUR_MS;
  await step(1, 'one');
  expect(await known()).toEqual([true, false]);
  await step(2, 'two');
  nowMs += 0.9 * HOUR_MS;
  await step(3, 'two');
  expect(await known()).toEqual([true, true]);
  nowMs += 0.2 * HOUR_MS;
  await step(4, 'two');
  expect(await known()).toEqual([false, true]);
  await store.close();
});

it('answers a large mailbox in parts, each up to the sequence it reached', async () => {
  const store = await openSqliteStore(await temporary());
  const validity = { notBefore: '2026-01-01T00:00:00Z', notAfter: '2099-01-01T00:00:00Z' };
  const sealed = 'A'.repeat(3 * 1024 * 1024);
  for (let i = 0; i < 5; i += 1)
    await store.putCertificate('p', {
      hostname: `h${i}.hoge.com`,
      recipient: 'r',
      sealed,
      ...validity,
      by: 'a',
      signature: 's',
    });
  const first = await store.relay('p', 0);
  expect([first.sequence, first.certificates.length]).toEqual([3, 3]);
  const rest = await store.relay('p', first.sequence);
  expect([rest.sequence, rest.certificates.map(({ hostname }) => hostname)]).toEqual([
    5,
    ['h3.hoge.com', 'h4.hoge.com'],
  ]);
  await store.close();
});

it('does not believe in a text that came with a publication that failed', async () => {
  const store = await openSqliteStore(await temporary());
  const node = (name: string, text: string) =>
    publishedNode(name, { config: canonicalJson({ chunks: [{ sha256: sha256Hex(text) }] }) });
  const blobs = new Map([[sha256Hex('one'), 'one']]);
  await expect(
    store.publish(publication({ nodes: [node('a', 'one'), node('b', 'two')], blobs })),
  ).rejects.toMatchObject({ code: 'blob_missing' });
  await expect(store.publish(publication({ nodes: [node('a', 'one')] }))).rejects.toMatchObject({
    code: 'blob_missing',
  });
  await store.close();
});
