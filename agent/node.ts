// The wiring of one node: settings and keys from the state directory become adapters, adapters become an Agent. Nothing is decided here.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import type { Enrolment } from '../bundle/api.ts';
import { certificateFolder } from '../bundle/certificate-name.ts';
import { type WorkerAccount, workerAccount } from './adapters/accounts.ts';
import { age } from './adapters/age.ts';
import { createCaStandingFile } from './adapters/ca-standing-file.ts';
import { createCertbot } from './adapters/certbot.ts';
import { createCertsDir } from './adapters/certs-dir.ts';
import { createConnectionRefusal } from './adapters/connection-refusal.ts';
import { createConnectionReset } from './adapters/connection-reset.ts';
import { createControlPlane } from './adapters/control-plane.ts';
import { createDownFile } from './adapters/down-file.ts';
import { makeDirectory } from './adapters/durable-write.ts';
import { isFreePort } from './adapters/free-ports.ts';
import { createKernelSettings } from './adapters/kernel-settings.ts';
import { knock } from './adapters/knock.ts';
import { localAddresses } from './adapters/local-address.ts';
import { createNftables } from './adapters/nftables.ts';
import { createNginx } from './adapters/nginx.ts';
import { type NodeKeys, openNodeKeys, readToken } from './adapters/node-keys.ts';
import { createOpenPortsFile } from './adapters/open-ports-file.ts';
import { createOwnWebServer } from './adapters/own-web-server.ts';
import { createPoolKeyring } from './adapters/pool-keyring.ts';
import { isOneReachable } from './adapters/reach.ts';
import { openRecipientBook } from './adapters/recipient-book.ts';
import { releasesDir } from './adapters/releases-dir.ts';
import { createRenewalInfo } from './adapters/renewal-info.ts';
import { openRotationDesk } from './adapters/rotation-desk.ts';
import { createRouting } from './adapters/routing.ts';
import { listenForChecks } from './adapters/script-server.ts';
import { createScriptsDir } from './adapters/scripts-dir.ts';
import { readSettings } from './adapters/settings-file.ts';
import { createStandingFile } from './adapters/standing-file.ts';
import { loadTemplates } from './adapters/templates.ts';
import { trustedDir } from './adapters/trusted-dir.ts';
import { createUnwantedFile } from './adapters/unwanted-file.ts';
import { createUsersDir } from './adapters/users-dir.ts';
import { createVisitsFile } from './adapters/visits-file.ts';
import { createWireguard } from './adapters/wireguard.ts';
import { createWireguardMeter } from './adapters/wireguard-meter.ts';
import type { Agent } from './agent.ts';
import { announcementOf } from './announcement.ts';
import { createBackendChecks } from './backend-checks.ts';
import { type CertificatesDependencies, createCertificates } from './certificates.ts';
import { parseAllowList } from './core/allow-list.ts';
import { clockDoubt } from './core/clock-doubt.ts';
import { nginxPaths, releaseFolder, SYSTEM_CA_FILE } from './core/nginx-paths.ts';
import { createDeadTunnels, type DeadTunnels } from './dead-tunnels.ts';
import { createKeyRotation } from './key-rotation.ts';
import { createMachine } from './machine.ts';
import { createNetwork, type Network } from './network.ts';
import type { Log } from './news.ts';
import { createOpenPorts } from './open-ports.ts';
import { rememberAddress } from './own-address.ts';
import { PACE } from './pace.ts';
import { createPeerChecks } from './peer-checks.ts';
import { createPeerKeys } from './peer-keys.ts';
import type { CertificateStore } from './ports/certificate-store.ts';
import type { ControlPlane } from './ports/control-plane.ts';
import type { Settings } from './ports/settings.ts';
import type { VisitsStore } from './ports/visits-store.ts';
import { createScriptChecks } from './script-checks.ts';
import { withSignedReports } from './signed-reports.ts';
import { createUrlsInForce } from './urls-in-force.ts';
import { createUsersFiles } from './users-files.ts';
import { AGENT_VERSION } from './version.ts';
import { createVisits } from './visits.ts';

export interface Node extends Agent {
  settings: Settings;
  keys: NodeKeys;
  network: Network | undefined;
  certificateStore: CertificateStore;
  visitsStore: VisitsStore;
}

const WORKER_CONNECTIONS = 8192;
/** Of scripts that the owner of an origin put there. */
const CHECKS_DIR = '/etc/kokoa/checks';

/** Builds everything from the state directory; touches nothing yet. @throws KokoaError not_joined, settings_invalid, key_damaged */
export async function openNode(stateDir: string): Promise<Node> {
  const settings = await readSettings(stateDir);
  const keys = await openNodeKeys(stateDir);
  await makeDirectory(join(stateDir, 'run'), 0o755);
  const log: Log = pino({ base: undefined, timestamp: pino.stdTimeFunctions.isoTime });
  const urls = createUrlsInForce(settings.urls);
  const channel = createControlPlane({
    urls: urls.all,
    token: () => readToken(stateDir),
    ...(settings.caFile && { caFile: settings.caFile }),
  });
  const control = withSignedReports(channel, { node: settings.node, signingKey: keys.signingKey, now: Date.now });
  const worker = await workerIfRoot();
  const tunnel = openTunnel(stateDir, settings, keys, log);
  const network = tunnel?.network;
  const certificateStore = openStore(stateDir, worker);
  const { httpsSocket } = nginxPaths(stateDir);
  const ownWebServer = createOwnWebServer({ listen: settings.listen, httpsSocket });
  const announced: { acmeThumbprint?: string } = {};
  const certificates = openCertificates(stateDir, settings, keys, {
    control,
    log,
    store: certificateStore,
    shown: ownWebServer.shown,
    onAccount(thumbprint) {
      announced.acmeThumbprint = thumbprint;
    },
  });
  const users = createUsersFiles({
    store: createUsersDir({ dir: join(stateDir, 'users'), ...(worker && { gid: worker.gid }) }),
    keyring: createPoolKeyring(join(stateDir, 'pool.key')),
    sealing: age,
    log,
    now: Date.now,
  });
  const visitsStore = createVisitsFile(join(stateDir, 'answers.json'));
  const visits = createVisits({
    ask: ownWebServer.visit,
    holds: certificates.holds,
    store: visitsStore,
    kept: await visitsStore.read(),
    log,
    now: Date.now,
  });
  const peerChecks = createPeerChecks({ node: settings.node, log, now: Date.now });
  const downFile = createDownFile(join(stateDir, 'backends-down.json'));
  const kept = await downFile.read();
  const backendChecks = createBackendChecks({ node: settings.node, log, now: Date.now, store: downFile, kept });
  const scripts = createScriptsDir({ dir: process.env.KOKOA_CHECKS ?? CHECKS_DIR });
  const scriptChecks = createScriptChecks({ scripts, listen: listenForChecks, log });
  const machine = createMachine({
    trusted: trustedDir({ directory: stateDir, node: settings.node, fingerprint: settings.fingerprint }),
    network,
    edge: {
      web: createNginx({ binary: nginxBinary(), stateDir, ...(worker && { gid: worker.gid }) }),
      releases: releasesDir(stateDir),
      answers: async ({ address, port }, timeoutMs) => (await knock(address, port, timeoutMs)) !== 'silent',
      prepareUsers: users.prepare,
      isFreePort,
      readStreams: (release) =>
        readFile(join(releaseFolder(stateDir, release), 'streams.conf'), 'utf8').catch(() => ''),
      templates: await loadTemplates(),
      held: {
        // At a start the disk has not been read yet, and nothing waits for that.
        isHeld: (name) => certificates.isHeld(name) ?? existsSync(join(stateDir, 'certs', certificateFolder(name))),
        revision: certificates.heldRevision,
      },
      down: backendChecks.down,
      settings: {
        stateDir,
        listen: settings.listen,
        ...(worker && { user: { account: worker.account, group: worker.group } }),
        workerProcesses: 2,
        workerConnections: WORKER_CONNECTIONS,
        ...(existsSync(SYSTEM_CA_FILE) && { systemCaFile: SYSTEM_CA_FILE }),
      },
    },
    eyes: {
      host: ownWebServer.look,
      ...(network && { tunnel: network.read }),
      controlPlane: () => isOneReachable(urls.all()),
      nowSeconds: () => Date.now() / 1000,
    },
    allowLoopback: settings.interfaceName === undefined,
    role: settings.role,
    now: Date.now,
  });
  const address = rememberAddress(
    async () => settings.address ?? localAddresses({ controlPlane: urls.all().map((url) => new URL(url).hostname) }),
    Date.now,
  );
  const enrolment = async (): Promise<Enrolment> => ({
    ...announcementOf(keys, settings, await address.get()),
    ...announced,
  });
  return {
    ...{
      version: AGENT_VERSION,
      machine,
      control,
      certificates,
      certificateStore,
      users,
      visits,
      peerChecks,
      backendChecks,
      scriptChecks,
      enrolment,
      log,
    },
    ...{ settings, keys, network, visitsStore, pace: PACE },
    standing: createStandingFile(join(stateDir, 'state.json')),
    controlPlaneAt: urls.learn,
    revision: () =>
      JSON.stringify([
        ...[announced, address.known(), certificates.status(), users.revision(), visits.revision()],
        ...[peerChecks.revision(), backendChecks.revision(), tunnel?.keyRotation.revision()],
      ]),
    ...(tunnel && { tunnel: tunnel.network.seen, keyRotation: tunnel.keyRotation, peerKeys: tunnel.peerKeys }),
    ...(settings.interfaceName && { deadTunnels: openDeadTunnels(settings.interfaceName, log) }),
  };
}

/** The certificates held by the edge whose state this is. */
export async function openCertificateStore(stateDir: string): Promise<CertificateStore> {
  return openStore(stateDir, await workerIfRoot());
}

/** Only root can give files and processes to another account. */
async function workerIfRoot(): Promise<WorkerAccount | undefined> {
  return process.getuid?.() === 0 ? workerAccount().catch(() => undefined) : undefined;
}

function openStore(stateDir: string, worker: WorkerAccount | undefined): CertificateStore {
  return createCertsDir({ dir: join(stateDir, 'certs'), ...(worker && { gid: worker.gid }) });
}

/** Network, and what changes keys in it. */
function openTunnel(stateDir: string, { interfaceName, allow, network: agreed }: Settings, keys: NodeKeys, log: Log) {
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

/** CLOCK_MONOTONIC: nobody sets it, and another process of the same boot reads on. */
function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}

function openDeadTunnels(interfaceName: string, log: Log): DeadTunnels {
  const userId = process.getuid?.() ?? 0;
  return createDeadTunnels({
    meter: createWireguardMeter({ interfaceName }),
    connections: { ...createConnectionReset(), ...createConnectionRefusal({ interfaceName, userId }) },
    knock: ({ address, port }, timeoutMs) => knock(address, port, timeoutMs),
    log,
  });
}

function openCertificates(
  stateDir: string,
  settings: Settings,
  keys: NodeKeys,
  parts: Pick<CertificatesDependencies, 'log' | 'store' | 'shown' | 'onAccount'> & { control: ControlPlane },
) {
  return createCertificates({
    ...parts,
    signingKey: keys.signingKey,
    ageIdentity: keys.identity,
    caStanding: createCaStandingFile(stateDir),
    renewalInfo: createRenewalInfo({ ...(settings.acmeCaFile && { caFile: settings.acmeCaFile }) }),
    unwanted: createUnwantedFile(join(stateDir, 'unwanted-certificates.json')),
    monotonicMs,
    ca: createCertbot({ binary: 'certbot', stateDir, ...(settings.acmeCaFile && { caFile: settings.acmeCaFile }) }),
    keyring: createPoolKeyring(join(stateDir, 'pool.key')),
    book: openRecipientBook(stateDir),
    approvalIsRequired: settings.approveRecipients === true,
    sealing: age,
    now: Date.now,
    isClockWrong: () => clockDoubt({ nowMs: Date.now(), serverMs: parts.control.serverTime()?.ms }) !== undefined,
  });
}

/** Debian keeps it in /usr/sbin, which is not in everybody's PATH. */
function nginxBinary(): string {
  return existsSync('/usr/sbin/nginx') ? '/usr/sbin/nginx' : 'nginx';
}
