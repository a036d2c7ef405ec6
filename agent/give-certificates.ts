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
  const { shelf, identity, now } = dependencies;
  const held = identity.held();
  // Who left still has an identity that is about to be replaced: the next one is waited for.
  if (!held || goneFrom(held.wrappedFor, view.config.edge.members).length > 0) return undefined;
  const plan = planHandOver({
    me: view.config.node,
    memberNames: new Set(view.config.edge.members.map(({ node }) => node)),
    recipient: held.recipient,
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
    await Promise.all(batch.map((hostname) => giveOne(hostname, held.recipient, state, view, dependencies)));
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
  { shelf, sealing, control, signingKey, log, now }: MailboxDependencies,
): Promise<void> {
  const certificate = shelf.get(hostname);
  const pair = await shelf.pair(hostname);
  if (!certificate || !pair) return;
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
