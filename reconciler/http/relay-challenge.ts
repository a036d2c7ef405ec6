// POST …/relay/challenges/NAME: the holder of the lease has the proof for a wildcard put into DNS. …/NAME/end: the order has ended. Law: only
// for a certificate that its published config wants, of which it is the orderer, under a lease that has not ended, and signed by it: the CA
// gives the certificate to the account whose value stands there, whoever brought it. Nothing binds what was signed to one lease: a value
// that is repeated proves the name to the edge's own account alone, and a repeated end makes the edge try once more.
import { Ajv } from 'ajv';
import type { Request, Response } from 'express';
import type { ChallengeAnswer, ChallengeEnd, ChallengeQuestion } from '../../bundle/api.ts';
import { isCanonicalHostname, isWildcard } from '../../bundle/certificate-name.ts';
import { isChallengeValue } from '../core/dns-challenge.ts';
import { refuse } from './answer.ts';
import { readJson } from './body.ts';
import type { HttpDeps } from './deps.ts';
import { authenticateMember, type Member } from './relay-member.ts';
import { isOwn, ORDER_BYTES_MAX, ofCertificate } from './relay-order-end.ts';

const ajv = new Ajv({ strict: true });
const isQuestion = ajv.compile<ChallengeQuestion>({
  type: 'object',
  required: ['kind', 'name', 'value', 'by', 'signature'],
  properties: { ...ofCertificate, kind: { const: 'challenge' }, value: { type: 'string' } },
});
const isEnd = ajv.compile<ChallengeEnd>({
  type: 'object',
  required: ['kind', 'name', 'by', 'signature'],
  properties: { ...ofCertificate, kind: { const: 'challenge_end' } },
});

type Handler = (request: Request, response: Response) => Promise<void>;

export function challengeHandler(deps: HttpDeps): Handler {
  return async (request, response) => {
    const found = await orderOf(request, response, deps);
    if (!found) return;
    const { member, certificate, body } = found;
    if (!isQuestion(body) || !isOwn(body, certificate, member, deps)) return refuseChallenge(response);
    const { value } = body;
    if (!isChallengeValue(value))
      return refuse(response, 422, { error: 'bad_challenge', message: '/value is not a sha256 in base64url' });
    const { challenges } = deps;
    if (!challenges) return answer(response, { outcome: 'refused', reason: 'this reconciler writes no DNS' });
    const reason = await notAllowed(certificate, member, deps);
    if (reason !== undefined) return answer(response, { outcome: 'refused', reason });
    answer(response, await challenges.present({ pool: member.pool, certificate, value }));
  };
}

/** Needs no lease: who may order may also clean up, and nobody else's values are touched while another holds it. */
export function challengeEndHandler(deps: HttpDeps): Handler {
  return async (request, response) => {
    const found = await orderOf(request, response, deps);
    if (!found) return;
    const { member, certificate, body } = found;
    if (!isEnd(body) || !isOwn(body, certificate, member, deps)) return refuseChallenge(response);
    const holder = await leaseHolder(certificate, member, deps);
    if (holder !== undefined && holder !== member.caller.node)
      return answer(response, { outcome: 'refused', reason: `${holder} holds the lease` });
    await deps.challenges?.withdraw({ pool: member.pool, certificate });
    answer(response, { outcome: 'ready' });
  };
}

async function orderOf(request: Request, response: Response, deps: HttpDeps) {
  const member = authenticateMember(request, response, deps);
  if (!member) return undefined;
  const certificate = String(request.params.name);
  if (isCanonicalHostname(certificate) && isWildcard(certificate)) {
    const body = await readJson(request, response, ORDER_BYTES_MAX);
    return body === undefined ? undefined : { member, certificate, body };
  }
  refuse(response, 422, { error: 'bad_hostname', message: 'expected *. and a hostname in canonical form' });
  return undefined;
}

function refuseChallenge(response: Response): void {
  const message = 'the body is not what this edge says of the proof of this name, under the signing key it announced';
  refuse(response, 422, { error: 'bad_challenge', message });
}

/** Undefined: it is. */
async function notAllowed(certificate: string, member: Member, deps: HttpDeps): Promise<string | undefined> {
  const { caller, node } = member;
  const wanted = await deps.served.certificate(node.config, certificate);
  if (wanted === undefined) return `the config of ${caller.node} does not want this certificate`;
  if (wanted.orderer !== caller.node) return `${wanted.orderer ?? 'nobody'} orders this certificate`;
  const holder = await leaseHolder(certificate, member, deps);
  return holder === caller.node ? undefined : `${caller.node} holds no lease for this certificate`;
}

async function leaseHolder(
  certificate: string,
  { pool }: Member,
  { store, clock }: HttpDeps,
): Promise<string | undefined> {
  const nowMs = clock().getTime();
  const leases = await store.leases();
  return leases.find((one) => one.pool === pool && one.hostname === certificate && one.expiresMs > nowMs)?.node;
}

function answer(response: Response, said: ChallengeAnswer): void {
  if (!response.closed) response.json(said);
}
