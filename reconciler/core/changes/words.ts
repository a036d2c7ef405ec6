// How numbers and targets are said.
import type { HostTarget, PlannedBackend } from '../plan-target.ts';

const TARGET_CHARS_MAX = 160;

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/**
 * `home:8080`, `home:8080, office:8080 (backup); /api to office:9000`, `redirect to https://www.hoge.com`,
 * `home:993 (TLS unopened)`; cut where it is long.
 */
export function targetWords({ backends, paths = [], redirect, passthrough }: HostTarget): string {
  const parts = [
    redirect === undefined ? backends.map(backendWords).join(', ') : `redirect to ${redirect}`,
    ...paths.map((path) => `${path.prefix} to ${path.backends.map(backendWords).join(', ')}`),
  ];
  const words = [...`${parts.filter((part) => part !== '').join('; ')}${passthrough ? ' (TLS unopened)' : ''}`];
  return words.length > TARGET_CHARS_MAX ? `${words.slice(0, TARGET_CHARS_MAX).join('')}…` : words.join('');
}

function backendWords({ origin, host, port, backup }: PlannedBackend): string {
  const at = host === undefined ? `${origin}:${port}` : `${origin} ${host}:${port}`;
  return backup ? `${at} (backup)` : at;
}
