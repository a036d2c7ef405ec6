// WireGuard keys that one node announces and another one has. Law: who has a key first keeps it; nobody stops a tunnel by naming a key that
// stands in a config.
import type { Enrolment } from '../../bundle/api.ts';
import type { BoundEnrolment } from '../ports/store.ts';

/** WireGuard keys that come in beside the one that is bound: its next one, or that one taken (ADR 24). */
export function newKeysOf(before: Enrolment, after: Enrolment): string[] {
  const known = [before.wireguardPublicKey, before.nextWireguardPublicKey];
  const [own, next] = [after.wireguardPublicKey, after.nextWireguardPublicKey];
  return [
    ...(own === before.wireguardPublicKey ? [] : [own]),
    ...(next === undefined || known.includes(next) ? [] : [next]),
  ];
}

/**
 * The words for a WireGuard key that is another node's, or its next one. Whoever names it knows it from a config and does not have it: two
 * nodes with one key would both lose their tunnels.
 */
export function takenKeyOf(
  node: string,
  keys: readonly string[],
  others: Iterable<BoundEnrolment>,
): string | undefined {
  if (keys.length === 0) return undefined;
  for (const { node: holder, enrolment } of others) {
    const held = [enrolment.wireguardPublicKey, enrolment.nextWireguardPublicKey];
    if (holder !== node && keys.some((key) => held.includes(key)))
      return `this WireGuard key is already bound to ${holder}; every node makes its own`;
  }
  return undefined;
}
