// The shapes of the HTTP interface as JSON Schema (2020-12, as OpenAPI 3.1 has it): of posts those that they are judged by, of answers
// what is written down here. Answers may gain members.
import { statusReportSchema } from '../../bundle/api-schema.ts';
import { requestSchemas, routeSchemas, type Schema } from './openapi-route.ts';

export type { Schema };

const text: Schema = { type: 'string' };
const whole: Schema = { type: 'integer' };
const sha256: Schema = { type: 'string', pattern: '^[0-9a-f]{64}$' };
const time: Schema = { type: 'string', format: 'date-time' };
const list = (items: Schema): Schema => ({ type: 'array', items });
const map = (values: Schema): Schema => ({ type: 'object', additionalProperties: values });
const one = (...values: string[]): Schema => ({ enum: values });

/** An object; a name that ends in `?` may be missing. */
function shape(members: Readonly<Record<string, Schema>>, more: Schema = {}): Schema {
  const names = Object.keys(members);
  const required = names.filter((name) => !name.endsWith('?'));
  const properties = Object.fromEntries(names.map((name) => [name.replace('?', ''), members[name]]));
  return { type: 'object', ...(required.length > 0 && { required }), properties, ...more };
}

export function reference(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

const problem = shape({
  rule: { type: 'string', pattern: '^KK[0-9]{3}$' },
  file: text,
  line: whole,
  column: whole,
  message: text,
  hint: text,
});
const service = { 'origin?': text, 'host?': text, 'port?': whole };
const backend = shape({ origin: text, 'host?': text, port: whole, 'weight?': whole, 'backup?': { const: true } });
const node = {
  ...{ name: text, state: text, address: text, generation: whole },
  'fingerprint?': text,
  'announced?': shape({ 'ipv4?': text, 'ipv6?': text }),
  'lastSeen?': time,
  'reported?': text,
  'reportedSince?': time,
  'reason?': text,
  'agentVersion?': text,
  'boundGeneration?': whole,
  'rootVersion?': whole,
  'published?': sha256,
  'applied?': sha256,
  'error?': shape({ stage: text, code: text, detail: text }),
  'quarantined?': list(shape({ hostname: text, reason: text })),
  'certificates?': list(shape({ hostname: text, notAfter: time, 'ending?': text, 'exposed?': text })),
  'answers?': list(shape({ hostname: text, 'status?': whole, 'failure?': text, since: time })),
  'restored?': shape({ at: time, what: list(text) }),
  'unacknowledged?': list(shape({ name: text, since: time, 'withheld?': { const: true } })),
  'silent?': { const: true },
  'refusedAnnouncement?': text,
  'refusedAt?': time,
  'restriction?': shape({ state: text, reason: text, since: time }),
} as const;
const certificateStanding = { notAfter: time, 'ending?': text, 'exposed?': text, 'missing?': list(text) };
const backendTrouble = shape({
  ...{ origin: text, 'host?': text, port: whole, state: one('down', 'partly down'), up: whole, asked: whole },
  views: list(
    shape({
      ...{ 'edge?': text, check: text, 'hostname?': text, 'script?': text, since: time, 'reason?': text },
      'withdrawn?': { const: true },
    }),
  ),
});
const unsettled = shape({ name: text, kind: one('foreign', 'open', 'refused', 'held'), reason: text, since: time });
const failure = shape({ stage: text, code: text, detail: text });
const relayed = { by: text, signature: text };
const poolIdentity = shape({ pool: text, epoch: whole, recipient: text, wraps: map(text), ...relayed });
const certificate = shape({
  hostname: text,
  recipient: text,
  sealed: text,
  notBefore: time,
  notAfter: time,
  ...relayed,
});
const ofCertificate = { name: text, by: text, signature: text };
const ofOrder = { ...ofCertificate, server: text };
const pullRequest = {
  ...{ hostname: text, file: text, warnings: list(reference('Problem')) },
};

const ANSWERS: Record<string, Schema> = {
  Problem: problem,
  Error: shape(
    { error: text, message: text, 'hint?': text },
    { description: 'Of every answer from 400 on: a code, found against expected, what to do.' },
  ),
  Refusal: shape(
    { error: text, message: text, 'hint?': text, 'problems?': list(reference('Problem')) },
    { description: 'With error: invalid, every problem that the check of a pull request would have, in its words.' },
  ),
  PullRequest: shape({
    url: { type: 'string', format: 'uri' },
    number: whole,
    state: one('open', 'closed'),
    ...pullRequest,
  }),
  Unchanged: shape({ url: { type: 'null' }, number: { type: 'null' }, state: { const: 'unchanged' }, ...pullRequest }),
  Routes: shape({
    routes: list(
      shape({
        ...{
          'hostname?': text,
          'publicPort?': whole,
          'protocol?': one('tls', 'tcp', 'udp'),
          'team?': text,
          'pool?': text,
        },
        ...service,
        'backends?': list(backend),
        'paths?': list(shape({ prefix: text, ...service, 'backends?': list(backend) })),
        ...{ 'redirect?': text, 'expiresAt?': text, 'file?': text },
        'served?': shape({ by: whole, of: whole }),
        'answers?': list(shape({ 'edge?': text, 'status?': whole, 'failure?': text, since: time })),
        'quarantined?': list(shape({ 'edge?': text, reason: text })),
        'certificate?': shape(certificateStanding),
        'dns?': unsettled,
        'backendTrouble?': list(backendTrouble),
      }),
    ),
  }),
  Origins: shape({ origins: list(shape({ ...node, 'backends?': list(backendTrouble) })), 'rootVersion?': whole }),
  Edges: shape({
    edges: list(
      shape({
        ...{ ...node, pool: text },
        'health?': shape({
          state: one('up', 'down', 'unknown'),
          votes: list(shape({ by: text, up: { type: 'boolean' }, since: time, 'reason?': text })),
        }),
        'dns?': shape({ in: { type: 'boolean' }, since: time, 'reason?': text }),
      }),
    ),
    'rootVersion?': whole,
  }),
  Certificates: shape({ certificates: list(shape({ name: text, ...certificateStanding })) }),
  Dns: shape({
    zones: list(
      shape({
        ...{ zone: text, 'provider?': text, 'wanted?': whole },
        'trouble?': shape({ code: text, reason: text, since: time }),
        'lookedAt?': time,
        unsettled: list(unsettled),
        'leftOff?': whole,
      }),
    ),
  }),
  RolloutAnswer: shape({ rollout: { oneOf: [reference('Rollout'), { type: 'null' }] } }),
  Rollout: shape({
    ...{ commit: text, state: one('waiting', 'soaking', 'stopped'), wave: whole, waves: list(list(text)), since: time },
    'waitsFor?': list(shape({ node: text, 'error?': failure })),
    'soakEnds?': time,
    'stopped?': shape({ node: text, since: time, 'error?': failure }),
  }),
  Health: shape({ status: { const: 'ok' } }),
  Readiness: shape({ status: one('ready', 'not ready'), 'why?': text, 'held?': { const: true } }),
  SealingKey: shape({ recipient: text }),
  Root: { type: 'object', properties: { signed: { type: 'object' }, signatures: list({ type: 'object' }) } },
  ConfigSummary: shape({
    ...{ config_hash: sha256, routes: map(text), hostnames: list(text), backends: map(list(text)) },
    'streams?': map(text),
  }),
  Bundle: shape({ node: text, files: map(text), chunks: map(text) }),
  StatusReport: statusReportSchema,
  StatusAnswer: shape({
    bound: { type: 'boolean' },
    'reason?': text,
    'newest?': whole,
    'rotation?': shape({ publicKey: text, kind: one('go', 'wait', 'refused'), 'for?': list(text), 'reason?': text }),
  }),
  Relay: shape({
    sequence: whole,
    'identity?': reference('PoolIdentity'),
    certificates: list(reference('SealedCertificate')),
  }),
  PoolIdentity: poolIdentity,
  SealedCertificate: certificate,
  RelayOutcome: shape({ outcome: one('kept', 'stale') }),
  LeaseQuestion: {
    oneOf: [
      shape({ kind: { const: 'lease' }, ...ofOrder, renewal: { type: 'boolean' } }),
      { type: 'object', maxProperties: 0 },
    ],
  },
  OrderEnd: shape({
    ...{ kind: { const: 'order_end' }, ...ofOrder },
    outcome: one('issued', 'validation_failed', 'rate_limited', 'failed'),
    'retryAfterMs?': whole,
    'limit?': one('name', 'domain', 'account'),
  }),
  OrderEndAnswer: shape({ outcome: one('ended', 'unknown') }),
  Lease: {
    oneOf: [
      shape({ granted: { const: true }, expiresAt: time }),
      shape({ granted: { const: false }, reason: text, retryAfterMs: whole }),
    ],
  },
  ChallengeQuestion: shape({ kind: { const: 'challenge' }, ...ofCertificate, value: text }),
  ChallengeEnd: shape({ kind: { const: 'challenge_end' }, ...ofCertificate }),
  ChallengeAnswer: {
    oneOf: [
      shape({ outcome: { const: 'ready' } }),
      shape({ outcome: { const: 'wait' }, reason: text, retryAfterMs: whole }),
      shape({ outcome: { const: 'refused' }, reason: text }),
    ],
  },
  OpenApi: { type: 'object', required: ['openapi', 'info', 'paths'] },
};

export function componentSchemas(): Record<string, Schema> {
  const route = routeSchemas();
  return { ...route, ...requestSchemas(route), ...ANSWERS };
}
