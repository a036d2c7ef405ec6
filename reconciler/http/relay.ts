// The pool's mailbox: members leave certificates and the pool's identity for each other, sealed and signed; the server stores, orders
// and passes on. Law: an edge reaches its own pool only, speaks only for itself, and a hostname's certificate comes from its orderer.
import type { Request, Response, Router } from 'express';
import type { PoolIdentity, SealedCertificate } from '../../bundle/api.ts';
import { POST_BYTES_MAX, WAIT_SECONDS_MAX } from '../../bundle/limits.ts';
import { verifyRelayed } from '../../bundle/relayed.ts';
import { goneSignal, refuse, wholeNumber } from './answer.ts';
import { readJson } from './body.ts';
import type { HttpDeps } from './deps.ts';
import { createOrderDesk } from './order-desk.ts';
import { createPoolIndex, type PoolIndex } from './pool-index.ts';
import { challengeEndHandler, challengeHandler } from './relay-challenge.ts';
import { leaseHandler } from './relay-lease.ts';
import { authenticateMember, type Member } from './relay-member.ts';
import { orderEndHandler } from './relay-order-end.ts';
import { asPoolIdentity, asSealedCertificate } from './relay-schema.ts';

/** How far above the kept identity's number, or the configured one, the next may be: nobody uses up the numbers there are. */
const EPOCH_STEP_MAX = 1000;
/** Of a mailbox without identity: whoever kept one over the loss of a mailbox gives it again, whatever its number is. */
const FIRST_EPOCH_MAX = 2 ** 36;

/** Adds the relay's routes below `base`. */
export function addRelay(router: Router, base: string, deps: HttpDeps): void {
  const index = createPoolIndex(deps.store);
  const desk = createOrderDesk(deps);
  const read = readHandler(deps, index);
  const putIdentity = identityHandler(deps, index);
  const putCertificate = certificateHandler(deps, index);
  router.get(base, read);
  router.route(`${base}/identity`).put(putIdentity).post(putIdentity);
  router.route(`${base}/certificates{/:hostname}`).put(putCertificate).post(putCertificate);
  router.post(`${base}/leases/:hostname`, leaseHandler(deps, desk, index));
  router.post(`${base}/challenges/:name`, challengeHandler(deps));
  router.post(`${base}/challenges/:name/end`, challengeEndHandler(deps));
  router.post(`${base}/orders/:hostname`, orderEndHandler(deps, desk));
}

function readHandler(deps: HttpDeps, index: PoolIndex) {
  return async (request: Request, response: Response): Promise<void> => {
    const member = authenticateMember(request, response, deps);
    if (!member) return;
    const since = wholeNumber(request.query.since, 0, Number.MAX_SAFE_INTEGER);
    const wait = wholeNumber(request.query.wait, 1, WAIT_SECONDS_MAX);
    if (since === null || wait === null)
      return refuse(response, 400, {
        error: 'bad_query',
        message: `since is a sequence, wait 1 to ${WAIT_SECONDS_MAX} seconds`,
      });
    const gone = goneSignal(response);
    if (wait !== undefined && (await index.sequence(member.pool)) === (since ?? 0)) {
      const wake = await deps.served.changeOfPool(member.pool, wait * 1000, gone);
      if (wake === 'gone') return;
      if (wake === 'closed')
        return refuse(response, 503, { error: 'closing', message: 'the control plane is restarting' });
      const again = authenticateMember(request, response, deps);
      if (!again) return;
      if (again.pool !== member.pool)
        return refuse(response, 503, { error: 'not_ready', message: 'the pool of the node changed' });
    }
    const answer = await deps.store.relay(member.pool, since ?? 0);
    if (!response.closed) response.json(answer);
  };
}

function identityHandler(deps: HttpDeps, index: PoolIndex) {
  return async (request: Request, response: Response): Promise<void> => {
    const member = authenticateMember(request, response, deps);
    if (!member) return;
    const body = await readJson(request, response, POST_BYTES_MAX);
    if (body === undefined) return;
    const item = asPoolIdentity(body);
    if ('problem' in item) return refuse(response, 422, { error: 'bad_identity', message: item.problem });
    if (item.pool !== member.pool)
      return refuse(response, 409, {
        error: 'other_pool',
        message: `${member.caller.node} belongs to pool ${member.pool}`,
      });
    const { thumbprints, escrow, identityEpoch = 0 } = member.node.config;
    const stranger = [...Object.keys(item.wraps), ...(item.withheld ?? [])].find((node) => !thumbprints.has(node));
    if (stranger !== undefined)
      return refuse(response, 409, {
        error: 'not_a_member',
        message: `the identity names ${stranger}, which is no member of the pool`,
      });
    if (item.escrow !== undefined && item.escrow.recipient !== escrow)
      return refuse(response, 409, {
        error: 'other_escrow',
        message: `/escrow is wrapped to another key than ${escrow === undefined ? 'none' : 'that of the pool'}`,
      });
    if (!isOwn(item, member, deps, response)) return;
    const held = await index.epoch(member.pool);
    const most = Math.max(held ?? 0, identityEpoch) + (held === undefined ? FIRST_EPOCH_MAX : EPOCH_STEP_MAX);
    if (item.epoch > most)
      return refuse(response, 409, { error: 'epoch_too_far', message: `/epoch may be ${most} at most now` });
    const outcome = await deps.store.putIdentity(item);
    await settle(response, member.pool, outcome, index, deps);
    // What was sealed to the pool's earlier identity is sealed anew.
    if (outcome === 'kept') deps.onEnrolment();
  };
}

function certificateHandler(deps: HttpDeps, index: PoolIndex) {
  return async (request: Request, response: Response): Promise<void> => {
    const member = authenticateMember(request, response, deps);
    if (!member) return;
    const body = await readJson(request, response, POST_BYTES_MAX);
    if (body === undefined) return;
    const nowMs = deps.clock().getTime();
    const item = asSealedCertificate(body, nowMs);
    if ('problem' in item) return refuse(response, 422, { error: 'bad_certificate', message: item.problem });
    const named = request.params.hostname;
    if (named !== undefined && named !== item.hostname)
      return refuse(response, 422, { error: 'bad_certificate', message: '/hostname is not the one in the path' });
    if (!isOwn(item, member, deps, response)) return;
    const wanted = await deps.served.certificate(member.node.config, item.hostname);
    if (!wanted)
      return refuse(response, 409, {
        error: 'unknown_host',
        message: 'the config of the node does not have this hostname',
      });
    if (wanted.orderer !== member.caller.node && !(await isLacking(item, member, index, nowMs)))
      return refuse(response, 409, {
        error: 'not_the_orderer',
        message: `${wanted.orderer ?? 'nobody'} orders this hostname`,
      });
    const replaces = await mayReplace(item, wanted.orderer, member, index);
    await settle(response, member.pool, await deps.store.putCertificate(member.pool, item, replaces), index, deps);
  };
}

/**
 * True when the mailbox has nothing for the hostname that the pool can use: then any member may give what it holds, so that a lost
 * mailbox, a new identity or a removed orderer costs no order. Receivers replace what they hold by nobody's but the orderer's.
 */
async function isLacking(
  item: SealedCertificate,
  { node, pool }: Member,
  index: PoolIndex,
  nowMs: number,
): Promise<boolean> {
  const recipient = await index.recipient(pool);
  if (item.recipient !== recipient) return false;
  const held = await index.certificate(pool, item.hostname);
  return (
    !held || held.recipient !== recipient || !node.config.thumbprints.has(held.by) || Date.parse(held.notAfter) <= nowMs
  );
}

/**
 * True when what the mailbox holds must not keep this one out by a later date: it is of a machine that left, sealed to another identity, or
 * of another edge than the orderer, who is here; or a compromised edge may have chosen its date, and the orderer knows better.
 */
async function mayReplace(
  item: SealedCertificate,
  orderer: string | undefined,
  { node, pool }: Member,
  index: PoolIndex,
): Promise<boolean> {
  const held = await index.certificate(pool, item.hostname);
  if (!held || !node.config.thumbprints.has(held.by)) return true;
  const recipient = await index.recipient(pool);
  if (item.recipient !== recipient) return false;
  const isOfOrderer = item.by === orderer && (held.by !== orderer || node.config.compromised !== undefined);
  return held.recipient !== recipient || isOfOrderer;
}

function isOwn(
  item: PoolIdentity | SealedCertificate,
  { caller }: Member,
  deps: HttpDeps,
  response: Response,
): boolean {
  const signingKey = deps.reports.enrolment(caller.node)?.enrolment.signingKey;
  if (item.by === caller.node && signingKey !== undefined && verifyRelayed(item, signingKey)) return true;
  const message =
    item.by === caller.node
      ? `the signature is not that of the signing key ${caller.node} announced`
      : `/by names ${item.by}, the token is that of ${caller.node}`;
  refuse(response, 422, { error: 'bad_signature', message });
  return false;
}

async function settle(
  response: Response,
  pool: string,
  outcome: 'kept' | 'stale',
  index: PoolIndex,
  { served }: HttpDeps,
): Promise<void> {
  if (outcome === 'kept') {
    await index.refresh(pool);
    served.poolChanged(pool);
  }
  if (!response.closed) response.json({ outcome });
}
