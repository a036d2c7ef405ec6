// Whom an edge may be told to watch. Law: other nodes at public addresses, so that a stolen key makes it knock at no network that only it
// can reach; how many, how often and at which ports and path is bounded before (bundle/config-schema.ts) and after (agent/peer-checks.ts).
import type { EdgeConfig } from '../../bundle/config.ts';
import { KokoaError } from '../../bundle/error.ts';
import { isPublicAddress } from '../../bundle/public-address.ts';
import type { CheckedNetwork } from './guard-network.ts';

/** @throws KokoaError check_of_itself, check_not_public */
export function checkChecks({ node: own, edge }: EdgeConfig, { covers }: CheckedNetwork, allowLoopback: boolean): void {
  const also = allowLoopback ? ['loopback'] : [];
  for (const { node, addresses } of edge.checks ?? []) {
    if (node === own) throw new KokoaError('check_of_itself', `the node ${own} is told to watch itself`);
    const bad = addresses.find((address) => !isPublicAddress(address, also) || covers(address));
    if (bad !== undefined)
      throw new KokoaError(
        'check_not_public',
        `the check of ${String(node).slice(0, 63)} goes to ${String(bad).slice(0, 60)}, expected a public address outside the tunnels`,
      );
  }
}
