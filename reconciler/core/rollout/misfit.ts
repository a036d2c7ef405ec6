// Whether those who wait can go on under the settled sections, now that machines and routes are the newest ones.
import { checkFleet } from '../check-fleet.ts';
import { parseNetwork } from '../check-network.ts';
import type { Desired } from '../desired.ts';
import { viewOfDesired } from '../desired-view.ts';
import { forwardsOf } from '../forwards.ts';
import { entriesOf } from '../persistent-map.ts';

const LOOPBACK = '127.0.0.1';

/** Why they cannot, in words with the place; undefined: they can. `mixed`: the newest state under the settled sections. */
export function misfit(mixed: Desired): string | undefined {
  const wrong = checkFleet(viewOfDesired(mixed)).find(({ severity }) => severity === 'error');
  if (wrong !== undefined) return `${wrong.file}:${wrong.line}:${wrong.column}: ${wrong.message}`;
  return serviceInTheTunnels(mixed);
}

/** A service in an origin's LAN that would lie inside the network of the tunnels: its origin would refuse the whole (KK317). */
function serviceInTheTunnels(mixed: Desired): string | undefined {
  const network = parseNetwork(mixed.kokoa?.value?.network.wireguard ?? '');
  if ('expected' in network) return undefined;
  for (const [origin] of entriesOf(mixed.origins)) {
    const inside = forwardsOf(mixed, origin).find(({ host }) => host !== LOOPBACK && network.contains(host));
    if (inside !== undefined) return `a service of ${origin}, ${inside.host}, lies inside ${network.cidr}`;
  }
  return undefined;
}
