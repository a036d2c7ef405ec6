// Where there would be too many of something after a merge, newcomers wait: all that changed is taken back to what is published, then
// let in one by one while there is room. Law: of what is published nothing makes room for anything new.
import { BOUNDS, boundProblem, countIn, eachOnce, isCrowded, placesBeyond, placesIn } from './core/bounds.ts';
import { type Desired, updateDesired } from './core/desired.ts';
import type { LoadedFile } from './core/files.ts';
import { lookup } from './core/persistent-map.ts';
import type { Problem } from './core/problem.ts';
import type { Precedents } from './quarantine.ts';

export interface Settled {
  desired: Desired;
  /** Path → why the file is not let in. */
  refused: Map<string, readonly Problem[]>;
}

interface Contender {
  file: LoadedFile<'route'>;
  /** Undefined: the file is new, or its published version is not valid any more. */
  published: LoadedFile<'route'> | undefined;
}

/** `desired` itself while nothing is above a bound, or nothing can be refused. `isGood`: a version of a file may be live. */
export async function settleBounds(
  desired: Desired,
  suspects: ReadonlySet<string>,
  { publishedVersion }: Pick<Precedents, 'publishedVersion'>,
  isGood: (candidate: Desired, path: string) => boolean,
): Promise<Settled> {
  const refused = new Map<string, readonly Problem[]>();
  if (!isCrowded(desired)) return { desired, refused };
  const contenders: Contender[] = [];
  for (const path of [...suspects].sort()) {
    const file = lookup(desired.files, path);
    if (file?.kind !== 'route' || placesBeyond(desired, file).length === 0) continue;
    const published = await publishedVersion(file);
    if (published?.blob !== file.blob) contenders.push({ file, published });
  }

  let settled = desired;
  for (const one of contenders) {
    const { path } = one.file;
    const back = updateDesired(settled, [{ path, file: one.published }]);
    if (one.published !== undefined && !isGood(back, path)) one.published = undefined;
    settled = one.published === undefined ? updateDesired(settled, [{ path }]) : back;
  }
  // Who has a place already may change what it is used for before somebody new gets one.
  contenders.sort((a, b) => Number(a.published === undefined) - Number(b.published === undefined));
  for (const { file } of contenders) {
    const candidate = updateDesired(settled, [{ path: file.path, file }]);
    const problems = problemsOf(file, settled, candidate);
    if (problems.length === 0) settled = candidate;
    else refused.set(file.path, problems);
  }
  return refused.size === 0 ? { desired, refused } : { desired: settled, refused };
}

/** Above a bound, and more of it than before. */
function problemsOf(file: LoadedFile<'route'>, before: Desired, after: Desired): Problem[] {
  const problems = BOUNDS.flatMap((bound) =>
    placesIn(after, bound, file).flatMap((place) => {
      const count = countIn(after, bound, place.group);
      if (count <= bound.max || count <= countIn(before, bound, place.group)) return [];
      return [boundProblem(file, bound, place, count)];
    }),
  );
  return eachOnce(problems);
}
