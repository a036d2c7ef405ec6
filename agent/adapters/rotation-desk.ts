// `rotate-key.wish` and `rotate-key.json` in the state directory. Law: nothing secret is in them, and what is torn, foreign or too large
// counts as not there.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { shape } from '../../bundle/shape.ts';
import type { RotationDesk, RotationProgress } from '../ports/rotation-desk.ts';
import { readBounded, writeDurably } from './durable-write.ts';

const BYTES_MAX = 16 * 1024;
const NAMES_MAX = 20;

const isProgress = shape<RotationProgress>({
  type: 'object',
  required: ['state', 'sinceMs'],
  properties: {
    state: { enum: ['waiting', 'switched', 'confirmed', 'done', 'failed', 'aborted'] },
    sinceMs: { type: 'integer', minimum: 0 },
    waitingFor: { type: 'array', maxItems: NAMES_MAX, items: { type: 'string', pattern: '^[a-z0-9-]{1,63}$' } },
    reason: { type: 'string', pattern: '^[ -~]*$', maxLength: 500 },
  },
});

export function openRotationDesk(stateDir: string): RotationDesk {
  const [wishPath, progressPath] = [join(stateDir, 'rotate-key.wish'), join(stateDir, 'rotate-key.json')];
  const read = (path: string) => readBounded(path, BYTES_MAX).catch(() => undefined);
  return {
    async takeWish() {
      const text = await read(wishPath);
      if (text === undefined) return undefined;
      await rm(wishPath, { force: true });
      const wish = text.trim();
      return wish === 'rotate' || wish === 'abort' ? wish : undefined;
    },
    leaveWish: (wish) => writeDurably(wishPath, `${wish}\n`, { mode: 0o600 }),
    hasWish: async () => (await read(wishPath)) !== undefined,
    async progress() {
      try {
        const value: unknown = JSON.parse((await read(progressPath)) ?? '');
        return isProgress(value) ? value : undefined;
      } catch {
        return undefined;
      }
    },
    say: (progress) => writeDurably(progressPath, `${JSON.stringify(progress)}\n`, { mode: 0o600 }),
  };
}
