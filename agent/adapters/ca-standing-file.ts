// `acme/standing.json` in the state directory. Law: it is a note and no source of truth; what is torn, foreign or too large counts as nothing
// noted, and then the first CA is used.
import { dirname, join } from 'node:path';
import { shape } from '../../bundle/shape.ts';
import type { CaStanding } from '../core/ca-choice.ts';
import type { CaStandingStore } from '../ports/ca-standing-store.ts';
import { makeDirectory, readBounded, writeDurably } from './durable-write.ts';

const BYTES_MAX = 4 * 1024;
const time = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER };

const isShaped = shape<CaStanding>({
  ...{ type: 'object', additionalProperties: false, required: ['server'] },
  properties: { server: { type: 'string', maxLength: 2048 }, refusesSinceMs: time, fellBackMs: time },
});

/** `stateDir`: absolute. */
export function createCaStandingFile(stateDir: string): CaStandingStore {
  const path = join(stateDir, 'acme', 'standing.json');
  return {
    async read() {
      try {
        const value: unknown = JSON.parse((await readBounded(path, BYTES_MAX)) ?? '');
        return isShaped(value) ? value : undefined;
      } catch {
        return undefined;
      }
    },
    async write(standing) {
      await makeDirectory(dirname(path), 0o700);
      await writeDurably(path, `${JSON.stringify(standing)}\n`, { mode: 0o600, ours: true });
    },
  };
}
