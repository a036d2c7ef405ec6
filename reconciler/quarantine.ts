// One bad route file must not keep the rest from going live. Law: only files in routes/ are ever left out; an older version is
// taken from the file's own history, and only when it is valid under today's rules.
import { checkRoute } from './core/check.ts';
import { claimOf, type Desired, updateDesired } from './core/desired.ts';
import type { AnyLoadedFile } from './core/files.ts';
import { loadFile } from './core/load.ts';
import { entriesOf, lookup } from './core/persistent-map.ts';
import type { Problem } from './core/problem.ts';
import type { Source } from './ports/source.ts';
import { viewOfDesired } from './core/desired-view.ts';

/** How far back an older version is looked for. */
const ANCESTORS_MAX = 100;

export interface Quarantine {
  desired: Desired;
  /** Path → why the newest version of the file is not live. */
  quarantined: Map<string, readonly Problem[]>;
}

/**
 * The newest state with every bad file among `suspects` replaced by its newest good version, or absent. Of two files that claim
 * one hostname, the one that held it in `live` stays.
 */
export async function quarantine(
  newest: Desired,
  live: Desired,
  suspects: ReadonlySet<string>,
  commit: string,
  source: Pick<Source, 'history'>,
): Promise<Quarantine> {
  const quarantined = new Map<string, readonly Problem[]>();
  for (const path of withRivals(newest, suspects)) {
    const problems = problemsAt(newest, path);
    if (problems.length > 0 && !keepsItsClaim(newest, live, path)) quarantined.set(path, problems);
  }
  let desired = updateDesired(newest, [...quarantined.keys()].map((path) => ({ path })));
  for (const path of quarantined.keys()) {
    const file = await newestGoodVersion(desired, path, commit, source);
    if (file) desired = updateDesired(desired, [{ path, file }]);
  }
  return { desired, quarantined };
}

/** Errors of one route file, its own and those with others; warnings do not keep anything back. */
function problemsAt(desired: Desired, path: string): readonly Problem[] {
  const file = lookup(desired.files, path);
  if (file?.kind !== 'route') return [];
  return [...file.problems, ...checkRoute(viewOfDesired(desired), path)].filter(({ severity }) => severity === 'error');
}

/** The suspects and every other file that claims a hostname of theirs, sorted. */
function withRivals(desired: Desired, suspects: ReadonlySet<string>): string[] {
  const paths = new Set(suspects);
  for (const path of suspects) {
    const file = lookup(desired.files, path);
    if (file?.kind !== 'route' || file.hostname === undefined) continue;
    for (const [rival] of entriesOf(lookup(desired.routesByHost, file.hostname))) paths.add(rival);
  }
  return [...paths].sort();
}

/** True when the file is bad only because another one claims its hostname, and it is the one that is live (or the first, when none is). */
function keepsItsClaim(newest: Desired, live: Desired, path: string): boolean {
  const file = lookup(newest.files, path);
  if (file?.kind !== 'route' || file.hostname === undefined) return false;
  const holder = claimOf(live.routesByHost, file.hostname)?.path ?? claimOf(newest.routesByHost, file.hostname)?.path;
  if (holder !== path) return false;
  const rivals = [...entriesOf(lookup(newest.routesByHost, file.hostname))].filter(([rival]) => rival !== path);
  const alone = updateDesired(newest, rivals.map(([rival]) => ({ path: rival })));
  return problemsAt(alone, path).length === 0;
}

async function newestGoodVersion(
  desired: Desired,
  path: string,
  commit: string,
  source: Pick<Source, 'history'>,
): Promise<AnyLoadedFile | undefined> {
  for await (const version of source.history(path, commit, ANCESTORS_MAX)) {
    if (version.blob === undefined || version.bytes === undefined) continue;
    const file = loadFile(path, version.blob, version.bytes);
    if (file.value !== undefined && problemsAt(updateDesired(desired, [{ path, file }]), path).length === 0) return file;
  }
  return undefined;
}
