// What was proposed for teams, in the embedded store: keys and hashes, never a body. Callers hold the transaction.
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import {
  type KeptProposal,
  PROPOSAL_KEPT_MS,
  PROPOSAL_KEPT_MS_MAX,
  PROPOSALS_PER_TEAM_MAX,
} from '../ports/kept-proposals.ts';
import type { StoredTexts } from './store-texts.ts';

const isNone = (value: unknown) => {
  const { number, url, hostname, file } = (value ?? {}) as Record<string, unknown>;
  const isWhole = Number.isSafeInteger(number) && [url, hostname, file].every((text) => typeof text === 'string');
  return isWhole ? undefined : 'it names no pull request';
};

export interface ProposalTable {
  get(team: string, key: string): KeptProposal | undefined;
  keep(proposal: KeptProposal, nowMs: number): 'kept' | 'full';
  drop(team: string, key: string): void;
  opened(team: string): number[];
}

export function createProposalTable(database: DatabaseSync, texts: StoredTexts): ProposalTable {
  const sql = (text: string) => database.prepare(text);
  const get = sql('SELECT * FROM proposals WHERE team = ? AND key = ?');
  const put = sql('REPLACE INTO proposals VALUES (?, ?, ?, ?, ?, ?, ?)');
  const drop = sql('DELETE FROM proposals WHERE team = ? AND key = ?');
  const dropOld = sql('DELETE FROM proposals WHERE created_ms < ?');
  const count = sql('SELECT count(*) AS others FROM proposals WHERE team = ? AND key <> ?');
  const dropOldest = sql(
    `DELETE FROM proposals WHERE rowid IN (SELECT rowid FROM proposals
      WHERE team = ? AND key <> ? AND created_ms < ? ORDER BY created_ms LIMIT ?)`,
  );
  const opened = sql('SELECT DISTINCT number FROM proposals WHERE team = ? AND number IS NOT NULL ORDER BY number');
  const othersOf = ({ team, key }: KeptProposal) => Number(count.get(team, key)!.others);

  return {
    get(team, key) {
      const row = get.get(team, key);
      return row === undefined ? undefined : keptProposal(row, texts);
    },
    keep(proposal, nowMs) {
      const { team, key, requestSha256, forgeKey, createdMs, opened: pull } = proposal;
      dropOld.run(nowMs - PROPOSAL_KEPT_MS_MAX);
      const beyond = othersOf(proposal) - (PROPOSALS_PER_TEAM_MAX - 1);
      if (beyond > 0) dropOldest.run(team, key, nowMs - PROPOSAL_KEPT_MS, beyond);
      if (othersOf(proposal) >= PROPOSALS_PER_TEAM_MAX) return 'full';
      put.run(team, key, requestSha256, forgeKey, createdMs, pull?.number ?? null, pull ? JSON.stringify(pull) : null);
      return 'kept';
    },
    drop: (team, key) => void drop.run(team, key),
    opened: (team) => opened.all(team).map(({ number }) => Number(number)),
  };
}

function keptProposal(row: Record<string, SQLOutputValue>, texts: StoredTexts): KeptProposal {
  const place = ['proposals', `${row.team} ${row.key}`] as const;
  const opened =
    row.opened === null ? undefined : texts.read<NonNullable<KeptProposal['opened']>>(place, row.opened, isNone);
  return {
    team: String(row.team),
    key: String(row.key),
    requestSha256: String(row.request_sha256),
    forgeKey: String(row.forge_key),
    createdMs: Number(row.created_ms),
    ...(opened && { opened }),
  };
}
