// Certificates on disk: whole pairs, right permissions, and strange things beside them.
import { X509Certificate } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type CertificateMaker, createCertificateMaker, type MadeCertificate } from '../../test/certificate-maker.ts';
import { createCertsDir } from './certs-dir.ts';

let maker: CertificateMaker;
let one: MadeCertificate;
let two: MadeCertificate;
let dir: string;

beforeAll(async () => {
  maker = await createCertificateMaker();
  [one, two] = await Promise.all([
    maker.make({ names: ['DNS:app.hoge.com'] }),
    maker.make({ names: ['DNS:app.hoge.com'] }),
  ]);
});
afterAll(() => maker.close());
beforeEach(async () => {
  dir = join(await mkdtemp(join(tmpdir(), 'kokoa-certs-')), 'certs');
});
afterEach(() => rm(join(dir, '..'), { recursive: true }));

test('what was written is read, listed with its times and source, and found again by another reader', async () => {
  const store = createCertsDir({ dir });
  await store.write('app.hoge.com', one, 'ordered');
  await store.write('*.hoge.com', two, 'imported');
  expect(await store.read('app.hoge.com')).toEqual({ fullchain: one.fullchain, key: one.key });
  const leaf = new X509Certificate(one.leaf);
  const again = await createCertsDir({ dir }).list();
  expect(again).toEqual(await store.list());
  expect(again.strange).toEqual([]);
  expect(again.held.map(({ hostname, source }) => [hostname, source])).toEqual([
    ['*.hoge.com', 'imported'],
    ['app.hoge.com', 'ordered'],
  ]);
  expect(again.held[1]).toMatchObject({
    notBefore: leaf.validFromDate.getTime(),
    notAfter: leaf.validToDate.getTime(),
  });
  expect(await readFile(join(dir, '_wildcard.hoge.com', 'key.pem'), 'utf8')).toBe(two.key);
});

test('from whom a key was kept stands beside it, and what is damaged there says nothing', async () => {
  const store = createCertsDir({ dir });
  await store.write('app.hoge.com', one, 'ordered', ['osaka-1/1']);
  const keptFrom = async () => (await createCertsDir({ dir }).list()).held.map((held) => held.keptFrom);
  expect(await keptFrom()).toEqual([['osaka-1/1']]);
  for (const text of ['', '{', '"osaka-1/1"', '[1, "../x", "osaka-1"]', `["${'a/1","'.repeat(1_000)}a/1"]`]) {
    await writeFile(join(dir, 'app.hoge.com', 'kept-from.json'), text);
    expect(await keptFrom()).toEqual([[]]);
  }
  await store.write('app.hoge.com', two, 'ordered');
  expect((await readdir(join(dir, 'app.hoge.com'))).sort()).toEqual(['fullchain.pem', 'key.pem', 'source']);
});

test('files are for the owner and the group alone, whatever the umask', async () => {
  const before = process.umask(0o077);
  const gid = process.getgid!();
  try {
    await createCertsDir({ dir, gid }).write('app.hoge.com', one, 'ordered');
  } finally {
    process.umask(before);
  }
  const modes = async (path: string) => ((await stat(path)).mode & 0o7777).toString(8);
  expect(await modes(dir)).toBe('750');
  expect(await modes(join(dir, 'app.hoge.com'))).toBe('750');
  expect(await modes(join(dir, 'app.hoge.com', 'fullchain.pem'))).toBe('640');
  expect(await modes(join(dir, 'app.hoge.com', 'key.pem'))).toBe('640');
  expect((await stat(join(dir, 'app.hoge.com', 'key.pem'))).gid).toBe(gid);
});

test('a replaced certificate leaves no older key, nor what a crash left between two steps', async () => {
  const store = createCertsDir({ dir });
  await store.write('app.hoge.com', one, 'ordered');
  const versions = join(dir, '.versions', 'app.hoge.com');
  await mkdir(join(versions, 'half'));
  await symlink('nowhere', join(versions, 'half.link'));
  await store.write('app.hoge.com', two, 'relayed');
  expect(await readdir(versions)).toEqual([(await readlink(join(dir, 'app.hoge.com'))).split('/').at(-1)]);
  expect(await store.read('app.hoge.com')).toEqual({ fullchain: two.fullchain, key: two.key });
  expect((await store.list()).held).toMatchObject([{ source: 'relayed' }]);
});

test('a reader in the middle of replacements always finds a pair that belongs together', async () => {
  const store = createCertsDir({ dir });
  await store.write('app.hoge.com', one, 'ordered');
  let writing = true;
  const writer = (async () => {
    for (let round = 0; round < 30; round += 1) await store.write('app.hoge.com', round % 2 ? one : two, 'ordered');
    writing = false;
  })();
  let whole = 0;
  while (writing) {
    const version = join(dir, await readlink(join(dir, 'app.hoge.com')));
    const texts = await Promise.all([
      readFile(join(version, 'fullchain.pem')),
      readFile(join(version, 'key.pem')),
    ]).catch(() => undefined);
    if (!texts) continue;
    expect(
      [one, two].some(
        ({ fullchain, key }) => texts[0].equals(Buffer.from(fullchain)) && texts[1].equals(Buffer.from(key)),
      ),
    ).toBe(true);
    whole += 1;
  }
  await writer;
  expect(whole).toBeGreaterThan(0);
});

test('torn and foreign entries are named, and the good ones are listed', async () => {
  const store = createCertsDir({ dir });
  for (const hostname of ['good.hoge.com', 'mixed.hoge.com', 'keyless.hoge.com', 'damaged.hoge.com']) {
    await store.write(hostname, one, 'ordered');
  }
  await chmod(join(dir, 'mixed.hoge.com', 'key.pem'), 0o640);
  await writeFile(join(dir, 'mixed.hoge.com', 'key.pem'), two.key);
  await rm(join(dir, 'keyless.hoge.com', 'key.pem'));
  await writeFile(join(dir, 'damaged.hoge.com', 'fullchain.pem'), one.fullchain.slice(0, 200));
  await mkdir(join(dir, 'foreign.hoge.com'));
  await writeFile(join(dir, 'README'), 'hello');
  await symlink('nowhere', join(dir, 'dangling.hoge.com'));
  const { held, strange } = await createCertsDir({ dir }).list();
  expect(held.map(({ hostname }) => hostname)).toEqual(['good.hoge.com']);
  expect(strange.map(({ entry }) => entry)).toEqual([
    'README',
    'damaged.hoge.com',
    'dangling.hoge.com',
    'foreign.hoge.com',
    'keyless.hoge.com',
    'mixed.hoge.com',
  ]);
  expect(await store.read('mixed.hoge.com')).toBeUndefined();
  await store.write('mixed.hoge.com', two, 'ordered');
  expect(await store.read('mixed.hoge.com')).toBeDefined();
});

test('what somebody else put under the name is not overwritten, and the error says so', async () => {
  const store = createCertsDir({ dir });
  await mkdir(join(dir, 'app.hoge.com'), { recursive: true });
  await writeFile(join(dir, 'app.hoge.com', 'precious'), 'x');
  await expect(store.write('app.hoge.com', one, 'ordered')).rejects.toMatchObject({ code: 'certificate_store_failed' });
  expect(await readdir(join(dir, 'app.hoge.com'))).toEqual(['precious']);
});

test('what is removed is gone with its key, what is torn too, and nothing that somebody else put there', async () => {
  const store = createCertsDir({ dir });
  for (const hostname of ['app.hoge.com', '*.hoge.com', 'torn.hoge.com', 'kept.hoge.com'])
    await store.write(hostname, one, 'ordered');
  await rm(join(dir, 'torn.hoge.com', 'key.pem'));
  const elsewhere = join(dir, '..', 'elsewhere');
  await mkdir(elsewhere);
  await writeFile(join(elsewhere, 'key.pem'), 'precious');
  await symlink('../elsewhere', join(dir, 'foreign.hoge.com'));
  await symlink('.versions/kept.hoge.com', join(dir, 'odd.hoge.com'));
  await mkdir(join(dir, 'folder.hoge.com'));

  const removed = ['app.hoge.com', '*.hoge.com', 'torn.hoge.com'];
  const others = ['foreign.hoge.com', 'odd.hoge.com', 'folder.hoge.com', 'absent.hoge.com', '../elsewhere'];
  expect(await Promise.all([...removed, ...others].map(store.remove))).toEqual([
    ...removed.map(() => true),
    ...others.map(() => false),
  ]);
  expect(await readdir(join(dir, '.versions'))).toEqual(['kept.hoge.com']);
  expect((await readdir(dir)).sort()).toEqual([
    '.versions',
    'folder.hoge.com',
    'foreign.hoge.com',
    'kept.hoge.com',
    'odd.hoge.com',
  ]);
  expect(await readFile(join(elsewhere, 'key.pem'), 'utf8')).toBe('precious');
  expect((await store.list()).held.map(({ hostname }) => hostname)).toEqual(['kept.hoge.com']);
  // It may come again.
  await store.write('app.hoge.com', two, 'relayed');
  expect(await store.read('app.hoge.com')).toEqual({ fullchain: two.fullchain, key: two.key });
});

test('a removal that was cut off in the middle is found as torn, and ends with the next', async () => {
  const store = createCertsDir({ dir });
  await store.write('app.hoge.com', one, 'ordered');
  await rm(join(dir, await readlink(join(dir, 'app.hoge.com'))), { recursive: true });
  expect((await store.list()).strange.map(({ entry }) => entry)).toEqual(['app.hoge.com']);
  expect(await store.remove('app.hoge.com')).toBe(true);
  expect(await readdir(dir)).toEqual(['.versions']);
  expect(await readdir(join(dir, '.versions'))).toEqual([]);
});

/** What an account can read, asked of the kernel; `groups` alone decide besides the files' owner. */
async function canRead(path: string, gid: number): Promise<boolean> {
  const identity = process.getuid?.() === 0 ? ['--reuid=65534', `--regid=${gid}`, '--clear-groups'] : [];
  const { exitCode } = await execa('setpriv', [...identity, 'cat', path], { reject: false, stdin: 'ignore' });
  return exitCode === 0;
}

test('the key is read by the group of the workers and by no other account', async () => {
  const isRoot = process.getuid?.() === 0;
  const gid = isRoot ? 33 : process.getgid!();
  await chmod(join(dir, '..'), 0o755);
  const store = createCertsDir({ dir, gid });
  await store.write('app.hoge.com', one, 'ordered');
  const key = join(dir, 'app.hoge.com', 'key.pem');
  expect(await canRead(key, gid)).toBe(true);
  // Without root there is no other account to try.
  if (isRoot) expect(await canRead(key, 65534)).toBe(false);
  for (const path of [key, join(dir, 'app.hoge.com', 'fullchain.pem'), join(dir, 'app.hoge.com'), dir])
    expect((await stat(path)).mode & 0o007).toBe(0);
});

test.each(['../evil', 'A.com', '', '.versions', 'com'])('the name %j is refused', async (hostname) => {
  const store = createCertsDir({ dir });
  await expect(store.write(hostname, one, 'ordered')).rejects.toMatchObject({ code: 'certificate_store_failed' });
  expect(await store.read(hostname)).toBeUndefined();
  expect(await store.list()).toEqual({ held: [], strange: [] });
});
