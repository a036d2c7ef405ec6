// Which certificates an edge had that is compromised now. Law: a certificate itself says from whom its key was kept, so no clock and no list of
// what was done decides what is ordered anew, and each is ordered once for each edge that was compromised (ADR 29).
import { nodeOf } from '../../bundle/certificate-text.ts';
import type { HeldCertificate } from '../ports/certificate-store.ts';

const NAMES_MAX = 5;

/** `compromised`: of the config. What a person brought is theirs to replace, and what they imported no other edge had. */
export function exposedTo(
  { source, keptFrom }: Pick<HeldCertificate, 'source' | 'keptFrom'>,
  compromised: readonly string[] = [],
): string[] {
  if (source === 'imported' || source === 'given') return [];
  return compromised.filter((edge) => !keptFrom.includes(edge));
}

/** Names for people: `edge-3`, each once, the first five. */
export function namesOf(exposed: readonly string[]): string {
  const names = [...new Set(exposed.map(nodeOf))];
  const more = names.length > NAMES_MAX ? ` and ${names.length - NAMES_MAX} more` : '';
  return `${names.slice(0, NAMES_MAX).join(', ')}${more}`;
}
