// The wiring of a node's tunnel: the network, and what changes keys in it. Nothing is decided here.
import { join } from 'node:path';
import { createKernelSettings } from './adapters/kernel-settings.ts';
import { monotonicMs } from './adapters/monotonic.ts';
import { createNftables } from './adapters/nftables.ts';
import type { NodeKeys } from './adapters/node-keys.ts';
import { createOpenPortsFile } from './adapters/open-ports-file.ts';
import { openRotationDesk } from './adapters/rotation-desk.ts';
import { createRouting } from './adapters/routing.ts';
import { createWireguard } from './adapters/wireguard.ts';
import { parseAllowList } from './core/allow-list.ts';
import { createKeyRotation } from './key-rotation.ts';
import { createNetwork } from './network.ts';
import type { Log } from './news.ts';
import { createOpenPorts } from './open-ports.ts';
import { createPeerKeys } from './peer-keys.ts';
import type { Settings } from './ports/settings.ts';

/** Undefined: origins are reached without one. */
export function openTunnel(
  stateDir: string,
  { interfaceName, allow, network: agreed }: Settings,
  keys: NodeKeys,
  log: Log,
) {
  if (interfaceName === undefined) return undefined;
  const runDir = join(stateDir, 'run');
  const tunnel = createWireguard({ interfaceName, keyFile: keys.wireguardKeyFile, stateDir, runDir });
  const firewall = createNftables({ interfaceName });
  const forwarding = { settings: createKernelSettings({ stateDir }), routing: createRouting() };
  const store = createOpenPortsFile(join(stateDir, 'open-ports.json'));
  const network = createNetwork({
    ...{ tunnel, firewall, forwarding, interfaceName, agreed },
    ports: createOpenPorts({ store, log, now: monotonicMs }),
    allow: parseAllowList(allow),
    nowSeconds: () => Date.now() / 1000,
  });
  const { handshakes } = tunnel;
  const desk = openRotationDesk(stateDir);
  return {
    network,
    keyRotation: createKeyRotation({ keys: keys.wireguard, network, handshakes, desk, log, now: Date.now }),
    peerKeys: createPeerKeys({ network, handshakes, log }),
  };
}
