// Announcements, as the embedded store hands them out. Law: a node that was bound stays bound, whatever became of the text in its row: then
// its last report, or what was published for its peers, says under which keys.
import type { SQLOutputValue } from 'node:sqlite';
import type { Enrolment, StatusReport } from '../../bundle/api.ts';
import { validateEnrolment, validateStatusReport } from '../../bundle/api-schema.ts';
import { readConfig } from '../../bundle/check-config.ts';
import type { NodeConfig } from '../../bundle/config.ts';
import { isRefusal } from '../../bundle/refusal.ts';
import { mendedEnrolment } from '../core/mended-enrolment.ts';
import type { BoundEnrolment, PublishedNode } from '../ports/store.ts';
import { isConfigWhole } from './store-chain.ts';
import { parsed, type StoredTexts } from './store-texts.ts';

type Row = Record<string, SQLOutputValue>;

/** The other rows that name a node's keys; read only where they are needed. */
interface Beside {
  reports(): Row[];
  published(): PublishedNode[];
}

/** `known`: what was put together before, by the row it was made for. */
export function boundEnrolments(
  rows: readonly Row[],
  texts: StoredTexts,
  beside: Beside,
  known: Map<string, BoundEnrolment>,
): BoundEnrolment[] {
  let configs: NodeConfig[] | undefined;
  return rows.map((row) => {
    const node = String(row.node);
    const enrolment = texts.read<Enrolment>(['enrolments', node], row.enrolment, validateEnrolment);
    const sequence = row.sequence === null ? undefined : Number(row.sequence);
    const said = { tokenSha256: String(row.token_sha256), generation: Number(row.generation) };
    const bound = { node, ...said, ...(sequence !== undefined && { sequence }) };
    if (enrolment !== undefined) return { ...bound, enrolment };
    const key = JSON.stringify([bound, row.enrolment]);
    const reported = () => reportedEnrolment(node, sequence, beside);
    const published = () => {
      configs ??= wholeConfigs(beside);
      return mendedEnrolment(node, configs, parsed(row.enrolment));
    };
    const mended = known.get(key) ?? { ...bound, mended: true, enrolment: reported() ?? published() };
    known.set(key, mended);
    return mended;
  });
}

/** Of the machine that is bound: one that was heard before it has a smaller number. */
function reportedEnrolment(node: string, sequence = 0, { reports }: Beside): Enrolment | undefined {
  const report = parsed(reports().find((row) => row.node === node)?.report);
  if (validateStatusReport(report) !== undefined) return undefined;
  const { enrolment, sequence: number = 0 } = report as StatusReport;
  return number >= sequence ? enrolment : undefined;
}

function wholeConfigs({ published }: Beside): NodeConfig[] {
  return published()
    .filter(isConfigWhole)
    .flatMap(({ config }) => {
      const read = readConfig(config);
      return isRefusal(read) ? [] : [read];
    });
}
