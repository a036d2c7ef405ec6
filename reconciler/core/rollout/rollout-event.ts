// What happened to a rollout in one run, as a value: each transition once.
import type { Rollout } from './rollout.ts';

export type RolloutEvent =
  | { kind: 'begins' | 'soaks' | 'advances' | 'stops' | 'ends'; rollout: Rollout }
  /** The settings are again those that everybody else has. */
  | { kind: 'reverts' }
  /** Everybody gets the settings now, wave or not. */
  | { kind: 'at_once'; reason: string };
