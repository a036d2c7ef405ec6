// What is remembered of the changes that teams' programs proposed, so that a repeated request opens nothing twice.

/** As long a key is remembered at least. */
export const PROPOSAL_KEPT_MS = 24 * 3600_000;
/** After this it is forgotten, whether or not there is room. */
export const PROPOSAL_KEPT_MS_MAX = 30 * PROPOSAL_KEPT_MS;
export const PROPOSALS_PER_TEAM_MAX = 1000;

export interface KeptProposal {
  team: string;
  /** What names it among those of the team. */
  key: string;
  /** sha256 of what was asked for: the same key with another one is a mistake. */
  requestSha256: string;
  /** Under which the forge knows it. */
  forgeKey: string;
  createdMs: number;
  /** Undefined: nobody knows whether it was opened. */
  opened?: { number: number; url: string; hostname: string; file: string };
}

export interface KeptProposals {
  keptProposal(team: string, key: string): Promise<KeptProposal | undefined>;
  /**
   * Durable when it resolves; replaces that of the same team and key. First forgets what is older than PROPOSAL_KEPT_MS_MAX and, while
   * the team has PROPOSALS_PER_TEAM_MAX others, its oldest beyond PROPOSAL_KEPT_MS. `full`: there is no room, and nothing was kept.
   */
  keepProposal(proposal: KeptProposal, nowMs: number): Promise<'kept' | 'full'>;
  dropProposal(team: string, key: string): Promise<void>;
  /** Numbers of the pull requests that were opened for a team and are remembered; ascending, each once. */
  openedProposals(team: string): Promise<number[]>;
}
