// Signatures on what a node says of itself. Law: one signature covers the whole report, the announcement in it, the node's name and a
// number that only grows, so whoever holds a node's token without its signing key can say nothing for it and repeat nothing of it.
import type { KeyObject } from 'node:crypto';
import type { StatusReport } from './api.ts';
import { canonicalJson } from './canonical.ts';
import { signText, verifyText } from './ed25519.ts';

/** Numbers stay far below what a double holds exactly: whoever learns one can always count on from it. */
export const SEQUENCE_MAX = 2 ** 52;

/**
 * The report as it may be posted: with `sequence`, and the ed25519 signature (RFC 8032) over the canonical JSON of the node's name
 * and all of the report. That no text of bundle/relayed.ts has these two members keeps the two kinds of signatures apart.
 * @throws TypeError for a report with numbers that are no safe integers
 */
export function signReport(
  report: StatusReport,
  by: { node: string; sequence: number; signingKey: KeyObject },
): StatusReport {
  const numbered = { ...report, sequence: by.sequence };
  return { ...numbered, signature: signText(signedText(by.node, numbered), by.signingKey) };
}

/** True when the signing key that the report itself announces signed it for this node. Never throws. */
export function isSignedReport(report: StatusReport, node: string): boolean {
  try {
    return verifyText(signedText(node, report), report.signature, report.enrolment.signingKey);
  } catch {
    return false;
  }
}

function signedText(node: string, { signature: _, ...report }: StatusReport): string {
  return canonicalJson({ node, report });
}
