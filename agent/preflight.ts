// What stands in the way of an agent on this machine: look at everything, then judge. Law: it writes nothing and changes nothing.
import { realpath } from 'node:fs/promises';
import { takenPorts } from './adapters/free-ports.ts';
import { findAll } from './adapters/nginx-processes.ts';
import { compareClocks } from './adapters/preflight-clock.ts';
import { observeMachine, observeNginxService } from './adapters/preflight-machine.ts';
import { listenersOn } from './adapters/preflight-sockets.ts';
import { observeTunnels } from './adapters/preflight-tunnels.ts';
import { createRouting } from './adapters/routing.ts';
import { nginxPaths } from './core/nginx-paths.ts';
import { type Asked, type Finding, judge } from './core/preflight.ts';
import type { ClockFact } from './core/preflight-machine.ts';
import type { DialledFact, NetworkFacts } from './core/preflight-network.ts';

export interface Preflight extends Asked {
  stateDir: string;
  url: string;
  /** PEM of the only CAs to trust for the control plane; absent: the system's. */
  ca: string | undefined;
  /** Of a node that runs; see preflight-dialled.ts. */
  dialled?: readonly DialledFact[];
  /** Compared already; absent: the control plane is asked. */
  clock?: ClockFact;
}

/** @throws KokoaError bad_control_plane_url, routes_unreadable */
export async function preflight(asked: Preflight): Promise<Finding[]> {
  const { stateDir, url, ca, interfaceName, dialled = [] } = asked;
  const [machine, clock, nginxService, listeners, missingAddresses, tunnels] = await Promise.all([
    observeMachine(stateDir),
    asked.clock ?? compareClocks(url, ca),
    observeNginxService(),
    othersOn(asked),
    missingOf(asked),
    interfaceName === undefined ? NO_TUNNELS : observeTunnels(interfaceName, stateDir),
  ]);
  const hasRoutes = interfaceName !== undefined && machine.programs.includes('ip');
  const networks = hasRoutes ? await createRouting().networks(interfaceName) : [];
  return judge(asked, { ...machine, clock, nginxService, listeners, missingAddresses, networks, ...tunnels, dialled });
}

const NO_TUNNELS: Pick<NetworkFacts, 'link' | 'otherTunnels'> = { link: 'nobody', otherTunnels: [] };

/** Who holds the ports that this machine needs, but its own web server and its own tunnel. */
async function othersOn({
  stateDir,
  listen,
  wireguardPort,
  interfaceName,
}: Preflight): Promise<NetworkFacts['listeners']> {
  const ports = [listen.httpPort, listen.httpsPort, ...(wireguardPort === undefined ? [] : [wireguardPort])];
  const found = await listenersOn(ports);
  if (found.length === 0) return [];
  const real = await realpath(stateDir).catch(() => stateDir);
  const own = new Set((await findAll(nginxPaths(real))).map(({ pid }) => pid));
  const isOwnTunnel = await ownTunnelPort(interfaceName, stateDir);
  return found.filter(({ pid, protocol }) => {
    if (protocol === 'udp') return !isOwnTunnel;
    return pid === undefined || !own.has(pid);
  });
}

/** Only listening there tells: a machine may be given addresses in many ways. */
async function missingOf({ listen: { addresses, httpPort, httpsPort }, role }: Preflight): Promise<string[]> {
  if (role === 'origin') return [];
  const taken = await takenPorts(addresses, [httpPort, httpsPort]);
  const missing = taken.filter(({ code }) => code === 'EADDRNOTAVAIL').map(({ address }) => address);
  return [...new Set(missing)];
}

/** The socket of the agent's own tunnel is nobody else's, and the kernel lets no two listen. */
async function ownTunnelPort(interfaceName: string | undefined, stateDir: string): Promise<boolean> {
  if (interfaceName === undefined) return false;
  return (await observeTunnels(interfaceName, stateDir)).link === 'this agent';
}
