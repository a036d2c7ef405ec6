// What a status post may hold, as JSON Schema. Law: everything is bounded and shaped before anybody reads it; members that this
// version does not know are let through and ignored, so that agents may be newer than the reconciler.
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import formats from 'ajv-formats';
import { SEQUENCE_MAX } from './announcement.ts';
import {
  ANSWERS_MAX,
  BACKEND_CHECKS,
  BACKEND_VIEWS_MAX,
  FAILURE_CHARACTERS_MAX,
  PEER_VIEWS_MAX,
  RESTORED_CHARACTERS_MAX,
  RESTORED_MAX,
  STATE_REASON_CHARACTERS_MAX,
  UNACKNOWLEDGED_MAX,
} from './api.ts';

/** 32 bytes in base64url without padding: the last character holds four bits. */
const KEY_32_BYTES = '^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$';
const NODE_NAME = '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$';
/** 1 to 65535. */
const PORT = '([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])';
const OCTET = '(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';
/** RFC 1918, and the machine's own loopback. */
const HOST = `(127\\.0\\.0\\.1|(10\\.${OCTET}|172\\.(1[6-9]|2[0-9]|3[01])|192\\.168)\\.${OCTET}\\.${OCTET})`;
/** `code: words`, without anything that Markdown or HTML would take for a sign. */
const FAILURE = "^[a-z][a-z0-9_]*(: [A-Za-z0-9 .,:;_'()-]+)?$";
const ITEMS_MAX = 5000;
const MESSAGE_CHARS_MAX = 300;
/** Of a root, as a report may name it. */
const ROOT_VERSION_MAX = 1_000_000;

const sha256 = { type: 'string', pattern: '^[0-9a-f]{64}$' } as const;
const hostname = { type: 'string', pattern: '^(\\*\\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?$', maxLength: 253 } as const;
/** As RFC 3339 has it, less what no clock here shows and no program reads: a second of 60. */
const time = {
  type: 'string',
  format: 'date-time',
  maxLength: 40,
  pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9]([.][0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$',
} as const;
const text = (maxLength: number) => ({ type: 'string', maxLength }) as const;
const list = (items: object) => ({ type: 'array', maxItems: ITEMS_MAX, items }) as const;
const record = (required: string[], properties: object) => ({ type: 'object', required, properties }) as const;

/** JSON Schema (draft-07) of `Enrolment`. */
export const enrolmentSchema = record(['wireguardPublicKey', 'signingKey', 'formats'], {
  wireguardPublicKey: { type: 'string', pattern: '^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$' },
  nextWireguardPublicKey: { type: 'string', pattern: '^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$' },
  signingKey: { type: 'string', pattern: KEY_32_BYTES },
  /** Bech32 of 32 bytes. */
  recipient: { type: 'string', pattern: '^age1[02-9ac-hj-np-z]{58}$' },
  acmeThumbprint: { type: 'string', pattern: KEY_32_BYTES },
  address: record([], {
    ipv4: { type: 'string', format: 'ipv4' },
    ipv6: { type: 'string', format: 'ipv6', pattern: '^[0-9A-Fa-f:.]+$', maxLength: 45 },
  }),
  allow: {
    type: 'array',
    maxItems: 1000,
    items: { type: 'string', pattern: `^(${HOST}:)?${PORT}(-${PORT})?(/udp)?$` },
  },
  formats: { type: 'array', minItems: 1, maxItems: 20, items: { type: 'integer', minimum: 1, maximum: 1000 } },
});

/** JSON Schema (draft-07) of `StatusReport`. */
export const statusReportSchema = record(['agentVersion', 'state', 'enrolment'], {
  agentVersion: { type: 'string', pattern: '^[0-9A-Za-z.+-]{1,64}$' },
  state: { enum: ['waiting', 'converging', 'applied', 'degraded', 'refused', 'rolled_back', 'stale'] },
  stateSince: time,
  reason: { type: 'string', pattern: '^[ -~]*$', maxLength: STATE_REASON_CHARACTERS_MAX },
  rootVersion: { type: 'integer', minimum: 1, maximum: ROOT_VERSION_MAX },
  offered: sha256,
  applied: sha256,
  lkg: sha256,
  error: record(['stage', 'code', 'detail'], { stage: text(64), code: text(64), detail: text(4096) }),
  quarantined: list(record(['hostname', 'reason'], { hostname, reason: text(1000) })),
  certificates: list(
    record(['hostname', 'notAfter'], {
      ...{ hostname, notAfter: time },
      ...{ ending: text(MESSAGE_CHARS_MAX), exposed: text(MESSAGE_CHARS_MAX) },
    }),
  ),
  answers: {
    type: 'array',
    maxItems: ANSWERS_MAX,
    items: {
      ...record(['hostname', 'since'], {
        hostname,
        status: { type: 'integer', minimum: 100, maximum: 599 },
        failure: { type: 'string', pattern: FAILURE, maxLength: FAILURE_CHARACTERS_MAX },
        since: time,
      }),
      oneOf: [record(['status'], { status: {} }), record(['failure'], { failure: {} })],
    },
  },
  checks: {
    type: 'array',
    maxItems: PEER_VIEWS_MAX,
    items: record(['node', 'up', 'since'], {
      node: { type: 'string', pattern: NODE_NAME },
      up: { type: 'boolean' },
      since: time,
      reason: { type: 'string', pattern: FAILURE, maxLength: FAILURE_CHARACTERS_MAX },
    }),
  },
  backends: {
    type: 'array',
    maxItems: BACKEND_VIEWS_MAX,
    items: record(['address', 'port', 'check', 'up', 'since'], {
      address: { type: 'string', pattern: `^${OCTET}(\\.${OCTET}){3}$` },
      port: { type: 'integer', minimum: 1, maximum: 65_535 },
      check: { enum: BACKEND_CHECKS },
      hostname,
      script: { type: 'string', pattern: NODE_NAME },
      up: { type: 'boolean' },
      since: time,
      reason: { type: 'string', pattern: FAILURE, maxLength: FAILURE_CHARACTERS_MAX },
      withdrawn: { const: true },
    }),
  },
  backendsDecided: { type: 'integer', minimum: 0, maximum: 1_000_000 },
  tunnels: list(
    record(['node', 'handshakeAgeSeconds'], {
      node: { type: 'string', pattern: NODE_NAME },
      handshakeAgeSeconds: { type: ['number', 'null'], minimum: 0 },
    }),
  ),
  restored: record(['at', 'what'], {
    at: time,
    what: { type: 'array', maxItems: RESTORED_MAX, items: text(RESTORED_CHARACTERS_MAX) },
  }),
  unacknowledged: {
    type: 'array',
    maxItems: UNACKNOWLEDGED_MAX,
    items: record(['name', 'since'], {
      name: { type: 'string', pattern: `^(\\*escrow|${NODE_NAME.slice(1, -1)})$` },
      since: time,
      withheld: { const: true },
    }),
  },
  enrolment: enrolmentSchema,
  /** That both are there is no matter of form: who leaves them out is told so in the answer, and counted. */
  sequence: { type: 'integer', minimum: 0, maximum: SEQUENCE_MAX },
  signature: { type: 'string', pattern: '^[A-Za-z0-9_-]{86}$' },
});

/** Why `value` is no `StatusReport`: place, found against expected, one bounded line; undefined when it is one. */
export function validateStatusReport(value: unknown): string | undefined {
  return firstError(validators().report, value);
}

/** The same for an `Enrolment` alone. */
export function validateEnrolment(value: unknown): string | undefined {
  return firstError(validators().enrolment, value);
}

let compiled: { report: ValidateFunction; enrolment: ValidateFunction } | undefined;

/** Compiled at first use: an agent imports this file and may never need it. */
function validators(): { report: ValidateFunction; enrolment: ValidateFunction } {
  if (compiled === undefined) {
    const ajv = new Ajv({ strict: true, allowUnionTypes: true });
    formats.default(ajv, ['ipv4', 'ipv6', 'date-time']);
    compiled = { report: ajv.compile(statusReportSchema), enrolment: ajv.compile(enrolmentSchema) };
  }
  return compiled;
}

function firstError(validate: ValidateFunction, value: unknown): string | undefined {
  if (validate(value)) return undefined;
  const error: ErrorObject | undefined = validate.errors?.[0];
  const line = `${error?.instancePath || 'the body'} ${error?.message ?? 'is not valid'}`;
  return line.slice(0, MESSAGE_CHARS_MAX);
}
