// Certificates on disk, where the web server reads them by name: `NAME/fullchain.pem` and `NAME/key.pem`. Law: NAME is a
// symlink to a folder that never changes, so one rename replaces both files, and a crash leaves the old pair or the new one.
import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import { chmod, chown, lstat, readdir, readlink, rename, rm, stat, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FULLCHAIN_CHARACTERS_MAX, fingerprintOf, KEY_CHARACTERS_MAX } from '../../bundle/certificate.ts';
import { certificateFolder, hostnameOfFolder, isCanonicalHostname } from '../../bundle/certificate-name.ts';
import { readKeptFrom } from '../../bundle/certificate-text.ts';
import { KokoaError } from '../../bundle/error.ts';
import type {
  CertificatePair,
  CertificateSource,
  CertificateStore,
  HeldCertificate,
} from '../ports/certificate-store.ts';
import { diskTrouble } from './disk-trouble.ts';
import { makeOwnDirectory, readBounded } from './durable-write.ts';
import { createPrivateFile, syncFolder } from './private-file.ts';

/** The folders that the symlinks point to. No hostname starts with a dot. */
const VERSIONS = '.versions';
const FOLDER_MODE = 0o750;
const FILE_MODE = 0o640;
const SOURCES: readonly string[] = ['ordered', 'relayed', 'imported', 'given'] satisfies CertificateSource[];
const PAIR = ['fullchain.pem', 'key.pem'] as const;
const SOURCE_BYTES_MAX = 100;
/** There only where it says something. */
const KEPT_FROM = 'kept-from.json';
const KEPT_FROM_BYTES_MAX = 128 * 1024;
/** Entries read at once. */
const READS_AT_ONCE = 32;

export interface CertsDirOptions {
  dir: string;
  /** Group of the web server's workers. Set only as root. */
  gid?: number;
}

interface Known {
  /** Folder and state of the files. */
  version: string;
  held: HeldCertificate;
}

/** Opens (and makes) the directory. One writer at a time per hostname. */
export function createCertsDir(options: CertsDirOptions): CertificateStore {
  const { dir } = options;
  /** A version folder is not changed by us, so what was read once holds while its files are as they were. */
  const known = new Map<string, Known>();

  return {
    async write(hostname, pair, source, keptFrom = []) {
      if (!isCanonicalHostname(hostname)) throw new KokoaError('certificate_store_failed', 'not a canonical hostname');
      try {
        await makeFolder(dir, options);
        await makeFolder(join(dir, VERSIONS), options);
        await swapIn(options, certificateFolder(hostname), { pair, source, keptFrom });
      } catch (error) {
        throw new KokoaError(
          'certificate_store_failed',
          `cannot store the certificate of ${hostname} in ${dir}: ${diskTrouble(error)}`,
          {
            hint: `check space and permissions; ${join(dir, certificateFolder(hostname))} must be absent or a symlink`,
            cause: error,
          },
        );
      }
    },

    async read(hostname) {
      if (!isCanonicalHostname(hostname)) return undefined;
      return readPair(join(dir, certificateFolder(hostname)));
    },

    async remove(hostname) {
      if (!isCanonicalHostname(hostname)) return false;
      try {
        return await takeAway(dir, certificateFolder(hostname));
      } catch (error) {
        throw new KokoaError(
          'certificate_store_failed',
          `cannot remove the certificate of ${hostname} from ${dir}: ${diskTrouble(error)}`,
          { hint: 'check the permissions of that directory', cause: error },
        );
      }
    },

    async list() {
      const entries = (await readdir(dir).catch(() => [])).filter((entry) => !entry.startsWith('.')).sort();
      const held: HeldCertificate[] = [];
      const strange: { entry: string; reason: string }[] = [];
      for (let start = 0; start < entries.length; start += READS_AT_ONCE) {
        const batch = entries.slice(start, start + READS_AT_ONCE);
        for (const result of await Promise.all(batch.map((entry) => look(options, entry, known)))) {
          if ('reason' in result) strange.push(result);
          else held.push(result);
        }
      }
      return { held, strange };
    },
  };
}

async function swapIn(
  options: CertsDirOptions,
  folder: string,
  { pair, source, keptFrom }: { pair: CertificatePair; source: CertificateSource; keptFrom: readonly string[] },
): Promise<void> {
  const { dir, gid } = options;
  const present = await lstat(join(dir, folder)).catch(() => undefined);
  if (present && !present.isSymbolicLink()) throw new Error('something else than a symlink stands there');

  const version = randomBytes(8).toString('hex');
  const versions = join(dir, VERSIONS, folder);
  const path = join(versions, version);
  await makeFolder(versions, options);
  await makeFolder(path, options);
  const ownership = { mode: FILE_MODE, ...(gid !== undefined && { gid }) };
  await createPrivateFile(join(path, 'fullchain.pem'), pair.fullchain, ownership);
  await createPrivateFile(join(path, 'key.pem'), pair.key, ownership);
  await createPrivateFile(join(path, 'source'), `${source}\n`, ownership);
  if (keptFrom.length > 0) await createPrivateFile(join(path, KEPT_FROM), JSON.stringify(keptFrom), ownership);
  await syncFolder(path);
  await syncFolder(versions);

  const link = `${path}.link`;
  await symlink(join(VERSIONS, folder, version), link);
  await rename(link, join(dir, folder));
  await syncFolder(dir);
  await removeOtherVersions(dir, folder, version);
}

/** The key goes before its name, so that what a crash leaves is found again. A pair that comes meanwhile stays. */
async function takeAway(dir: string, folder: string): Promise<boolean> {
  const link = join(dir, folder);
  const target = await readlink(link).catch(() => undefined);
  if (target === undefined || dirname(target) !== join(VERSIONS, folder)) return false;
  await rm(join(dir, target), { recursive: true, force: true });
  if ((await readlink(link).catch(() => undefined)) !== target) return true;
  await rm(link, { force: true });
  await rm(join(dir, VERSIONS, folder), { recursive: true, force: true });
  await syncFolder(dir);
  return true;
}

/** Older keys do not stay around, nor what a crash left between two steps. What the link names now always stays. */
async function removeOtherVersions(dir: string, folder: string, version: string): Promise<void> {
  const versions = join(dir, VERSIONS, folder);
  const kept = [version, basename(await readlink(join(dir, folder)))];
  for (const entry of await readdir(versions)) {
    if (!kept.includes(entry)) await rm(join(versions, entry), { recursive: true, force: true });
  }
}

async function look(
  options: CertsDirOptions,
  entry: string,
  known: Map<string, Known>,
): Promise<HeldCertificate | { entry: string; reason: string }> {
  const path = join(options.dir, entry);
  const hostname = hostnameOfFolder(entry);
  if (hostname === undefined) return { entry, reason: 'not the name of a certificate' };
  const target = await readlink(path).catch(() => undefined);
  if (target === undefined) return { entry, reason: 'not a symlink: somebody else put it there' };
  if (target.startsWith(`${VERSIONS}/`)) await restoreAccess(path, options).catch(() => undefined);
  const version = `${target} ${await stampOf(path)}`;
  const before = known.get(hostname);
  if (before?.version === version) return before.held;

  const pair = await readPair(path);
  const source = (await readBounded(join(path, 'source'), SOURCE_BYTES_MAX).catch(() => undefined))?.trim() ?? '';
  if (!pair || !SOURCES.includes(source))
    return { entry, reason: 'torn: a file is missing, damaged or does not match' };
  const leaf = new X509Certificate(pair.fullchain);
  const held: HeldCertificate = {
    hostname,
    source: source as CertificateSource,
    notBefore: leaf.validFromDate.getTime(),
    notAfter: leaf.validToDate.getTime(),
    fingerprint256: fingerprintOf(leaf),
    keptFrom: await readKept(path),
  };
  known.set(hostname, { version, held });
  return held;
}

/** Differs when one of the files was changed or is gone. */
async function stampOf(path: string): Promise<string> {
  const files = await Promise.all(PAIR.map((name) => stat(join(path, name)).catch(() => undefined)));
  return files.map((file) => (file ? `${file.ino}.${file.size}.${file.mtimeMs}.${file.ctimeMs}` : 'none')).join(' ');
}

/** What the workers may not read breaks the handshakes of its name, although it is whole. Only what this agent wrote is touched. */
async function restoreAccess(path: string, { gid }: CertsDirOptions): Promise<void> {
  for (const name of PAIR) {
    const file = await lstat(join(path, name));
    if (!file.isFile()) return;
    if ((file.mode & 0o777) !== FILE_MODE) await chmod(join(path, name), FILE_MODE);
    if (gid !== undefined && file.gid !== gid) await chown(join(path, name), process.getuid?.() ?? 0, gid);
  }
}

/** What cannot be read says nothing: then it is ordered once more than needed. */
async function readKept(path: string): Promise<string[]> {
  try {
    return readKeptFrom(JSON.parse((await readBounded(join(path, KEPT_FROM), KEPT_FROM_BYTES_MAX)) ?? '[]'));
  } catch {
    return [];
  }
}

/** Both files, when they belong together. */
async function readPair(path: string): Promise<CertificatePair | undefined> {
  try {
    const fullchain = await readBounded(join(path, 'fullchain.pem'), FULLCHAIN_CHARACTERS_MAX);
    const key = await readBounded(join(path, 'key.pem'), KEY_CHARACTERS_MAX);
    if (fullchain === undefined || key === undefined) return undefined;
    return new X509Certificate(fullchain).checkPrivateKey(createPrivateKey(key)) ? { fullchain, key } : undefined;
  } catch {
    return undefined;
  }
}

/** The mode is set besides, because a umask may have taken bits away. */
async function makeFolder(path: string, { gid }: CertsDirOptions): Promise<void> {
  await makeOwnDirectory(path, FOLDER_MODE);
  await chmod(path, FOLDER_MODE);
  if (gid !== undefined) await chown(path, process.getuid?.() ?? 0, gid);
}
