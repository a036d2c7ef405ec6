// A rollout as the store hands it back, and what is known when it hands back something else. Law: of a rollout that cannot be read nobody
// counts as reached, so that it begins anew at the first wave; never that everybody has the settings.
import type { Rollout } from './rollout.ts';

/** More than ever comes: the first wave, a quarter, and room for others. */
const WAVES_MAX = 16;

/** Why a value is no rollout; undefined: it is one. */
export function rolloutProblem(value: unknown): string | undefined {
  const { waves, wave, stopped, ...rest } = (value ?? {}) as Record<string, unknown>;
  const wrong = TEXTS.find((name) => typeof rest[name] !== 'string');
  if (wrong !== undefined) return `${wrong} is no text`;
  if (!isMoment(rest.sinceMs)) return 'sinceMs is no moment';
  if (rest.soakSinceMs !== undefined && !isMoment(rest.soakSinceMs)) return 'soakSinceMs is no moment';
  if (!Array.isArray(waves) || waves.length > WAVES_MAX || !waves.every(isNames)) return 'waves are no lists of names';
  if (!Number.isSafeInteger(wave) || (wave as number) < 0 || (wave as number) > Math.max(0, waves.length - 1))
    return 'wave is none of the waves';
  return stopped === undefined || isStop(stopped) ? undefined : 'stopped does not say who and why';
}

const TEXTS = ['commit', 'settings', 'settledBlob'] as const;

/** What is known of a rollout that cannot be read: that there may be one. */
export function lostRollout(commit: string): Rollout {
  return { commit, settings: '', settledBlob: '', waves: [], wave: 0, sinceMs: 0 };
}

/** One that goes on has a wave. */
export function isLost({ waves }: Rollout): boolean {
  return waves.length === 0;
}

function isStop(value: unknown): boolean {
  const { node, atMs, error } = (value ?? {}) as Record<string, unknown>;
  if (typeof node !== 'string' || !isMoment(atMs)) return false;
  if (error === undefined) return true;
  const { stage, code, detail } = (error ?? {}) as Record<string, unknown>;
  return [stage, code, detail].every((text) => typeof text === 'string');
}

function isNames(value: unknown): boolean {
  return Array.isArray(value) && value.every((name) => typeof name === 'string');
}

function isMoment(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value);
}
