// WireGuard on this machine before the agent's: who has the name of the tunnel, and which ports others have. Reads only.
import type { NetworkFacts } from '../core/preflight-network.ts';
import { runProgram } from './program.ts';
import { ownKeys } from './tunnel-remains.ts';
import { readLink } from './wireguard-link.ts';

export async function observeTunnels(
  interfaceName: string,
  stateDir: string,
): Promise<Pick<NetworkFacts, 'link' | 'otherTunnels'>> {
  const shown = await runProgram(['wg', 'show', 'all', 'listen-port']).catch(() => undefined);
  const tunnels = (shown?.stdout ?? '').split('\n').flatMap((line) => {
    const [name, port] = line.split('\t');
    return name && port ? [{ interfaceName: name, port: Number(port) }] : [];
  });
  const others = tunnels.filter((tunnel) => tunnel.interfaceName !== interfaceName);
  const links = await Promise.all(others.map((tunnel) => linkOf(tunnel.interfaceName)));
  // wg finds those of other network namespaces too, by their sockets: their ports are not this machine's.
  return { link: await whoHas(interfaceName, stateDir), otherTunnels: others.filter((_, index) => links[index]) };
}

async function whoHas(name: string, stateDir: string): Promise<NetworkFacts['link']> {
  if (!(await linkOf(name))) return 'nobody';
  const shown = await runProgram(['wg', 'show', name, 'public-key']).catch(() => undefined);
  if (!shown?.ok) return 'something else';
  return (await ownKeys(stateDir)).includes(shown.stdout.trim()) ? 'this agent' : 'another WireGuard';
}

async function linkOf(name: string) {
  return readLink({ name, prefix: [] }).catch(() => undefined);
}
