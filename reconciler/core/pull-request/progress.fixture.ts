// A merge and a fleet for the tests of progress: edges that took what is published, and say so, unless a case says otherwise.
import type { AnyLoadedFile } from '../files.ts';
import { edge, kokoa, route } from '../world.fixture.ts';
import type { EdgeReport, Merge, MergeEdge, MergeFleet } from './merge-fleet.ts';
import { type FilePair, touchedBy } from './touched.ts';

export const COMMIT = '6b1f0c2d3e4f5061728394a5b6c7d8e9fa0b1c2d';
export const SINCE_MS = Date.parse('2026-11-22T12:00:00Z');
const PUBLISHED = 'a'.repeat(64);
const SINCE = '2026-11-22T12:00:03.000Z';

export const added = (file: AnyLoadedFile): FilePair => ({ path: file.path, after: file });
export const removed = (file: AnyLoadedFile): FilePair => ({ path: file.path, before: file });
export const changed = (before: AnyLoadedFile, after: AnyLoadedFile): FilePair => ({ path: after.path, before, after });

export const BLOG = route('blog.hoge.com', 'home');
export const WIKI = route('wiki.hoge.com', 'home', 9000);
export const SETTINGS = changed(kokoa(), kokoa({ acme: { server: 'https://other.example/dir' } }));
export const NEW_EDGE = added(edge('osaka-2'));

export function mergeOf(...files: FilePair[]): Merge {
  return { commit: COMMIT, sinceMs: SINCE_MS, touched: touchedBy(files, 'default') };
}

/** Took it, asks, and has nothing to complain of. */
export function report(more: Partial<EdgeReport> = {}): EdgeReport {
  return { state: 'applied', offered: PUBLISHED, applied: PUBLISHED, answers: [], ...more };
}

/** Has not taken it. */
export function behind(more: Partial<EdgeReport> = {}): EdgeReport {
  return report({ applied: 'b'.repeat(64), offered: 'b'.repeat(64), ...more });
}

export function answers(all: Record<string, number | string>): Pick<EdgeReport, 'answers'> {
  return {
    answers: Object.entries(all).map(([hostname, answer]) => ({
      ...{ hostname, since: SINCE },
      ...(typeof answer === 'number' ? { status: answer } : { failure: answer }),
    })),
  };
}

/** `silent`: it never reported. */
export function edgeAt(node: string, said: EdgeReport | 'silent' = report(), more: Partial<MergeEdge> = {}): MergeEdge {
  const heard = said === 'silent' ? undefined : said;
  return { node, pool: 'default', state: 'active', published: PUBLISHED, lastSeenMs: SINCE_MS, report: heard, ...more };
}

export function fleetOf(edges: readonly MergeEdge[], more: Partial<MergeFleet> = {}): MergeFleet {
  return {
    ...{ isPublished: true, isInBranch: true, hold: undefined, edges },
    ...{ quarantined: new Map(), changedSince: new Set(), takenOver: new Set() },
    ...more,
  };
}
