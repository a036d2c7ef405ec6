// A node in memory for tests: a web server that serves what it read, a network, a disk. Every part can be told to fail, and the story
// that is told about them (`events`) is what they did, not what they were asked.

import type { BundleResponse } from '../bundle/api.ts';
import type { NodeConfig } from '../bundle/config.ts';
import { KokoaError } from '../bundle/error.ts';
import { loadTemplates } from './adapters/templates.ts';
import type { Machine } from './converge-machine.ts';
import type { HostAnswer } from './look.ts';
import { createMachine } from './machine.ts';
import type { Network } from './network.ts';
import type { Acceptance, Releases, TrustedState, VerifiedBundle } from './ports/state.ts';
import type { WebServer } from './ports/web-server.ts';
import { NOW_MS, nameOf } from './verified.fixture.ts';

const STATE_DIR = '/var/lib/kokoa';

/** What may be told to fail: while a message stands here, the step throws it. */
export type Failing =
  | 'accept'
  | 'markGood'
  | 'lastKnownGood'
  | 'write'
  | 'reload'
  | 'features'
  | 'network'
  | 'differs'
  | 'running';

export type FakeNode = Awaited<ReturnType<typeof createFakeNode>>;

export async function createFakeNode() {
  const events: string[] = [];
  /** Releases that `nginx -t` was asked about. */
  const tests: string[] = [];
  const fails: Partial<Record<Failing, string>> = {};
  const disk = new Map<string, ReadonlyMap<string, string>>();
  const state = {
    nowMs: NOW_MS,
    lkg: undefined as VerifiedBundle | undefined,
    accepted: undefined as VerifiedBundle | undefined,
    /** Of the root that is trusted once something was accepted. */
    rootVersion: 1,
    /** Release that `current` names, and the one that the web server has read. */
    current: undefined as string | undefined,
    serves: undefined as string | undefined,
    webRuns: false,
    intact: true,
    network: undefined as string | undefined,
    networkIntact: true,
    filterIntact: true,
    controlPlaneReachable: true,
  };
  /** How the web server answers for a hostname, whatever its tables say. */
  const answers = new Map<string, HostAnswer | (() => Promise<HostAnswer>)>();
  /** Names of bundles whose trees `nginx -t` refuses, and what `accept` says instead of yes. */
  const refusedByTest = new Set<string>();
  /** What `nginx -t` says when it refuses. */
  const words = { of: (_release: string): string => 'nginx: [emerg] no' };
  const acceptances = new Map<string, Acceptance>();

  const step = (name: Failing, event: string) => {
    const message = fails[name];
    if (message !== undefined) throw new KokoaError(`${name}_broke`, message);
    if (event !== '') events.push(event);
  };

  const trusted: TrustedState = {
    rootVersion: async () => (state.accepted ? state.rootVersion : 0),
    async accept({ node: name }) {
      step('accept', '');
      const acceptance = acceptances.get(name);
      if (!acceptance) throw new Error(`no acceptance for ${name}`);
      if (acceptance.kind === 'accepted') state.accepted = acceptance.verified;
      return acceptance;
    },
    async lastKnownGood() {
      step('lastKnownGood', '');
      return state.lkg;
    },
    async markGood(configHash) {
      step('markGood', `good ${nameOf(configHash)}`);
      state.lkg = [...acceptances.values()]
        .flatMap((found) => (found.kind === 'accepted' ? [found.verified] : []))
        .find((bundle) => bundle.configHash === configHash);
    },
    accepted: async () => state.accepted,
  };

  const releases: Releases = {
    async write(id, files) {
      step('write', '');
      disk.set(id, files);
      state.intact = true;
      return `${STATE_DIR}/releases/${id}`;
    },
    async swap(id) {
      if (!disk.has(id)) throw new KokoaError('release_missing', id);
      state.current = id;
    },
    current: async () => state.current,
    intact: async () => state.intact,
  };

  const web: WebServer = {
    async features() {
      step('features', '');
      return { version: '1.22.1', http2Directive: false, certificateCache: false, http3: false, stream: 'none' };
    },
    async test(release) {
      tests.push(release);
      const hosts = hostsOf(disk.get(release.split('/').at(-1)!));
      const refused = [...refusedByTest].some((hostname) => hosts.includes(hostname));
      return refused ? { ok: false, detail: words.of(release) } : { ok: true, detail: '' };
    },
    async reload() {
      step('reload', `${state.webRuns ? 'reload' : 'start'} ${hostsOf(disk.get(state.current ?? '')).join('+')}`);
      state.serves = state.current;
      state.webRuns = true;
    },
    serving: async () => (state.webRuns ? state.serves : undefined),
    async running() {
      step('running', '');
      return state.webRuns;
    },
    async stop() {
      state.webRuns = false;
    },
  };

  const network: Network = {
    async apply(config) {
      const wanted = networkOf(config);
      if (state.network === wanted) return [];
      step('network', `network ${config.wireguard.peers.map(({ node }) => node).join('+')}`);
      state.network = wanted;
      return ['set'];
    },
    async differs() {
      step('differs', '');
      return !state.networkIntact;
    },
    async repair(config) {
      step('network', 'repair network');
      state.network = networkOf(config);
      state.networkIntact = true;
      return ['set peer home'];
    },
    hasPortsToClose: () => false,
    droppedByOthers: async () => 0,
    async restoreFilter() {
      if (state.filterIntact) return [];
      state.filterIntact = true;
      events.push('restore filter');
      return ['packet filter'];
    },
    read: async () => ({ up: true, listenPort: 51820, peers: [] }),
    seen: () => undefined,
  };

  const machine: Machine = {
    ...createMachine({
      trusted,
      network,
      edge: {
        web,
        releases,
        answers: async () => true,
        prepareUsers: async (chunks) => {
          if (chunks.some(({ routes }) => routes.some(({ auth }) => auth))) events.push('users');
        },
        isFreePort: async () => true,
        readStreams: async () => '',
        templates: await loadTemplates(),
        settings: {
          stateDir: STATE_DIR,
          listen: { addresses: ['0.0.0.0'], httpPort: 80, httpsPort: 443 },
          workerProcesses: 1,
          workerConnections: 512,
        },
      },
      eyes: {
        async host(hostname) {
          const answer = answers.get(hostname);
          if (answer) return typeof answer === 'function' ? answer() : answer;
          if (!state.webRuns) return { kind: 'failed' };
          return { kind: 'answer', status: hostsOf(disk.get(state.serves ?? '')).includes(hostname) ? 200 : 404 };
        },
        tunnel: network.read,
        controlPlane: async () => state.controlPlaneReachable,
        nowSeconds: () => state.nowMs / 1000,
      },
      allowLoopback: false,
      now: () => state.nowMs,
    }),
    probeMs: 250,
  };

  return {
    ...{ machine, events, tests, fails, state, answers, refusedByTest, words },
    /** Lets `accept` take this bundle, and answers the offer that stands for it. */
    offer(bundle: VerifiedBundle): BundleResponse {
      const name = nameOf(bundle.configHash);
      acceptances.set(name, { kind: 'accepted', verified: bundle });
      return { node: name, files: {}, chunks: {} };
    },
    /** An offer that does not verify. */
    refuse(name: string, code: Extract<Acceptance, { kind: 'refused' }>['code']): BundleResponse {
      acceptances.set(name, { kind: 'refused', code, detail: `${name} is ${code}` });
      return { node: name, files: {}, chunks: {} };
    },
    /** Hostnames that a visitor is served now. */
    served: () => (state.webRuns ? hostsOf(disk.get(state.serves ?? '')) : []),
    /** The events since the last time. */
    happened: () => events.splice(0),
  };
}

function hostsOf(files: ReadonlyMap<string, string> | undefined): string[] {
  const lines = files?.get('hosts.map')?.trim().split('\n') ?? [];
  return lines.flatMap((line) => line.split(' ')[0] || []);
}

function networkOf({ wireguard }: NodeConfig): string {
  return JSON.stringify(wireguard);
}
