// What can happen to a host's network: the cable is pulled, or packets vanish without a word. Both are undone by their opposite;
// the kernel may need another second to see the carrier or to ask again for a neighbour's address.
import { ip } from './namespace.ts';
import type { Link } from './network.ts';

/** Pulls the cable: the host sees its carrier go, the others see nothing at all. */
export async function cutLink(link: Link): Promise<void> {
  await ip(['-n', link.bridge.namespace ?? '', 'link', 'set', link.port, 'down']);
}

export async function restoreLink(link: Link): Promise<void> {
  await ip(['-n', link.bridge.namespace ?? '', 'link', 'set', link.port, 'up']);
}

/** Drops every packet from and to the host at its port: the cable looks fine, nobody gets an error, nothing arrives. */
export async function blackHole(link: Link): Promise<void> {
  const rules = [`iifname "${link.port}" drop`, `oifname "${link.port}" drop`];
  const chains = ['input', 'forward', 'output'].map((hook) =>
    [`chain ${hook} {`, `type filter hook ${hook} priority 0`, ...rules, '}'].join('\n'),
  );
  const input = [`table bridge ${table(link)} {`, ...chains, '}', ''].join('\n');
  await link.bridge.exec('nft', ['-f', '-'], { input });
}

export async function endBlackHole(link: Link): Promise<void> {
  await link.bridge.exec('nft', ['delete', 'table', 'bridge', table(link)]);
}

function table(link: Link): string {
  return `hole_${link.host.name.replaceAll('-', '_')}`;
}
