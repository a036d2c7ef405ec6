// `backends-down.json` in the state directory: which backends were down. Law: it is a cache; what is torn, foreign or too large counts as nothing
// remembered.
import { FAILURE_CHARACTERS_MAX } from '../../bundle/api.ts';
import { shape } from '../../bundle/shape.ts';
import { type DownStore, KEPT_DOWN_MAX, type KeptDown } from '../ports/down-store.ts';
import { readDamagedJson } from './damaged-json.ts';
import { writeDurably } from './durable-write.ts';

const ID_CHARACTERS_MAX = 100;
const YEAR_9999_MS = Date.UTC(9999, 11, 31);
/** The longest of each, and what JSON adds. */
const BYTES_MAX = KEPT_DOWN_MAX * (ID_CHARACTERS_MAX + FAILURE_CHARACTERS_MAX + 100);

const isShaped = shape<KeptDown[]>({
  type: 'array',
  maxItems: KEPT_DOWN_MAX,
  items: {
    type: 'object',
    additionalProperties: false,
    required: ['id', 'sinceMs', 'reason'],
    properties: {
      id: { type: 'string', pattern: '^[a-z]+ [0-9.]+:[0-9]+ [0-9a-f]{16}$', maxLength: ID_CHARACTERS_MAX },
      sinceMs: { type: 'integer', minimum: 0, maximum: YEAR_9999_MS },
      reason: { type: 'string', pattern: "^[A-Za-z0-9 .,:;_'()-]+$", maxLength: FAILURE_CHARACTERS_MAX },
    },
  },
});

export function createDownFile(path: string): DownStore {
  return {
    async read() {
      const value = await readDamagedJson(path, BYTES_MAX);
      return isShaped(value) ? value : [];
    },
    write: (down) => writeDurably(path, `${JSON.stringify(down.slice(0, KEPT_DOWN_MAX))}\n`, { ours: true }),
  };
}
