// When every edge of a pool is lost: the escrow key opens the pool's identity, that opens the certificates, and each is sealed anew for one
// machine. Law: what is written can be opened by that machine alone, and one bad certificate costs its own name.
import { PARCEL_FORMAT, type ParcelHead, type ParcelItem, type SealedCertificate } from '../bundle/api.ts';
import { judgeCertificate } from '../bundle/certificate.ts';
import { readCertificateText, writeCertificateText } from '../bundle/certificate-text.ts';
import { KokoaError } from '../bundle/error.ts';
import type { PoolMailbox } from './adapters/mailboxes-beside.ts';
import { distrust, type ParcelTrust } from './core/parcel-trust.ts';

export interface EscrowSealing {
  /** @throws KokoaError key_damaged */
  recipientOf(identity: string): Promise<string>;
  /** @throws KokoaError unseal_failed */
  open(identity: string, sealed: string): Promise<string>;
  seal(recipient: string, text: string): Promise<string>;
}

export interface ParcelRequest {
  mailbox: PoolMailbox;
  /** Secret, `AGE-SECRET-KEY-1…`: the offline key. */
  escrowKey: string;
  /** age recipient of the machine that is to have it. */
  recipient: string;
  sealing: EscrowSealing;
  trust: Pick<ParcelTrust, 'authorities' | 'replaced'>;
  /** ms since the epoch. */
  now: number;
}

export interface Parcel {
  /** Lines of the file. */
  lines: string[];
  names: string[];
  leftOut: { name: string; reason: string }[];
}

/** @throws KokoaError no_escrow, key_damaged, other_escrow, identity_damaged */
export async function packParcel(request: ParcelRequest): Promise<Parcel> {
  const { mailbox, escrowKey, recipient, sealing, now } = request;
  const trust: ParcelTrust = { ...request.trust, signers: mailbox.signers ?? {}, recipient };
  const identity = await openIdentity(mailbox, escrowKey, sealing);
  const head: ParcelHead = { format: PARCEL_FORMAT, pool: mailbox.pool, recipient };
  const parcel: Parcel = { lines: [JSON.stringify(head)], names: [], leftOut: [] };
  for (const item of mailbox.certificates) {
    const name = item.hostname;
    const opened = await openCertificate(item);
    if ('reason' in opened) {
      parcel.leftOut.push({ name, reason: opened.reason });
      continue;
    }
    const line: ParcelItem = { name, sealed: await sealing.seal(recipient, opened.text) };
    parcel.lines.push(JSON.stringify(line));
    parcel.names.push(name);
  }
  return parcel;

  async function openCertificate(item: SealedCertificate): Promise<{ text: string } | { reason: string }> {
    const { hostname, sealed } = item;
    if (item.recipient !== mailbox.identity?.recipient)
      return { reason: 'it is sealed to an older identity of the pool' };
    const text = await sealing.open(identity, sealed).catch(() => undefined);
    if (text === undefined) return { reason: 'it does not open' };
    const pair = readCertificateText(text, item.by);
    if (!pair) return { reason: 'it holds no certificate and key' };
    const verdict = judgeCertificate({ ...pair, hostname, now });
    if (!verdict.ok) return { reason: `${verdict.code}: ${verdict.detail}` };
    const reason = distrust(item, verdict.fullchain, trust);
    if (reason !== undefined) return { reason };
    return { text: writeCertificateText({ ...verdict, keptFrom: pair.keptFrom }) };
  }
}

async function openIdentity(
  { pool, identity }: ParcelRequest['mailbox'],
  escrowKey: string,
  sealing: EscrowSealing,
): Promise<string> {
  if (!identity?.escrow)
    throw new KokoaError('no_escrow', `the identity of pool ${pool} is wrapped to no escrow key`, {
      hint: 'pools[].escrow has to be there before the edges are lost; now the certificates have to be ordered anew',
    });
  const given = await sealing.recipientOf(escrowKey);
  if (given !== identity.escrow.recipient)
    throw new KokoaError('other_escrow', `this key is ${given}, found ${identity.escrow.recipient} in the mailbox`, {
      hint: 'give the key that pools[].escrow named when the edges were last alive',
    });
  const opened = await sealing.open(escrowKey, identity.escrow.wrap).catch(() => undefined);
  if (opened !== undefined && (await sealing.recipientOf(opened).catch(() => undefined)) === identity.recipient)
    return opened;
  throw new KokoaError('identity_damaged', `what is wrapped to the escrow key is not the identity of pool ${pool}`, {
    hint: 'try an older backup of the store, or an exported mailbox',
  });
}
