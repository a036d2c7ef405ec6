// One bad route file must not keep the rest from going live. Law: only files in routes/ are ever left out; an older version is
// taken from the file's own history, and only when it is valid under today's rules.
import { checkRoute } from './core/check.ts';
import { type Desired, updateDesired } from './core/desired.ts';
import { viewOfDesired } from './core/desired-view.ts';
import type { AnyLoadedFile, LoadedFile } from './core/files.ts';
import { entriesOf, lookup } from './core/persistent-map.ts';
import type { Problem } from './core/problem.ts';
import { checkWire } from './core/wire-size.ts';
import { settleBounds } from './settle-bounds.ts';

/** The one rule by which a file is bad because of another route: two claim a hostname. */
const CLAIMED_TWICE = 'KK303';

export interface Quarantine {
  desired: Desired;
  /** Path → why the newest version of the file is not live. */
  quarantined: Map<string, readonly Problem[]>;
}

export interface Precedents {
  /** Of several files that claim a hostname, the path of the one that had it first; undefined: none did. */
  holderOf(hostname: string, claims: readonly LoadedFile<'route'>[]): Promise<string | undefined>;
  /** The version of a file that is published; undefined: none, or nobody can tell. */
  publishedVersion(newest: LoadedFile<'route'>): Promise<LoadedFile<'route'> | undefined>;
  /** The older versions of a file, newest first. */
  olderVersions(newest: AnyLoadedFile): AsyncIterable<AnyLoadedFile>;
}

/**
 * The newest state with every bad file among `suspects` replaced by its newest good version, or absent. `suspects` are all files
 * that may be bad, may claim a hostname that they did not claim before, or may be one too many.
 */
export async function quarantine(
  newest: Desired,
  suspects: ReadonlySet<string>,
  precedents: Precedents,
): Promise<Quarantine> {
  const quarantined = new Map<string, readonly Problem[]>();
  let desired = newest;
  for (const path of [...suspects].sort()) {
    const problems = errorsAt(newest, path).filter(isOwn);
    if (problems.length === 0) continue;
    quarantined.set(path, problems);
    const isGood = (candidate: Desired) => !errorsAt(candidate, path).some(isOwn);
    desired = await replaced(desired, lookup(newest.files, path)!, isGood, precedents);
  }
  // A file that goes back to its published version may claim again what another one has claimed since. Each round settles a file for
  // good, and the published versions of all are at peace with each other.
  for (let round = 0; round <= suspects.size; round += 1) {
    desired = await settleHosts({ newest, desired, quarantined }, suspects, precedents);
    const settled = await settleBounds(desired, suspects, precedents, (candidate, path) =>
      errorsAt(candidate, path).every((problem) => !isOwn(problem)),
    );
    for (const [path, problems] of settled.refused) quarantined.set(path, problems);
    desired = settled.desired;
    if (settled.refused.size === 0) break;
  }
  return { desired, quarantined };
}

/** Leaves each contested hostname to one file. */
async function settleHosts(
  { newest, desired: before, quarantined }: Quarantine & { newest: Desired },
  suspects: ReadonlySet<string>,
  precedents: Precedents,
): Promise<Desired> {
  let desired = before;
  for (const hostname of contestedHosts(desired, suspects)) {
    const claims = [...entriesOf(lookup(desired.routesByHost, hostname))].map(([, file]) => file).sort(byPath);
    const holder =
      (await precedents.holderOf(hostname, claims)) ??
      (claims.find(({ path }) => !quarantined.has(path)) ?? claims[0]!).path;
    const losers = claims.map(({ path }) => path).filter((path) => path !== holder);
    for (const path of losers) if (!quarantined.has(path)) quarantined.set(path, errorsAt(desired, path));
    desired = updateDesired(
      desired,
      losers.map((path) => ({ path })),
    );
    for (const path of losers) {
      const isGood = (candidate: Desired) => errorsAt(candidate, path).length === 0;
      desired = await replaced(desired, lookup(newest.files, path)!, isGood, precedents);
    }
  }
  return desired;
}

/** `desired` with the newest older version of a file that is good in it, or without the file. */
async function replaced(
  desired: Desired,
  newest: AnyLoadedFile,
  isGood: (candidate: Desired) => boolean,
  { olderVersions }: Precedents,
): Promise<Desired> {
  for await (const file of olderVersions(newest)) {
    if (file.value === undefined) continue;
    const candidate = updateDesired(desired, [{ path: newest.path, file }]);
    if (isGood(candidate)) return candidate;
  }
  return updateDesired(desired, [{ path: newest.path }]);
}

/** Errors of one route file, its own and those with others; warnings do not keep anything back. */
function errorsAt(desired: Desired, path: string): Problem[] {
  const file = lookup(desired.files, path);
  if (file?.kind !== 'route') return [];
  const problems = [...file.problems, ...checkRoute(viewOfDesired(desired), path)];
  const errors = problems.filter(({ severity }) => severity === 'error');
  return errors.some(isOwn) ? errors : [...errors, ...checkWire(file)];
}

function isOwn({ rule }: Problem): boolean {
  return rule !== CLAIMED_TWICE;
}

/** Hostnames that more than one file claims, at least one of them a suspect; sorted. */
function contestedHosts(desired: Desired, suspects: ReadonlySet<string>): string[] {
  const hosts = new Set<string>();
  for (const path of suspects) {
    const file = lookup(desired.files, path);
    if (file?.kind !== 'route' || file.hostname === undefined) continue;
    if ((lookup(desired.routesByHost, file.hostname)?.size ?? 0) > 1) hosts.add(file.hostname);
  }
  return [...hosts].sort();
}

function byPath(a: AnyLoadedFile, b: AnyLoadedFile): number {
  return a.path < b.path ? -1 : 1;
}
