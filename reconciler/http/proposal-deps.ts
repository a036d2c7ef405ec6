// What it takes to turn a team's request into a pull request.
import type { Log } from '../adapters/log.ts';
import type { ForgeMetrics } from '../adapters/metrics-forge.ts';
import type { Forge } from '../ports/forge.ts';
import type { KeptProposals } from '../ports/kept-proposals.ts';
import type { Standing } from '../standing.ts';

export interface ProposalParts {
  /** As it is at this moment. */
  standing(): Pick<Standing, 'commit' | 'newest' | 'live' | 'hold'>;
  /** Undefined: nobody can open pull requests here. */
  forge: Pick<Forge, 'propose' | 'openPullRequests'> | undefined;
  store: KeptProposals;
  /** The text of a file of the newest state; undefined: it cannot be read now. */
  textOf(file: { path: string; blob: string }): Promise<string | undefined>;
}

export interface ProposalDeps extends ProposalParts {
  clock(): Date;
  log: Pick<Log, 'info' | 'warn'>;
  metrics: Pick<ForgeMetrics, 'proposal'>;
}
