// POST …/relay/leases/HOSTNAME: gathers what is known of the pool for core/lease.ts, and takes the lease in the store.
import type { Request, Response } from 'express';
import type { LeaseAnswer } from '../../bundle/api.ts';
import { canonicalHostname } from '../core/hostname.ts';
import { decideLease, LEASE_MS, type LeaseEdge } from '../core/lease.ts';
import { refuse } from './answer.ts';
import type { HttpDeps } from './deps.ts';
import { authenticateMember, type Member } from './relay-member.ts';
import type { ServedConfig } from './served-config.ts';

const RETRY_MS_MAX = 60_000;

export function leaseHandler(deps: HttpDeps): (request: Request, response: Response) => Promise<void> {
  return async (request, response) => {
    const member = authenticateMember(request, response, deps);
    if (!member) return;
    const hostname = String(request.params.hostname);
    const canonical = canonicalHostname(hostname);
    if (canonical.kind !== 'hostname' || canonical.hostname !== hostname)
      return refuse(response, 422, { error: 'bad_hostname', message: 'expected a hostname in canonical form' });
    const answer = await askLease(hostname, member, deps);
    if (!response.closed) response.json(answer);
  };
}

async function askLease(hostname: string, { caller, node, pool }: Member, deps: HttpDeps): Promise<LeaseAnswer> {
  const nowMs = deps.clock().getTime();
  const route = await deps.served.route(node.config, hostname);
  const decision = decideLease({
    node: caller.node,
    orderer: route?.orderer,
    thumbprint: node.config.thumbprints.get(caller.node),
    edges: await poolEdges(pool, hostname, deps),
    nowMs,
  });
  if (decision.kind === 'refuse')
    return { granted: false, reason: decision.reason, retryAfterMs: decision.retryAfterMs };
  const lease = await deps.store.takeLease({ pool, hostname, node: caller.node, expiresMs: nowMs + LEASE_MS }, nowMs);
  if (lease.node === caller.node) return { granted: true, expiresAt: new Date(lease.expiresMs).toISOString() };
  const retryAfterMs = Math.min(RETRY_MS_MAX, Math.max(0, lease.expiresMs - nowMs));
  return { granted: false, reason: `${lease.node} holds the lease`, retryAfterMs };
}

/** Every edge of the pool that has a config, with what the config it applied says of the host. */
async function poolEdges(pool: string, hostname: string, { served, reports }: HttpDeps): Promise<LeaseEdge[]> {
  const states = new Map([...served.access.values()].map(({ node, state }) => [node, state]));
  const members = [...served.nodes()].filter(({ config }) => config.pool === pool);
  return Promise.all(
    members.map(async ({ published: { node } }) => {
      const applied = reports.report(node)?.report.applied;
      const config = applied === undefined ? undefined : served.configOf(node, applied);
      const route = config && (await served.route(config, hostname));
      return {
        node,
        state: states.get(node) ?? 'revoked',
        lastSeenMs: reports.lastSeenMs(node),
        answersFor: config && route && { orderer: route.orderer, thumbprint: thumbprintOf(config, route.orderer) },
      };
    }),
  );
}

function thumbprintOf(config: ServedConfig, orderer: string | undefined): string | undefined {
  return orderer === undefined ? undefined : config.thumbprints.get(orderer);
}
