// The shape of what pool members relay. Law: bounded and shaped before a signature is looked at; members that this version does not
// know stay, because the signature covers them too.
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import type { PoolIdentity, SealedCertificate } from '../../bundle/api.ts';

const NODE_NAME = '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$';
const MEMBERS_MAX = 1000;
/** How far ahead of this clock a certificate may begin: a date far off would make every later one look stale. */
const CLOCK_SKEW_MS = 3600_000;

const recipient = { type: 'string', pattern: '^age1[02-9ac-hj-np-z]{58}$' } as const;
const base64 = { type: 'string', pattern: '^[A-Za-z0-9+/]+={0,2}$' } as const;
const time = { type: 'string', format: 'date-time', maxLength: 40 } as const;
const by = { type: 'string', pattern: NODE_NAME } as const;
const signature = { type: 'string', pattern: '^[A-Za-z0-9_-]{86}$' } as const;

const ajv = new Ajv({ strict: true });
formats.default(ajv, ['date-time']);

const identity = ajv.compile<PoolIdentity>({
  type: 'object',
  required: ['pool', 'epoch', 'recipient', 'wraps', 'by', 'signature'],
  properties: {
    pool: { type: 'string', pattern: NODE_NAME },
    epoch: { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
    recipient,
    wraps: {
      type: 'object',
      minProperties: 1,
      maxProperties: MEMBERS_MAX,
      propertyNames: { type: 'string', pattern: NODE_NAME },
      additionalProperties: base64,
    },
    escrow: {
      type: 'object',
      required: ['recipient', 'wrap'],
      additionalProperties: false,
      properties: { recipient, wrap: base64 },
    },
    withheld: { type: 'array', maxItems: MEMBERS_MAX, uniqueItems: true, items: by },
    by,
    signature,
  },
});

const certificate = ajv.compile<SealedCertificate>({
  type: 'object',
  required: ['hostname', 'recipient', 'sealed', 'notBefore', 'notAfter', 'by', 'signature'],
  properties: {
    hostname: { type: 'string', pattern: '^(\\*\\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?$', maxLength: 253 },
    recipient,
    sealed: base64,
    notBefore: time,
    notAfter: time,
    by,
    signature,
  },
});

export function asPoolIdentity(value: unknown): PoolIdentity | { problem: string } {
  return identity(value) ? value : { problem: firstProblem(identity.errors) };
}

/** Also judges the validity: not over, not backwards, not from the future. */
export function asSealedCertificate(value: unknown, nowMs: number): SealedCertificate | { problem: string } {
  if (!certificate(value)) return { problem: firstProblem(certificate.errors) };
  const [from, to] = [Date.parse(value.notBefore), Date.parse(value.notAfter)];
  if (!(from < to)) return { problem: '/notAfter must be later than notBefore' };
  if (to <= nowMs) return { problem: '/notAfter has passed' };
  if (from > nowMs + CLOCK_SKEW_MS) return { problem: '/notBefore lies in the future' };
  return value;
}

function firstProblem(errors: typeof identity.errors): string {
  const error = errors?.[0];
  return `${error?.instancePath || 'the body'} ${error?.message ?? 'is not valid'}`.slice(0, 300);
}
