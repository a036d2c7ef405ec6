// What the node says of itself, numbered and signed, so that nobody else can say it or say it again. Law: numbers only grow. They follow the
// clock, so that they grow over restarts too; where the clock went back, the control plane tells how far they had come.
import type { KeyObject } from 'node:crypto';
import { signReport } from '../bundle/announcement.ts';
import type { ControlPlane } from './ports/control-plane.ts';

/**
 * A number further ahead of the clock than 1 000 years is not followed: a control plane that lied could else have a report signed with the
 * last number there is, and keep the node from ever being heard again, by whoever comes after it.
 */
export const AHEAD_MS_MAX = 1_000 * 366 * 86_400_000;

export interface ReportSigner {
  node: string;
  signingKey: KeyObject;
  /** ms since the epoch. */
  now(): number;
}

/** The same control plane; its `report` signs. A report that is not the newest is numbered anew and sent once more. */
export function withSignedReports(control: ControlPlane, { node, signingKey, now }: ReportSigner): ControlPlane {
  let last = 0;
  const send: ControlPlane['report'] = (status) => {
    last = Math.max(last + 1, now());
    return control.report(signReport(status, { node, sequence: last, signingKey }));
  };
  return {
    ...control,
    async report(status) {
      const sent = await send(status);
      const newest = sent.kind === 'answered' ? sent.answer.newest : undefined;
      if (newest === undefined || newest < last || newest > now() + AHEAD_MS_MAX) return sent;
      last = newest;
      return send(status);
    },
  };
}
