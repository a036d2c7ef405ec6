// Judges the state directory of an edge after a fault: what it would believe, what it would serve, and what was left lying about.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { releasesDir } from '../../../agent/adapters/releases-dir.ts';
import { trustedDir } from '../../../agent/adapters/trusted-dir.ts';
import { EDGE, HOST, type Offer, type SweptEdge } from './swept-edge.ts';
import { shapeOf } from './traced-calls.ts';

/** @throws Error unless an older bundle is refused, and all that is kept is whole and one of `allowed` */
export async function judgeState(
  { stateDir, fingerprint }: Pick<SweptEdge, 'stateDir' | 'fingerprint'>,
  older: Offer | undefined,
  allowed: readonly Offer[],
): Promise<void> {
  const trusted = trustedDir({ directory: stateDir, node: EDGE, fingerprint });
  const hashes = allowed.map(({ hash }) => hash);
  for (const [what, kept] of [
    ['lkg', await trusted.lastKnownGood()],
    ['trusted', await trusted.accepted()],
  ] as const) {
    if (kept === undefined || !hashes.includes(kept.configHash))
      throw new Error(`${what} is ${kept?.configHash ?? 'not whole'}, expected one of ${hashes.join(', ')}`);
  }
  if (!(await releasesDir(stateDir).intact())) throw new Error('current is not whole');
  if (older !== undefined) await judgeOlder({ stateDir, fingerprint }, older);
}

/** @throws Error unless `older` is refused because of what was accepted after it */
export async function judgeOlder(
  { stateDir, fingerprint }: Pick<SweptEdge, 'stateDir' | 'fingerprint'>,
  older: Offer,
): Promise<void> {
  const trusted = trustedDir({ directory: stateDir, node: EDGE, fingerprint });
  const answer = await trusted.accept(older.bundle, Date.now());
  if (answer.kind !== 'refused' || answer.code !== 'rollback')
    throw new Error(`an older bundle was ${answer.kind}: ${answer.kind === 'refused' ? answer.code : ''}`);
}

/** Names of all files, made alike from run to run; the web server's own folder and locks are not looked at. */
export async function filesIn(stateDir: string): Promise<string[]> {
  const entries = await readdir(stateDir, { recursive: true, withFileTypes: true });
  return entries
    .map((entry) => join(entry.parentPath, entry.name).slice(stateDir.length + 1))
    .filter((path) => !/^(run|lock)\b/.test(path))
    .map(shapeOf)
    .sort();
}

/** What is in `now` and not in `before`, and the other way round. */
export function differenceOf(before: readonly string[], now: readonly string[]): string {
  const [gone, come] = [[...before], [...now]];
  for (const name of before) {
    const at = come.indexOf(name);
    if (at < 0) continue;
    come.splice(at, 1);
    gone.splice(gone.indexOf(name), 1);
  }
  return [...come.map((name) => `+${name}`), ...gone.map((name) => `-${name}`)].join(' ');
}

/** The route that the kept answer of the host is about; '' when there is no answer. */
export async function keptRoute(stateDir: string): Promise<string> {
  const text = await readFile(join(stateDir, 'answers.json'), 'utf8').catch(() => '[]');
  const kept = JSON.parse(text) as { hostname: string; route: string; answer?: object }[];
  const found = kept.find(({ hostname }) => hostname === HOST);
  return found?.answer ? found.route : '';
}
