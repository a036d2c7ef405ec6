// Gives the pool what this edge holds and the mailbox lacks: sealed to the pool's identity, signed by this edge.
import type { SealedCertificate } from '../bundle/api.ts';
import { writeCertificateText } from '../bundle/certificate-text.ts';
import { signRelayed } from '../bundle/relayed.ts';
import type { EdgeView } from './certificate-orders.ts';
import { planHandOver, REPEAT_MS } from './core/hand-over.ts';
import { goneFrom } from './core/pool-identity.ts';
import type { MailboxState } from './mailbox-state.ts';
import type { MailboxDependencies } from './pool-mailbox.ts';

const PUT_AT_ONCE = 8;

/** Puts what is due. Answers when to look again (ms), if ever. */
export async function giveCertificates(
  state: MailboxState,
  view: EdgeView,
  dependencies: MailboxDependencies,
): Promise<number | undefined> {
  const { shelf, now } = dependencies;
  const recipient = recipientOf(dependencies);
  if (recipient === undefined) return undefined;
  const plan = planHandOver({
    me: view.config.node,
    memberNames: new Set(view.config.edge.members.map(({ node }) => node)),
    recipient,
    hosts: view.certificates,
    held: shelf.all(),
    mailbox: state.entries,
    lackingSince: state.lackingSince,
    putAt: state.putAt,
    now: now(),
  });
  state.lackingSince = plan.lackingSince;
  for (let start = 0; start < plan.put.length; start += PUT_AT_ONCE) {
    const batch = plan.put.slice(start, start + PUT_AT_ONCE);
    await Promise.all(batch.map((hostname) => giveOne(hostname, recipient, state, view, dependencies)));
  }
  const repeatAtMs = plan.put.length > 0 ? now() + REPEAT_MS : Number.POSITIVE_INFINITY;
  const wakeAtMs = Math.min(plan.wakeAtMs ?? Number.POSITIVE_INFINITY, repeatAtMs);
  return Number.isFinite(wakeAtMs) ? wakeAtMs : undefined;
}

async function giveOne(
  hostname: string,
  recipient: string,
  state: MailboxState,
  view: EdgeView,
  dependencies: MailboxDependencies,
): Promise<void> {
  const { shelf, sealing, control, signingKey, log, now } = dependencies;
  const certificate = shelf.get(hostname);
  const pair = await shelf.pair(hostname);
  // Somebody may have left since the plan was made.
  if (!certificate || !pair || recipientOf(dependencies) !== recipient) return;
  const { fingerprint256 } = certificate;
  state.putAt.set(hostname, { recipient, fingerprint256, atMs: now() });
  const item = {
    hostname,
    recipient,
    sealed: await sealing.seal([recipient], writeCertificateText({ ...pair, keptFrom: certificate.keptFrom })),
    notBefore: new Date(certificate.notBefore).toISOString(),
    notAfter: new Date(certificate.notAfter).toISOString(),
    by: view.config.node,
  };
  const sent = await control.putCertificate(signRelayed<SealedCertificate>(item, signingKey));
  if (sent.kind !== 'answered') log.warn({ hostname, reason: sent.message }, 'a certificate could not be relayed yet');
}

/** Of the pool's identity. Undefined: there is none yet, or somebody who left still has it: the next one is waited for. */
function recipientOf({ identity, view }: MailboxDependencies): string | undefined {
  const held = identity.held();
  const members = view()?.config.edge.members ?? [];
  return held && goneFrom(held.wrappedFor, members).length === 0 ? held.recipient : undefined;
}
