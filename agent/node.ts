// The wiring of one node: settings and keys from the state directory become adapters, adapters become an Agent. Nothing is decided here.
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import type { Enrolment } from '../bundle/api.ts';
import { CONFIG_FORMAT } from '../bundle/config.ts';
import { type WorkerAccount, workerAccount } from './adapters/accounts.ts';
import { age } from './adapters/age.ts';
import { createCertbot } from './adapters/certbot.ts';
import { createCertsDir } from './adapters/certs-dir.ts';
import { createControlPlane } from './adapters/control-plane.ts';
import { probeHost } from './adapters/edge-probe.ts';
import { localAddresses } from './adapters/local-address.ts';
import { createNftables } from './adapters/nftables.ts';
import { createNginx } from './adapters/nginx.ts';
import { type NodeKeys, openNodeKeys, readToken } from './adapters/node-keys.ts';
import { createPoolKeyring } from './adapters/pool-keyring.ts';
import { isReachable } from './adapters/reach.ts';
import { releasesDir } from './adapters/releases-dir.ts';
import { readSettings } from './adapters/settings-file.ts';
import { loadTemplates } from './adapters/templates.ts';
import { trustedDir } from './adapters/trusted-dir.ts';
import { createWireguard } from './adapters/wireguard.ts';
import { type Certificates, createCertificates } from './certificates.ts';
import { allowListEntries, parseAllowList } from './core/allow-list.ts';
import type { Agent, Log } from './loop.ts';
import { createMachine } from './machine.ts';
import { createNetwork, type Network } from './network.ts';
import type { CertificateStore } from './ports/certificate-store.ts';
import type { ControlPlane } from './ports/control-plane.ts';
import type { Settings } from './ports/settings.ts';
import type { TrustedState } from './ports/state.ts';
import { AGENT_VERSION } from './version.ts';

export interface Node extends Agent {
  settings: Settings;
  keys: NodeKeys;
  trusted: TrustedState;
  network: Network | undefined;
}

const WORKER_CONNECTIONS = 8192;

/** Builds everything from the state directory; touches nothing yet. @throws KokoaError not_joined, settings_invalid, key_damaged */
export async function openNode(stateDir: string): Promise<Node> {
  const settings = await readSettings(stateDir);
  const keys = await openNodeKeys(stateDir);
  const log: Log = pino({ base: undefined, timestamp: pino.stdTimeFunctions.isoTime });
  const trusted = trustedDir({ directory: stateDir, node: settings.node, fingerprint: settings.fingerprint });
  const control = createControlPlane({
    urls: () => settings.urls,
    token: () => readToken(stateDir),
    ...(settings.caFile && { caFile: settings.caFile }),
  });
  await mkdir(join(stateDir, 'run'), { recursive: true, mode: 0o755 });
  const network = openNetwork(stateDir, settings, keys);
  const worker = process.getuid?.() === 0 ? await workerAccount().catch(() => undefined) : undefined;
  const web = createNginx({ binary: nginxBinary(), stateDir });
  const announced: { acmeThumbprint?: string } = {};
  const certificates = openCertificates(stateDir, settings, keys, control, worker, log, announced);
  const probeAddress = settings.listen.addresses[0] === '0.0.0.0' ? '127.0.0.1' : settings.listen.addresses[0]!;
  const machine = createMachine({
    trusted,
    network,
    edge: {
      web,
      releases: releasesDir(stateDir),
      templates: await loadTemplates(),
      settings: {
        stateDir,
        listen: settings.listen,
        ...(worker && { user: { account: worker.account, group: worker.group } }),
        workerProcesses: 2,
        workerConnections: WORKER_CONNECTIONS,
      },
    },
    eyes: {
      host: (hostname) => probeHost({ hostname, address: probeAddress, port: settings.listen.httpsPort }),
      ...(network && { tunnel: () => network.read() }),
      controlPlane: async () => (await Promise.all(settings.urls.map(isReachable))).includes(true),
      nowSeconds: () => Date.now() / 1000,
    },
    allowLoopback: settings.interfaceName === undefined,
    now: Date.now,
  });
  const enrolment = async (): Promise<Enrolment> => ({
    ...keys.publicPart(),
    ...announced,
    address: settings.address ?? (await localAddresses({ controlPlane: settings.urls.map((url) => new URL(url).hostname) })),
    ...(settings.allow !== '' && { allow: allowListEntries(parseAllowList(settings.allow)) }),
    formats: [CONFIG_FORMAT],
  });
  const revision = () => JSON.stringify([announced, certificates.status()]);
  return {
    version: AGENT_VERSION,
    machine,
    control,
    certificates,
    enrolment,
    revision,
    log,
    settings,
    keys,
    trusted,
    network,
  };
}

/** The certificates held by the edge whose state this is. */
export async function openCertificateStore(stateDir: string): Promise<CertificateStore> {
  const worker = process.getuid?.() === 0 ? await workerAccount().catch(() => undefined) : undefined;
  return certificateStore(stateDir, worker);
}

function openNetwork(stateDir: string, { interfaceName, allow }: Settings, keys: NodeKeys): Network | undefined {
  if (interfaceName === undefined) return undefined;
  const runDir = join(stateDir, 'run');
  const tunnel = createWireguard({ interfaceName, keyFile: keys.wireguardKeyFile, stateDir, runDir });
  const firewall = createNftables({ interfaceName });
  return createNetwork({ tunnel, firewall, interfaceName, allow: allow === '' ? [] : parseAllowList(allow) });
}

function openCertificates(
  stateDir: string,
  settings: Settings,
  keys: NodeKeys,
  control: ControlPlane,
  worker: WorkerAccount | undefined,
  log: Log,
  announced: { acmeThumbprint?: string },
): Certificates {
  return createCertificates({
    signingKey: keys.signingKey,
    ageIdentity: keys.identity,
    ca: createCertbot({ binary: 'certbot', stateDir, ...(settings.acmeCaFile && { caFile: settings.acmeCaFile }) }),
    store: certificateStore(stateDir, worker),
    keyring: createPoolKeyring(join(stateDir, 'pool.key')),
    sealing: age,
    control,
    onAccount(thumbprint) {
      announced.acmeThumbprint = thumbprint;
    },
    log,
    now: Date.now,
  });
}

function certificateStore(stateDir: string, worker: WorkerAccount | undefined): CertificateStore {
  return createCertsDir({ dir: join(stateDir, 'certs'), ...(worker && { gid: worker.gid }) });
}

/** Debian keeps it in /usr/sbin, which is not in everybody's PATH. */
function nginxBinary(): string {
  return existsSync('/usr/sbin/nginx') ? '/usr/sbin/nginx' : 'nginx';
}
