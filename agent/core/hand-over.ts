// Which of the certificates held here the pool's mailbox lacks. The orderer puts them at once; any other holder after a while,
// so that a lost mailbox, a new identity or a removed member never costs an order.
import type { HeldCertificate } from '../ports/certificate-store.ts';

export const OTHERS_GRACE_MS = 5_000;
/** The same certificate is not put again for the same identity sooner, whatever the mailbox shows. */
export const REPEAT_MS = 60_000;

/** What the mailbox holds for one hostname. */
export interface MailboxEntry {
  by: string;
  recipient: string;
  signature: string;
  /** ms */
  notBefore: number;
  notAfter: number;
  /** ms: when this edge saw it first. */
  seenMs: number;
  /** It was judged and is worthless. */
  refused?: true;
  /** Signature of the item that was said to be kept back. */
  toldOf?: string;
}

export interface HandOverSituation {
  me: string;
  memberNames: ReadonlySet<string>;
  /** Of the pool identity held here. */
  recipient: string;
  hosts: ReadonlyMap<string, string | undefined>;
  held: Iterable<HeldCertificate>;
  mailbox: ReadonlyMap<string, MailboxEntry>;
  /** Since when each hostname is lacking, as answered last time. */
  lackingSince: ReadonlyMap<string, number>;
  /** When each hostname's was put last. */
  putAt: ReadonlyMap<string, LastPut>;
  now: number;
}

export interface LastPut {
  /** Of the identity that it was sealed to. */
  recipient: string;
  fingerprint256: string;
  /** ms */
  atMs: number;
}

export interface HandOverPlan {
  put: string[];
  lackingSince: Map<string, number>;
  wakeAtMs?: number;
}

/** Imported certificates stay on the edge they were imported on; those given for a route come to every edge with its config. */
export function planHandOver(situation: HandOverSituation): HandOverPlan {
  const { me, recipient, hosts, held, mailbox, lackingSince, putAt, now } = situation;
  const plan: HandOverPlan = { put: [], lackingSince: new Map() };
  for (const certificate of held) {
    const { hostname, source, notAfter } = certificate;
    if (source === 'imported' || source === 'given' || notAfter <= now || !hosts.has(hostname)) continue;
    const put = putAt.get(hostname);
    if (!isLacking(mailbox.get(hostname), certificate, situation) && !isReordered(certificate, put)) continue;
    const since = lackingSince.get(hostname) ?? now;
    plan.lackingSince.set(hostname, since);
    const mine = source === 'ordered' || hosts.get(hostname) === me;
    const isSame = put?.recipient === recipient && put.fingerprint256 === certificate.fingerprint256;
    const repeatMs = isSame ? put.atMs + REPEAT_MS : 0;
    const dueMs = Math.max(mine ? 0 : since + OTHERS_GRACE_MS, repeatMs);
    if (dueMs <= now) plan.put.push(hostname);
    else plan.wakeAtMs = Math.min(plan.wakeAtMs ?? dueMs, dueMs);
  }
  return plan;
}

/** Ordered in place of one that a compromised edge had, whose times say nothing: it is put once by each agent that starts. */
function isReordered({ source, keptFrom, fingerprint256 }: HeldCertificate, put: LastPut | undefined): boolean {
  return source === 'ordered' && keptFrom.length > 0 && put?.fingerprint256 !== fingerprint256;
}

function isLacking(
  entry: MailboxEntry | undefined,
  held: HeldCertificate,
  { memberNames, recipient }: Pick<HandOverSituation, 'memberNames' | 'recipient'>,
): boolean {
  if (!entry || entry.refused) return true;
  return !memberNames.has(entry.by) || entry.recipient !== recipient || entry.notBefore < held.notBefore;
}
