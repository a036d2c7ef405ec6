// A pool identity as the mailbox shows it. Law: it is hostile until it is well formed and signed by a member of the signed config.
import type { PoolIdentity } from '../../bundle/api.ts';
import type { PoolMember } from '../../bundle/config.ts';
import { verifyRelayed } from '../../bundle/relayed.ts';

export const MEMBERS_MAX = 256;
const WRAP_CHARACTERS_MAX = 4096;

/** True for an identity of this pool within bounds, whoever signed it. */
export function isWellFormed(relayed: PoolIdentity, { pool, epochMax }: { pool: string; epochMax: number }): boolean {
  const { epoch, recipient, wraps, escrow, withheld } = relayed;
  if (relayed.pool !== pool || !Number.isSafeInteger(epoch) || epoch < 1 || epoch > epochMax) return false;
  if (typeof recipient !== 'string') return false;
  if (typeof wraps !== 'object' || wraps === null || Object.keys(wraps).length > MEMBERS_MAX) return false;
  if (escrow !== undefined && (typeof escrow?.recipient !== 'string' || !isWrap(escrow.wrap))) return false;
  if (withheld !== undefined && (!Array.isArray(withheld) || withheld.length > MEMBERS_MAX)) return false;
  return Object.values(wraps).every(isWrap);
}

/** The member whose signature it has; undefined: none of these. */
export function signerOf(relayed: PoolIdentity, members: readonly PoolMember[]): PoolMember | undefined {
  const signer = members.find(({ node }) => node === relayed.by);
  return signer && verifyRelayed(relayed, signer.signingKey) ? signer : undefined;
}

/** node → recipient as this edge believes each wrap was made; a wrap for nobody of the config is for an unknown recipient. */
export function wrappedForOf(relayed: PoolIdentity, members: readonly PoolMember[]): Record<string, string> {
  const recipients = new Map(members.map(({ node, recipient }) => [node, recipient]));
  return Object.fromEntries(Object.keys(relayed.wraps).map((node) => [node, recipients.get(node) ?? 'unknown']));
}

function isWrap(value: unknown): value is string {
  return typeof value === 'string' && value.length <= WRAP_CHARACTERS_MAX;
}
