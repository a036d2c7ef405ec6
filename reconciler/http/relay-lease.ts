// POST …/relay/leases/NAME, of a certificate: gathers what is known of the pool for core/lease.ts; the desk grants what may be ordered.
import type { Request, Response } from 'express';
import type { LeaseAnswer } from '../../bundle/api.ts';
import { decideLease, LEASE_LATER_MS, type LeaseEdge } from '../core/lease.ts';
import type { HttpDeps } from './deps.ts';
import type { OrderDesk } from './order-desk.ts';
import type { PoolIndex } from './pool-index.ts';
import { authenticateMember, type Member } from './relay-member.ts';
import { readQuestion } from './relay-order-end.ts';
import type { ServedConfig } from './served-config.ts';

export function leaseHandler(
  deps: HttpDeps,
  desk: OrderDesk,
  index: PoolIndex,
): (request: Request, response: Response) => Promise<void> {
  return async (request, response) => {
    const member = authenticateMember(request, response, deps);
    if (!member) return;
    const asked = await readQuestion(request, response, member, deps);
    if (asked === undefined) return;
    const answer = await askLease(asked.name, asked.said?.server, member, deps);
    if (response.closed) return;
    if (!answer.granted) return void response.json(answer);
    const { server, renewal = false } = asked.said ?? {};
    const held = await index.certificate(member.pool, asked.name);
    // Who says that a certificate is a first one, where the pool has one, would use up what new names have.
    const isRenewal = renewal || held !== undefined;
    const reissues = member.node.config.compromised ?? 0;
    const order = {
      ...{ pool: member.pool, name: asked.name, node: member.caller.node },
      ...{ server, renewal: isRenewal, reissues, held },
    };
    const granted = await desk.begin(order);
    if (!response.closed) response.json(granted);
  };
}

/** Granted, as far as the pool is concerned. */
type Asked = { granted: true } | Extract<LeaseAnswer, { granted: false }>;

async function askLease(
  hostname: string,
  server: string | undefined,
  { caller, node, pool }: Member,
  deps: HttpDeps,
): Promise<Asked> {
  if (server !== undefined && !node.config.acmeServers.includes(server)) {
    const reason = `the published config of ${caller.node} names another certificate authority`;
    return { granted: false, reason, retryAfterMs: LEASE_LATER_MS };
  }
  const nowMs = deps.clock().getTime();
  const wanted = await deps.served.certificate(node.config, hostname);
  const decision = decideLease({
    node: caller.node,
    orderer: wanted?.orderer,
    thumbprint: node.config.thumbprints.get(caller.node),
    edges: await poolEdges(pool, hostname, deps),
    nowMs,
  });
  if (decision.kind === 'refuse')
    return { granted: false, reason: decision.reason, retryAfterMs: decision.retryAfterMs };
  return { granted: true };
}

/** Every edge of the pool that has a config, with what the config it applied says of the host. */
async function poolEdges(pool: string, hostname: string, { served, reports }: HttpDeps): Promise<LeaseEdge[]> {
  const states = new Map([...served.access.values()].map(({ node, state }) => [node, state]));
  const members = [...served.nodes()].filter(({ config }) => config.pool === pool);
  return Promise.all(
    members.map(async ({ published: { node } }) => {
      const applied = reports.report(node)?.report.applied;
      const config = applied === undefined ? undefined : served.configOf(node, applied);
      const wanted = config && (await served.certificate(config, hostname));
      return {
        node,
        state: states.get(node) ?? 'revoked',
        lastSeenMs: reports.lastSeenMs(node),
        answersFor: config && wanted && { orderer: wanted.orderer, thumbprint: thumbprintOf(config, wanted.orderer) },
      };
    }),
  );
}

function thumbprintOf(config: ServedConfig, orderer: string | undefined): string | undefined {
  return orderer === undefined ? undefined : config.thumbprints.get(orderer);
}
