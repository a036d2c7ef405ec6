// May this edge order a certificate now? Law: only the host's orderer, and only when wherever the CA's validation may land, the edge
// already answers for that orderer's account; a lost validation costs one of few tries.

/** An edge of the pool, as the server knows it. */
export interface LeaseEdge {
  node: string;
  state: 'active' | 'draining' | 'suspended' | 'revoked' | 'compromised';
  /** ms since the epoch; undefined: never heard of. */
  lastSeenMs: number | undefined;
  /** What the config it applied says of the host; undefined: nothing, or the config is not known any more. */
  answersFor: { orderer: string | undefined; thumbprint: string | undefined } | undefined;
}

export interface LeaseRequest {
  node: string;
  /** By the newest published config of the asking edge; undefined: it does not have the host, or nobody orders it. */
  orderer: string | undefined;
  /** Of the asking edge's ACME account, by the same config. */
  thumbprint: string | undefined;
  /** All edges of its pool. */
  edges: readonly LeaseEdge[];
  nowMs: number;
}

export type LeaseDecision = { kind: 'grant' } | { kind: 'refuse'; reason: string; retryAfterMs: number };

export const LEASE_MS = 10 * 60_000;
/** An edge that was silent for longer is not waited for. */
export const HEALTHY_SILENCE_MS = 90_000;
/** An edge that is about to apply needs about this long. */
const SOON_MS = 500;
/** Something else must change first. */
export const LEASE_LATER_MS = 30_000;

export function decideLease({ node, orderer, thumbprint, edges, nowMs }: LeaseRequest): LeaseDecision {
  if (orderer === undefined) return refuse('no edge orders a certificate for this hostname', LEASE_LATER_MS);
  if (orderer !== node) return refuse(`${orderer} orders the certificate for this hostname`, LEASE_LATER_MS);
  if (thumbprint === undefined) return refuse(`no published config names the ACME account of ${node} yet`, SOON_MS);
  const behind = edges
    .filter((edge) => isServing(edge, nowMs))
    .filter(({ answersFor }) => answersFor?.orderer !== node || answersFor.thumbprint !== thumbprint)
    .map((edge) => edge.node)
    .sort();
  if (behind.length === 0) return { kind: 'grant' };
  return refuse(`waiting until ${behind.join(', ')} applied a config that names ${node} for this hostname`, SOON_MS);
}

/** A draining edge still gets visitors, and with them validations; a suspended one is out of DNS. */
function isServing({ state, lastSeenMs }: LeaseEdge, nowMs: number): boolean {
  return (
    (state === 'active' || state === 'draining') && lastSeenMs !== undefined && nowMs - lastSeenMs < HEALTHY_SILENCE_MS
  );
}

function refuse(reason: string, retryAfterMs: number): LeaseDecision {
  return { kind: 'refuse', reason, retryAfterMs };
}
