// What an edge says of an order of a certificate: that it wants to begin one (relay-lease.ts), and POST …/relay/orders/NAME, how it ended. Law:
// it counts only under the signing key that the edge announced.
import { Ajv } from 'ajv';
import type { Request, Response } from 'express';
import type { ChallengeEnd, ChallengeQuestion, LeaseQuestion, OrderEnd } from '../../bundle/api.ts';
import { isWildcard } from '../../bundle/certificate-name.ts';
import { verifyRelayed } from '../../bundle/relayed.ts';
import { canonicalHostname } from '../core/hostname.ts';
import { refuse } from './answer.ts';
import { readJson } from './body.ts';
import type { HttpDeps } from './deps.ts';
import type { OrderDesk } from './order-desk.ts';
import { authenticateMember, type Member } from './relay-member.ts';

/** Of what an edge says of orders. */
export const ORDER_BYTES_MAX = 4096;
/** A longer pause is bounded again where it is kept. */
const RETRY_AFTER_MS_MAX = 366 * 24 * 3600_000;

const ajv = new Ajv({ strict: true });
/** As kokoa.schema.json has it. */
const server = {
  type: 'string',
  pattern: '^https://[A-Za-z0-9.:\\[\\]-]+(/[A-Za-z0-9._~/-]*)?$',
  maxLength: 300,
} as const;

export const ofCertificate = {
  name: { type: 'string', minLength: 1, maxLength: 253 },
  by: { type: 'string', minLength: 1, maxLength: 63 },
  signature: { type: 'string', pattern: '^[A-Za-z0-9_-]{86}$' },
} as const;
const ofOrder = { ...ofCertificate, server } as const;

const isEnd = ajv.compile<OrderEnd>({
  type: 'object',
  required: ['kind', 'name', 'server', 'outcome', 'by', 'signature'],
  properties: {
    ...ofOrder,
    kind: { const: 'order_end' },
    outcome: { enum: ['issued', 'validation_failed', 'rate_limited', 'failed'] },
    retryAfterMs: { type: 'integer', minimum: 0, maximum: RETRY_AFTER_MS_MAX },
    limit: { enum: ['name', 'domain', 'account'] },
  },
});

const isQuestion = ajv.compile<LeaseQuestion>({
  type: 'object',
  required: ['kind', 'name', 'server', 'renewal', 'by', 'signature'],
  properties: { ...ofOrder, kind: { const: 'lease' }, renewal: { type: 'boolean' } },
});

/** The name in the path, and what the edge says of it: nothing, where it is too old to order wildcards. Undefined when the refusal was already sent. */
export async function readQuestion(
  request: Request,
  response: Response,
  member: Member,
  deps: HttpDeps,
): Promise<{ name: string; said: LeaseQuestion | undefined } | undefined> {
  const read = await readNamed(request, response);
  if (read === undefined) return undefined;
  const { name, body } = read;
  const isSilent = typeof body === 'object' && Object.keys(body ?? {}).length === 0;
  if (isSilent && !isWildcard(name)) return { name, said: undefined };
  if (isQuestion(body) && isOwn(body, name, member, deps)) return { name, said: body };
  refuseOrder(response);
  return undefined;
}

export function orderEndHandler(
  deps: HttpDeps,
  desk: OrderDesk,
): (request: Request, response: Response) => Promise<void> {
  return async (request, response) => {
    const member = authenticateMember(request, response, deps);
    if (!member) return;
    const read = await readNamed(request, response);
    if (read === undefined) return;
    const { name, body } = read;
    if (!isEnd(body) || !isOwn(body, name, member, deps)) return refuseOrder(response);
    const outcome = await desk.end(body);
    if (!response.closed) response.json({ outcome });
  };
}

async function readNamed(request: Request, response: Response): Promise<{ name: string; body: unknown } | undefined> {
  const name = String(request.params.hostname);
  const canonical = canonicalHostname(name);
  if (canonical.kind !== 'hostname' || canonical.hostname !== name) {
    refuse(response, 422, { error: 'bad_hostname', message: 'expected a hostname in canonical form' });
    return undefined;
  }
  const body = await readJson(request, response, ORDER_BYTES_MAX);
  return body === undefined ? undefined : { name, body };
}

/** A token alone is not enough: whoever stole one would use up what the fleet may order, and prove wildcards to an account of his own. */
export function isOwn(
  item: LeaseQuestion | OrderEnd | ChallengeQuestion | ChallengeEnd,
  name: string,
  { caller }: Member,
  { reports }: Pick<HttpDeps, 'reports'>,
): boolean {
  const signingKey = reports.enrolment(caller.node)?.enrolment.signingKey;
  const isSigned = signingKey !== undefined && verifyRelayed(item, signingKey);
  return item.name === name && item.by === caller.node && isSigned;
}

function refuseOrder(response: Response): void {
  const message = 'the body is not what this edge says of an order of this name, under the signing key it announced';
  refuse(response, 422, { error: 'bad_order', message });
}
