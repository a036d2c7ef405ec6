// A newer nginx than the machine's, from Debian's own archive, for the benchmarks alone. Law: nothing is installed and the machine's package lists
// stay as they are; the program and the libraries it needs lie in the directory of the run and go with it.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { missingPrograms } from './prerequisites.ts';
import type { Run } from './run.ts';

/** What Debian builds next: always the newest that it has. */
const SUITE = 'sid';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
/** nginx and what it is linked with; a machine with older libraries cannot run it with its own. */
const PACKAGES = ['nginx', 'libc6', 'libcrypt1', 'libpcre2-8-0', 'libssl3t64', 'libzstd1', 'zlib1g'];
const STEP_TIMEOUT_MS = 180_000;

export type NewerNginx = { path: string } | { why: string };

/** Fetches it with apt; or says why there is none. */
export async function fetchNewerNginx(run: Run): Promise<NewerNginx> {
  const missing = missingPrograms(['apt-get', 'dpkg-deb', 'patchelf']);
  const archive = debianArchive();
  if (missing.length > 0) return { why: `not installed: ${missing.join(', ')}` };
  if (archive === undefined || !existsSync(KEYRING)) return { why: 'this machine installs nothing from Debian' };
  const folder = join(run.directory, 'newer-nginx');
  try {
    await download(folder, archive);
    return { path: await makeRunnable(folder) };
  } catch (error) {
    return { why: error instanceof Error ? error.message : String(error) };
  }
}

/** Where this machine gets Debian from. */
function debianArchive(): string | undefined {
  const folder = '/etc/apt/sources.list.d';
  const files = [
    '/etc/apt/sources.list',
    ...(existsSync(folder) ? readdirSync(folder) : []).map((name) => join(folder, name)),
  ];
  const texts = files
    .filter((file) => /\.(list|sources)$/.test(file) && existsSync(file))
    .map((file) => readFileSync(file, 'utf8'));
  return /^(?:URIs:|deb(?: \[[^\]]*\])?) +(https?:\/\/\S+\/debian)\/?(?:\s|$)/m.exec(texts.join('\n'))?.[1];
}

/** With lists and archives of its own. */
async function download(folder: string, archive: string): Promise<void> {
  for (const path of ['lists/partial', 'archives/partial', 'packages', 'root'])
    mkdirSync(join(folder, path), { recursive: true });
  const options = {
    'Dir::Etc::sourcelist': join(folder, 'sources.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State::lists': join(folder, 'lists'),
    'Dir::State::status': '/dev/null',
    'Dir::Cache': folder,
    'APT::Sandbox::User': 'root',
  };
  writeFileSync(join(folder, 'sources.list'), `deb [signed-by=${KEYRING}] ${archive} ${SUITE} main\n`);
  const args = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const step = { cwd: join(folder, 'packages'), timeout: STEP_TIMEOUT_MS };
  await execa('apt-get', [...args, '-qq', 'update'], step);
  await execa('apt-get', [...args, '-qq', 'download', ...PACKAGES], step);
  for (const name of readdirSync(step.cwd)) await execa('dpkg-deb', ['-x', name, join(folder, 'root')], step);
}

/** Its libraries are found beside it. @throws Error when it does not run */
async function makeRunnable(folder: string): Promise<string> {
  const path = join(folder, 'root/usr/sbin/nginx');
  const found = readdirSync(join(folder, 'root/usr/lib'), { recursive: true }).map(String);
  const loader = found.find((name) => /^[^/]+\/ld-linux[^/]*\.so\.[0-9]+$/.test(name));
  if (loader === undefined) throw new Error('the archive’s libc has no loader where it was expected');
  const file = join(folder, 'root/usr/lib', loader);
  const args = ['--set-interpreter', file, '--force-rpath', '--set-rpath', dirname(file), path];
  await execa('patchelf', args, { timeout: STEP_TIMEOUT_MS });
  await execa(path, ['-v'], { timeout: STEP_TIMEOUT_MS });
  return path;
}
