// A site whose merges are followed, under a clock that is simulated: what is said is kept, what nodes report is stored as they would.
import { vi } from 'vitest';
import type { StatusReport, VisitorAnswer } from '../../bundle/api.ts';
import { announcement } from '../core/world.fixture.ts';
import { openFleetReports } from '../http/fleet-reports.ts';
import type { CommitStatus, Deployment } from '../ports/forge.ts';
import type { Files, Site } from '../site.fixture.ts';
import { type AfterMerge, type AfterMergeDeps, createAfterMerge } from './after-merge.ts';

export type Told = Awaited<ReturnType<typeof follow>>;

/** Everything that was said, in order; the same text twice in a row is one. */
export interface Said {
  /** By pull request. */
  comments: Map<number, string[]>;
  /** `commit state: description`, by name. */
  statuses: Map<string, string[]>;
  /** `commit state: description`, by environment. */
  deployments: Map<string, string[]>;
}

export async function follow(site: Site, change: Partial<AfterMergeDeps> = {}) {
  const said: Said = { comments: new Map(), statuses: new Map(), deployments: new Map() };
  const reports = await openFleetReports(site.store, Date.now());
  const merges = new Map<string, number>();
  const seen = { looks: 0, following: 0, live: [] as number[], warnings: [] as string[] };
  const story: AfterMerge = createAfterMerge({
    source: site.deps.source,
    forge: { mergedBy: async (commit) => merges.get(commit) },
    sayings: sayingsInto(said),
    standing() {
      seen.looks += 1;
      return site.standing;
    },
    reports,
    clock: () => new Date(),
    log: { info: () => undefined, warn: (_: unknown, message?: string) => void seen.warnings.push(message ?? '') },
    metrics: {
      following(count) {
        seen.following = count;
      },
      mergeLive: (seconds) => void seen.live.push(seconds),
    },
    ...change,
  });
  const stopping = new AbortController();
  const ended = story.run(stopping.signal);
  const told = {
    ...{ said, story, merges, seen, reports },
    /** Merges as a pull request would be, and lets the reconciler run. */
    async merge(number: number | undefined, files: Files): Promise<string> {
      const commit = site.source.commit(files);
      if (number !== undefined) merges.set(commit, number);
      await site.run();
      story.moved();
      await pass(1000);
      return commit;
    },
    async ran(): Promise<void> {
      await site.run();
      story.moved();
      await pass(1000);
    },
    /** A node says that it is alive, and with `state: applied` that it has what is published for it. */
    async report(node: string, more: Partial<StatusReport> = {}): Promise<void> {
      const applied = site.standing.nodes.get(node)?.configHash ?? '';
      const report = {
        agentVersion: '1',
        state: 'applied' as const,
        offered: applied,
        applied,
        answers: [] as VisitorAnswer[],
        ...more,
      };
      await reports.save(node, { ...report, enrolment: announcement(node) }, Date.now());
      story.reported();
      await pass(1000);
    },
    /** What stands on a pull request now. */
    comment: (number: number) => said.comments.get(number)?.at(-1) ?? '',
    titles: (number: number) => (said.comments.get(number) ?? []).map((text) => text.split('\n')[0]!.slice(4)),
    async stop() {
      stopping.abort();
      await ended;
    },
  };
  await pass(1);
  return told;
}

/** Simulated time; what takes turns of the real event loop has those before and after. */
export async function pass(ms: number): Promise<void> {
  await turns();
  await vi.advanceTimersByTimeAsync(ms);
  await turns();
}

async function turns(): Promise<void> {
  for (let n = 0; n < 200; n += 1) await new Promise<void>((resolve) => void setImmediate(resolve));
}

/** What is simulated of the time. */
export const SIMULATED = ['setTimeout', 'clearTimeout', 'Date'] as const;

export const got = (all: Record<string, number>): Pick<StatusReport, 'answers'> => ({
  answers: Object.entries(all).map(([hostname, status]) => ({ hostname, status, since: '2026-11-22T12:00:00.000Z' })),
});

/** Alive, and with an older configuration. */
export const BEHIND: Partial<StatusReport> = { applied: 'b'.repeat(64), offered: 'b'.repeat(64) };

function sayingsInto({ comments, statuses, deployments }: Said): AfterMergeDeps['sayings'] {
  const line = ({ commit, state, description }: CommitStatus | Deployment) =>
    `${commit.slice(0, 7)} ${state}: ${description}`;
  return {
    comment: ({ pullRequest, markdown }) => keep(comments, pullRequest, markdown),
    status: (status) => keep(statuses, status.name, line(status)),
    deployment: (deployment) => keep(deployments, deployment.environment, line(deployment)),
  };
}

function keep<K>(kept: Map<K, string[]>, key: K, text: string): void {
  const list = kept.get(key) ?? [];
  if (list.at(-1) !== text) list.push(text);
  kept.set(key, list);
}
