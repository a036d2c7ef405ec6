// How far the replacement of a WireGuard key is, in words for a person.
import type { RotationProgress } from '../ports/rotation-desk.ts';

const NAMES_MAX = 5;

export function rotationText({ state, waitingFor = [], reason }: RotationProgress): string {
  const more = waitingFor.length > NAMES_MAX ? ` and ${waitingFor.length - NAMES_MAX} more` : '';
  switch (state) {
    case 'waiting':
      return waitingFor.length === 0
        ? 'the new key is announced; waiting for the word to use it'
        : `the new key is announced; waiting until ${waitingFor.slice(0, NAMES_MAX).join(', ')}${more} know it`;
    case 'switched':
      return 'the new key is in use; waiting for an answer of the peers';
    case 'confirmed':
      return 'peers answer to the new key; waiting until the control plane has heard of it';
    case 'done':
      return 'the new key is in use';
    case 'failed':
      return `the old key is in use: ${reason ?? 'the new one could not be used'}`;
    case 'aborted':
      return 'given up; the old key is in use';
  }
}
