// Takes over what other members put into the pool's mailbox: judge the envelope, open, judge the content, store.
import type { SealedCertificate } from '../bundle/api.ts';
import type { EdgeView } from './certificate-orders.ts';
import { standingAgainst } from './core/own-certificate.ts';
import { judgeContent, judgeEnvelope, type ReceivingSide } from './core/sealed-certificate.ts';
import { forget, type MailboxState } from './mailbox-state.ts';
import type { MailboxDependencies } from './pool-mailbox.ts';

const OPENED_AT_ONCE = 8;

/** Goes through everything that waits. What cannot be judged yet stays. */
export async function takeCertificates(
  state: MailboxState,
  view: EdgeView,
  dependencies: MailboxDependencies,
): Promise<void> {
  const items = [...state.pending.values()];
  for (let start = 0; start < items.length; start += OPENED_AT_ONCE) {
    await Promise.all(
      items.slice(start, start + OPENED_AT_ONCE).map((item) => takeOne(item, state, view, dependencies)),
    );
  }
}

async function takeOne(
  item: SealedCertificate,
  state: MailboxState,
  view: EdgeView,
  dependencies: MailboxDependencies,
): Promise<void> {
  const { shelf, identity, recipients, explain, log, now, onReceived } = dependencies;
  const { hostname, by } = item;
  const side: ReceivingSide = {
    me: view.config.node,
    members: view.config.edge.members,
    compromised: view.config.edge.compromised,
    unapproved: recipients.unapproved(),
    hosts: view.certificates,
    recipient: identity.held()?.recipient,
    held: standingAgainst(shelf.get(hostname), view.certificates.get(hostname)),
    now: now(),
  };
  const verdict = await judge(item, side, dependencies);
  const entry = state.entries.get(hostname);
  if (verdict.kind === 'later') {
    // It stays, and is said once.
    if (verdict.isOdd && entry && entry.toldOf !== item.signature) {
      entry.toldOf = item.signature;
      log.warn({ hostname, by, reason: verdict.reason }, 'refused a relayed certificate');
    }
    if (side.hosts.has(hostname) && !shelf.isServed(hostname, now()))
      explain(hostname, `handed over later: ${verdict.reason}`);
    return;
  }
  // A newer item may have come while this one was opened.
  if (state.pending.get(hostname) === item) forget(state, hostname);
  if (verdict.kind === 'refuse') {
    if (entry?.signature === item.signature) entry.refused = true;
    log.warn({ hostname, by, reason: verdict.reason }, 'refused a relayed certificate');
    if (!shelf.isServed(hostname, now())) explain(hostname, `refused from ${by}: ${verdict.reason}`);
  }
  if (verdict.kind === 'stored') {
    explain(hostname, undefined);
    log.info({ hostname, by, notAfter: item.notAfter }, 'took a certificate over from the pool');
    onReceived(hostname);
  }
}

type Verdict =
  | { kind: 'stored' }
  | { kind: 'skip' }
  | { kind: 'later'; reason: string; isOdd?: true }
  | { kind: 'refuse'; reason: string };

async function judge(
  item: SealedCertificate,
  side: ReceivingSide,
  { identity, sealing, shelf }: MailboxDependencies,
): Promise<Verdict> {
  const envelope = judgeEnvelope(item, side);
  if (envelope.kind !== 'open') return envelope;
  let text: string;
  try {
    text = await sealing.open(identity.held()!.identity, item.sealed);
  } catch (error) {
    return { kind: 'refuse', reason: (error as Error).message.slice(0, 200) };
  }
  const content = judgeContent(item, text, side);
  if (!content.ok) return content.isNone ? { kind: 'skip' } : { kind: 'refuse', reason: content.reason };
  try {
    await shelf.put(item.hostname, content.certificate, 'relayed', content.keptFrom);
    return { kind: 'stored' };
  } catch (error) {
    return { kind: 'later', reason: (error as Error).message.slice(0, 200) };
  }
}
