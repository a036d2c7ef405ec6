// The wiring of one node: settings and keys from the state directory become adapters, adapters become an Agent. Nothing is decided here.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import type { Enrolment } from '../bundle/api.ts';
import { certificateFolder } from '../bundle/certificate-name.ts';
import { age } from './adapters/age.ts';
import { createControlPlane } from './adapters/control-plane.ts';
import { makeDirectory } from './adapters/durable-write.ts';
import { isFreePort } from './adapters/free-ports.ts';
import { knock } from './adapters/knock.ts';
import { localAddresses } from './adapters/local-address.ts';
import { createNginx } from './adapters/nginx.ts';
import { type NodeKeys, openNodeKeys, readToken } from './adapters/node-keys.ts';
import { createOwnWebServer } from './adapters/own-web-server.ts';
import { createPoolKeyring } from './adapters/pool-keyring.ts';
import { isOneReachable } from './adapters/reach.ts';
import { releasesDir } from './adapters/releases-dir.ts';
import { readSettings } from './adapters/settings-file.ts';
import { createStandingFile } from './adapters/standing-file.ts';
import { loadTemplates } from './adapters/templates.ts';
import { trustedDir } from './adapters/trusted-dir.ts';
import { createUsersDir } from './adapters/users-dir.ts';
import { createVisitsFile } from './adapters/visits-file.ts';
import type { Agent } from './agent.ts';
import { announcementOf } from './announcement.ts';
import { nginxPaths, releaseFolder, SYSTEM_CA_FILE } from './core/nginx-paths.ts';
import { createMachine } from './machine.ts';
import type { Network } from './network.ts';
import type { Log } from './news.ts';
import { openCertificates, openStore, workerIfRoot } from './node-certificates.ts';
import { openChecks } from './node-checks.ts';
import { openTunnel } from './node-tunnel.ts';
import { rememberAddress } from './own-address.ts';
import { PACE } from './pace.ts';
import type { CertificateStore } from './ports/certificate-store.ts';
import type { Settings } from './ports/settings.ts';
import type { VisitsStore } from './ports/visits-store.ts';
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
  const checks = await openChecks(stateDir, settings, log);
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
      down: checks.backendChecks.down,
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
      enrolment,
      log,
    },
    ...checks,
    ...{ settings, keys, network, visitsStore, pace: PACE },
    standing: createStandingFile(join(stateDir, 'state.json')),
    controlPlaneAt: urls.learn,
    revision: () =>
      JSON.stringify([
        ...[announced, address.known(), certificates.status(), users.revision(), visits.revision()],
        ...[checks.peerChecks.revision(), checks.backendChecks.revision(), tunnel?.keyRotation.revision()],
      ]),
    ...(tunnel && { tunnel: tunnel.network.seen, keyRotation: tunnel.keyRotation, peerKeys: tunnel.peerKeys }),
  };
}

/** Debian keeps it in /usr/sbin, which is not in everybody's PATH. */
function nginxBinary(): string {
  return existsSync('/usr/sbin/nginx') ? '/usr/sbin/nginx' : 'nginx';
}
