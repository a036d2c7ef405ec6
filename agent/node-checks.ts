// The wiring of what a node finds out about others: edges and backends that it asks, requests that failed, tunnels that are dead. What one of them
// suspects, the checks of backends ask. Nothing is decided here.
import { join } from 'node:path';
import { createConnectionRefusal } from './adapters/connection-refusal.ts';
import { createConnectionReset } from './adapters/connection-reset.ts';
import { createDownFile } from './adapters/down-file.ts';
import { createFailureLog } from './adapters/failure-log.ts';
import { knock } from './adapters/knock.ts';
import { listenForChecks } from './adapters/script-server.ts';
import { createScriptsDir } from './adapters/scripts-dir.ts';
import { createWireguardMeter } from './adapters/wireguard-meter.ts';
import { type BackendChecks, createBackendChecks } from './backend-checks.ts';
import { nginxPaths } from './core/nginx-paths.ts';
import { createDeadTunnels, type DeadTunnels } from './dead-tunnels.ts';
import { createFailedRequests } from './failed-requests.ts';
import type { Log } from './news.ts';
import { createPeerChecks } from './peer-checks.ts';
import type { Settings } from './ports/settings.ts';
import { createScriptChecks } from './script-checks.ts';

/** Of scripts that the owner of an origin put there. */
const CHECKS_DIR = '/etc/kokoa/checks';

export async function openChecks(stateDir: string, { node, interfaceName }: Settings, log: Log) {
  const now = Date.now;
  const store = createDownFile(join(stateDir, 'backends-down.json'));
  const backendChecks = createBackendChecks({ node, log, now, store, kept: await store.read() });
  const { knows: isBackend, suspect: told } = backendChecks;
  const { read } = createFailureLog(nginxPaths(stateDir).log);
  const scripts = createScriptsDir({ dir: process.env.KOKOA_CHECKS ?? CHECKS_DIR });
  return {
    peerChecks: createPeerChecks({ node, log, now }),
    backendChecks,
    failedRequests: createFailedRequests({ read, isBackend, told, log, now }),
    scriptChecks: createScriptChecks({ scripts, listen: listenForChecks, log }),
    ...(interfaceName && { deadTunnels: openDeadTunnels(interfaceName, told, log) }),
  };
}

function openDeadTunnels(interfaceName: string, suspect: BackendChecks['suspect'], log: Log): DeadTunnels {
  const userId = process.getuid?.() ?? 0;
  return createDeadTunnels({
    meter: createWireguardMeter({ interfaceName }),
    connections: { ...createConnectionReset(), ...createConnectionRefusal({ interfaceName, userId }) },
    knock: ({ address, port }, timeoutMs) => knock(address, port, timeoutMs),
    told: (peers) => suspect(peers.map(({ address }) => ({ address }))),
    log,
  });
}
