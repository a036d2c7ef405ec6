// One bad route file must not keep the rest from going live. Law: only files in routes/ are ever left out; an older version is
// taken from the file's own history, and only when it is valid under today's rules.
import { checkRoute } from './core/check.ts';
import { type Desired, updateDesired } from './core/desired.ts';
import { viewOfDesired } from './core/desired-view.ts';
import type { AnyLoadedFile, LoadedFile } from './core/files.ts';
import { lookup } from './core/persistent-map.ts';
import type { Problem } from './core/problem.ts';
import { publicPortKey } from './core/public-port.ts';
import { checkWire } from './core/wire-size.ts';
import { settleBounds } from './settle-bounds.ts';

/** The rules by which a file is bad because of another route: two claim a hostname, or a public port. */
const CLAIMED_TWICE: readonly string[] = ['KK303', 'KK345'];

/** What one route alone can have. */
export interface Claim {
  kind: 'hostname' | 'publicPort';
  /** A canonical hostname, or what publicPortKey answers. */
  key: string;
}

export interface Quarantine {
  desired: Desired;
  /** Path → why the newest version of the file is not live. */
  quarantined: Map<string, readonly Problem[]>;
}

export interface Precedents {
  /** Of several files that claim the same, the path of the one that had it first; undefined: none did. */
  holderOf(claim: Claim, claimants: readonly LoadedFile<'route'>[]): Promise<string | undefined>;
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
    desired = await settleClaims({ newest, desired, quarantined }, suspects, precedents);
    const settled = await settleBounds(desired, suspects, precedents, (candidate, path) =>
      errorsAt(candidate, path).every((problem) => !isOwn(problem)),
    );
    for (const [path, problems] of settled.refused) quarantined.set(path, problems);
    desired = settled.desired;
    if (settled.refused.size === 0) break;
  }
  return { desired, quarantined };
}

/** Paths, sorted, of the files that claim something. */
export function claimantsOf(desired: Desired, { kind, key }: Claim): readonly string[] {
  const view = viewOfDesired(desired);
  return kind === 'hostname' ? view.routesByHost(key) : view.routesByPublicPort(key);
}

/** Leaves each contested hostname and public port to one file. */
async function settleClaims(
  { newest, desired: before, quarantined }: Quarantine & { newest: Desired },
  suspects: ReadonlySet<string>,
  precedents: Precedents,
): Promise<Desired> {
  let desired = before;
  for (const claim of contestedClaims(desired, suspects)) {
    const claimants = claimantsOf(desired, claim);
    const files = claimants.map((path) => lookup(desired.files, path) as LoadedFile<'route'>);
    const holder =
      (await precedents.holderOf(claim, files)) ?? claimants.find((path) => !quarantined.has(path)) ?? claimants[0];
    const losers = claimants.filter((path) => path !== holder);
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
  return !CLAIMED_TWICE.includes(rule);
}

/** What more than one file claims, at least one of them a suspect; sorted. */
function contestedClaims(desired: Desired, suspects: ReadonlySet<string>): Claim[] {
  const claims = new Map<string, Claim>();
  for (const path of suspects) {
    const claim = claimOf(desired, lookup(desired.files, path));
    if (claim !== undefined && isContested(desired, claim)) claims.set(claim.key, claim);
  }
  return [...claims.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** Asked of 100 000 hostnames after a change of kokoa.yaml: no list is made of the claims of one. */
function isContested(desired: Desired, claim: Claim): boolean {
  if (claim.kind === 'hostname') return (lookup(desired.routesByHost, claim.key)?.size ?? 0) > 1;
  return claimantsOf(desired, claim).length > 1;
}

/** What a file claims, whether or not it has it; a key of one kind is none of the other. */
function claimOf({ kokoa }: Desired, file: AnyLoadedFile | undefined): Claim | undefined {
  if (file?.kind !== 'route') return undefined;
  if (file.hostname !== undefined) return { kind: 'hostname', key: file.hostname };
  const defaultPool = kokoa?.value?.pools[0]?.name;
  if (file.value === undefined || defaultPool === undefined) return undefined;
  const key = publicPortKey(file.value, defaultPool);
  return key === undefined ? undefined : { kind: 'publicPort', key };
}
