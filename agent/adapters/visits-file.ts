// `answers.json` in the state directory: what visitors of recently changed hostnames got. Law: it is a cache; what is torn, foreign or
// too large counts as nothing remembered.
import { FAILURE_CHARACTERS_MAX } from '../../bundle/api.ts';
import { isCanonicalHostname } from '../../bundle/certificate-name.ts';
import { shape } from '../../bundle/shape.ts';
import { VISITS_MAX } from '../core/visit-plan.ts';
import type { KeptVisit, VisitsStore } from '../ports/visits-store.ts';
import { readDamagedJson } from './damaged-json.ts';
import { writeDurably } from './durable-write.ts';

/** Longest names and failures, 100 times. */
const BYTES_MAX = 128 * 1024;

const VISITS = {
  type: 'array',
  maxItems: VISITS_MAX,
  items: {
    type: 'object',
    additionalProperties: false,
    required: ['hostname', 'route'],
    properties: {
      hostname: { type: 'string' },
      route: { type: 'string', pattern: '^[0-9a-f]{64}$' },
      answer: {
        type: 'object',
        additionalProperties: false,
        required: ['hostname', 'since'],
        properties: {
          hostname: { type: 'string' },
          status: { type: 'integer', minimum: 100, maximum: 599 },
          failure: { type: 'string', pattern: "^[A-Za-z0-9 .,:;_'()-]+$", maxLength: FAILURE_CHARACTERS_MAX },
          since: { type: 'string', pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$' },
        },
        oneOf: [{ required: ['status'] }, { required: ['failure'] }],
      },
    },
  },
};

const isShaped = shape<KeptVisit[]>(VISITS);

export function createVisitsFile(path: string): VisitsStore {
  return {
    async read() {
      const value = await readDamagedJson(path, BYTES_MAX);
      return isShaped(value) && value.every(isNamed) ? value : [];
    },
    write: (visits) => writeDurably(path, `${JSON.stringify(visits)}\n`, { ours: true }),
  };
}

function isNamed({ hostname, answer }: KeptVisit): boolean {
  return isCanonicalHostname(hostname) && (answer === undefined || answer.hostname === hostname);
}
