// `state.json` in the state directory: how the node stands, for `kokoa-agent status` and the next start. Law: it is a note and no source of
// truth; what is torn, foreign or too large counts as nothing noted.
import {
  BACKEND_CHECKS,
  FAILURE_CHARACTERS_MAX,
  PEER_VIEWS_MAX,
  RESTORED_CHARACTERS_MAX,
  RESTORED_MAX,
} from '../../bundle/api.ts';
import { shape } from '../../bundle/shape.ts';
import { STAGES } from '../attempt.ts';
import {
  BACKENDS_KEPT_MAX,
  type KeptStanding,
  LEFT_OUT_KEPT_MAX,
  type StandingStore,
  UNOBTAINED_KEPT_MAX,
} from '../ports/standing-store.ts';
import { readDamagedJson } from './damaged-json.ts';
import { writeDurably } from './durable-write.ts';

const DETAIL_CHARACTERS_MAX = 1_000;
const BYTES_MAX = 256 * 1024;

const text = (maxLength: number) => ({ type: 'string', maxLength, pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f]*$' });
const record = (required: string[], properties: object) => ({
  ...{ type: 'object', additionalProperties: false, required, properties },
});

const time = { type: 'string', pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$' };

const isShaped = shape<KeptStanding>(
  record(['agentVersion', 'state', 'since', 'leftOut'], {
    agentVersion: text(64),
    state: { enum: ['waiting', 'converging', 'applied', 'degraded', 'refused', 'rolled_back', 'stale'] },
    since: time,
    reason: text(DETAIL_CHARACTERS_MAX),
    leftOut: {
      type: 'array',
      maxItems: LEFT_OUT_KEPT_MAX,
      items: record(['name', 'reason'], { name: text(300), reason: text(DETAIL_CHARACTERS_MAX) }),
    },
    condemned: record(['kind', 'configHash', 'stage', 'code', 'detail'], {
      kind: { enum: ['refused', 'rolled_back'] },
      configHash: { type: 'string', pattern: '^[0-9a-f]{64}$' },
      stage: { enum: [...STAGES] },
      code: { type: 'string', pattern: '^[a-z0-9_]{1,64}$' },
      detail: text(DETAIL_CHARACTERS_MAX),
      judgedBy: text(DETAIL_CHARACTERS_MAX),
    }),
    restored: record(['at', 'what'], {
      at: time,
      what: { type: 'array', maxItems: RESTORED_MAX, items: text(RESTORED_CHARACTERS_MAX) },
    }),
    unbound: text(DETAIL_CHARACTERS_MAX),
    unheard: record(['kind', 'since', 'reason'], {
      kind: { enum: ['unauthorized', 'suspended', 'unreachable'] },
      since: time,
      reason: text(DETAIL_CHARACTERS_MAX),
    }),
    unobtained: {
      type: 'array',
      maxItems: UNOBTAINED_KEPT_MAX,
      items: record(['hostname', 'reason'], { hostname: text(300), reason: text(DETAIL_CHARACTERS_MAX) }),
    },
    checks: {
      type: 'array',
      maxItems: PEER_VIEWS_MAX,
      items: record(['node', 'up', 'since'], {
        ...{ node: text(63), up: { type: 'boolean' }, since: time },
        reason: text(FAILURE_CHARACTERS_MAX),
      }),
    },
    backendsDown: record(['count', 'first'], {
      count: { type: 'integer', minimum: 1, maximum: 1_000_000 },
      first: {
        type: 'array',
        maxItems: BACKENDS_KEPT_MAX,
        items: record(['address', 'port', 'check', 'up', 'since'], {
          ...{
            address: text(45),
            port: { type: 'integer', minimum: 1, maximum: 65_535 },
            check: { enum: BACKEND_CHECKS },
          },
          ...{ hostname: text(253), script: text(63), up: { const: false }, since: time },
          ...{ reason: text(FAILURE_CHARACTERS_MAX), withdrawn: { const: true } },
        }),
      },
    }),
    backendsFailing: record(['count', 'first'], {
      count: { type: 'integer', minimum: 1, maximum: 1_000_000 },
      first: {
        type: 'array',
        maxItems: BACKENDS_KEPT_MAX,
        items: record(['backend', 'since'], { backend: text(60), since: time }),
      },
    }),
  }),
);

export function createStandingFile(path: string): StandingStore {
  return {
    async read() {
      const value = await readDamagedJson(path, BYTES_MAX);
      if (!isShaped(value)) return undefined;
      const { since, restored, unheard, checks = [], backendsDown, backendsFailing } = value;
      const backends = [...(backendsDown?.first ?? []), ...(backendsFailing?.first ?? [])];
      const seen = [...checks, ...backends].map((one) => one.since);
      const times = [since, restored?.at ?? since, unheard?.since ?? since, ...seen];
      return times.every(isTime) ? value : undefined;
    },
    write: (standing) => writeDurably(path, `${JSON.stringify(standing)}\n`, { mode: 0o600, ours: true }),
  };
}

/** `2026-13-45` has the form of one. */
function isTime(text: string): boolean {
  return !Number.isNaN(Date.parse(text));
}
