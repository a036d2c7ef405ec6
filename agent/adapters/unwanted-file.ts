// `unwanted-certificates.json` in the state directory: how long nothing has needed each of them. Law: what is torn or foreign counts as nothing
// remembered, so that damage only ever delays a removal.
import { isCanonicalHostname } from '../../bundle/certificate-name.ts';
import { shape } from '../../bundle/shape.ts';
import type { UnwantedStore } from '../ports/unwanted-store.ts';
import { readDamagedJson } from './damaged-json.ts';
import { writeDurably } from './durable-write.ts';

const NAMES_MAX = 100_000;
/** The longest names, and some digits each. */
const BYTES_MAX = NAMES_MAX * 280;

const isShaped = shape<Record<string, number>>({
  type: 'object',
  maxProperties: NAMES_MAX,
  additionalProperties: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
});

export function createUnwantedFile(path: string): UnwantedStore {
  return {
    async read() {
      const value = await readDamagedJson(path, BYTES_MAX);
      return new Map(isShaped(value) ? Object.entries(value).filter(([name]) => isCanonicalHostname(name)) : []);
    },
    write(unwanted) {
      const entries = [...unwanted].slice(0, NAMES_MAX).map(([name, ms]) => [name, Math.floor(ms)]);
      return writeDurably(path, `${JSON.stringify(Object.fromEntries(entries))}\n`, { ours: true });
    },
  };
}
