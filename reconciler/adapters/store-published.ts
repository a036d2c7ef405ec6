// Rows of what is published, as the embedded store hands them out. Law: of a row that is damaged nobody is told more than is sure.
import type { SQLOutputValue } from 'node:sqlite';
import type { Rollout } from '../core/rollout/rollout.ts';
import { lostRollout, rolloutProblem } from '../core/rollout/stored-rollout.ts';
import type { PublishedHead, PublishedNode } from '../ports/store.ts';
import { brokenLink } from './store-chain.ts';
import type { StoredTexts } from './store-texts.ts';

type Row = Record<string, SQLOutputValue>;

/** One whose rollout cannot be read has one of which nobody knows how far it came. */
export function publishedHead(row: Row | undefined, texts: StoredTexts): PublishedHead | undefined {
  if (!row) return undefined;
  const commit = String(row.commit_id);
  const rollout = () => texts.read<Rollout>(['head', ''], row.rollout, rolloutProblem) ?? lostRollout(commit);
  return {
    ...{ sequence: Number(row.sequence), commit },
    ...(row.override_base !== null && { overrideBase: String(row.override_base) }),
    ...(row.rollout !== null && { rollout: rollout() }),
  };
}

/** The rows that are whole, and beside them those of which no node may be told anything. */
export function publishedNodes(rows: readonly Row[], texts: StoredTexts): Record<'whole' | 'damaged', PublishedNode[]> {
  const [whole, damaged]: [PublishedNode[], PublishedNode[]] = [[], []];
  for (const node of rows.map(publishedDocuments)) {
    const broken = brokenLink(node);
    if (broken !== undefined) texts.say(['nodes', node.node], broken);
    (broken === undefined ? whole : damaged).push(node);
  }
  return { whole, damaged };
}

function publishedDocuments(row: Row): PublishedNode {
  return {
    node: String(row.node),
    version: Number(row.version),
    timestampVersion: Number(row.timestamp_version),
    configHash: String(row.config_hash),
    timestampExpiresMs: Number(row.timestamp_expires_ms),
    timestamp: String(row.timestamp),
    snapshot: String(row.snapshot),
    targets: String(row.targets),
    config: String(row.config),
  };
}
