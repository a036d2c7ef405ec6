// What `kokoa-agent doctor` looks at, on a machine that has joined: every probe by itself, side by side. Law: nothing is changed, and what preflight
// looks at is left to it.
import { readFile } from 'node:fs/promises';
import type { NodeConfig, WireRoute } from '../bundle/config.ts';
import type { Finding } from '../checks/finding.ts';
import { judgeClock, judgeSeen } from '../checks/judge-seen.ts';
import { lookAtUrl, type Seen } from '../checks/look-at-url.ts';
import { type Probe, runProbes } from '../checks/run-probes.ts';
import { inodesUnder, runningAgents, unitState } from './adapters/doctor-machine.ts';
import { observeTunnelFacts } from './adapters/doctor-tunnels.ts';
import { isLocked } from './adapters/state-lock.ts';
import { createWireguardMeter } from './adapters/wireguard-meter.ts';
import { fromPreflight, judgeNode } from './core/doctor-node.ts';
import { judgeTunnels } from './core/doctor-tunnels.ts';
import { edgeProbes } from './doctor-edge.ts';
import { originProbes } from './doctor-origin.ts';
import { routesOf } from './doctor-routes.ts';
import type { Node } from './node.ts';
import type { VerifiedBundle } from './ports/state.ts';
import { preflight } from './preflight.ts';

const URLS_MAX = 8;

/** `stateDir` is the node's. Never throws for what a probe meets. */
export async function doctor(node: Node, stateDir: string): Promise<Finding[]> {
  const { settings, machine } = node;
  const [good, accepted] = await Promise.all([machine.trusted.lastKnownGood(), machine.trusted.accepted()]);
  const bundle = good ?? accepted;
  const config = bundle?.config;
  const role = settings.role ?? config?.role;
  const common = [
    ...[onlineProbe(node, config), nodeProbe(node, stateDir, good, accepted), preflightProbe(node, stateDir, config)],
    ...(config && node.network ? [tunnelProbe(node, config, bundle)] : []),
  ];
  if (role === 'edge') return runProbes([...common, ...edgeProbes(node, bundle)]);
  return runProbes([...common, ...(config?.role === 'origin' ? originProbes(node, config) : [])]);
}

/** Control plane and CA, and the clock by what they say. */
function onlineProbe({ settings }: Node, config: NodeConfig | undefined): Probe {
  return {
    what: 'the control plane',
    async look(signal) {
      const urls = [...new Set([...settings.urls, ...(config?.controlPlane.urls ?? [])])].slice(0, URLS_MAX);
      const [ca, acmeCa] = await Promise.all([pemOf(settings.caFile), pemOf(settings.acmeCaFile)]);
      const acme = config?.role === 'edge' ? config.edge.acme : undefined;
      const look = async (url: string, trusted: string | undefined): Promise<{ url: string; seen: Seen }> => ({
        ...{ url, seen: await lookAtUrl(url, { ...(trusted !== undefined && { ca: trusted }), signal }) },
      });
      const cas = acme === undefined ? [] : [acme.server, ...(acme.fallback ? [acme.fallback.server] : [])];
      const [planes, authorities] = await Promise.all([
        Promise.all(urls.map((url) => look(healthOf(url), ca))),
        Promise.all(cas.map((url) => look(url, acmeCa))),
      ]);
      const answered = planes.some(({ seen }) => seen.kind === 'answer' && seen.status < 500);
      const level = answered ? 'warning' : 'trouble';
      const now = Date.now();
      return [
        judgeClock([...planes, ...authorities]),
        ...planes.map((one) => judgeSeen({ ...one, what: 'the control plane', level, todo: REACH_PLANE }, now)),
        ...authorities.map((one) => judgeSeen({ ...one, what: 'the CA', level: 'trouble', todo: REACH_CA }, now)),
      ];
    },
  };
}

const REACH_PLANE = 'see that the reconciler runs, that its name is right, and that TCP to it is let out of here';
const REACH_CA = 'let TCP 443 out of this machine; without the CA no certificate is ordered or renewed';

function nodeProbe(
  node: Node,
  stateDir: string,
  good: VerifiedBundle | undefined,
  accepted: VerifiedBundle | undefined,
): Probe {
  return {
    what: 'the agent',
    async look() {
      const [agents, locked, unit, standing, freeInodes] = await Promise.all([
        ...([runningAgents(), isLocked(stateDir), unitState(), node.standing.read(), inodesUnder(stateDir)] as const),
      ]);
      return judgeNode({
        ...{ agents, isLocked: locked, unit, standing, freeInodes, agentVersion: node.version, nowMs: Date.now() },
        // A version is the moment at which it was signed.
        goodSinceMs: good?.version,
        wordEndsMs: (accepted ?? good)?.timestampExpiresMs,
      });
    },
  };
}

function preflightProbe({ settings }: Node, stateDir: string, config: NodeConfig | undefined): Probe {
  return {
    what: 'this machine',
    async look() {
      return fromPreflight(
        await preflight({
          ...{ stateDir, url: settings.urls[0]!, ca: undefined, role: settings.role ?? config?.role },
          ...{ interfaceName: settings.interfaceName, listen: settings.listen, dialled: [] },
          network: config?.network.wireguard,
          agreed: config?.network.wireguard === settings.network,
          wireguardPort: settings.interfaceName === undefined ? undefined : config?.wireguard.port,
          // Judged with the control plane.
          clock: { aheadMs: 0 },
        }),
      );
    },
  };
}

function tunnelProbe(node: Node, config: NodeConfig, bundle: VerifiedBundle | undefined): Probe {
  const interfaceName = node.settings.interfaceName!;
  return {
    what: 'the tunnels',
    async look(signal) {
      const { peers, port } = config.wireguard;
      if (peers.length === 0)
        return [
          { level: 'warning', what: 'the tunnels', found: 'git names nobody to talk to', todo: NOBODY[config.role] },
        ];
      const facts = await observeTunnelFacts(
        {
          peers,
          services: servicesOf(routesOf(bundle)),
          read: node.network!.read,
          meter: createWireguardMeter({ interfaceName }),
        },
        signal,
      );
      if (facts !== undefined) return judgeTunnels(facts, port);
      return [
        {
          level: 'trouble',
          what: 'the tunnels',
          found: `there is no ${interfaceName}, or it cannot be read`,
          todo: 'start the agent; run doctor as root',
        },
      ];
    },
  };
}

const NOBODY = {
  edge: 'add an origin (kokoa origin add); until then there is nothing to lead visitors to',
  origin: 'add an edge (kokoa edge add), and see that it has joined: kokoa get edges',
} as const;

function servicesOf(routes: readonly WireRoute[]): Map<string, number> {
  return new Map(routes.flatMap(({ backends }) => backends.map(({ address, port }) => [address, port] as const)));
}

function healthOf(url: string): string {
  return `${url.replace(/\/$/, '')}/healthz`;
}

async function pemOf(file: string | undefined): Promise<string | undefined> {
  return file === undefined ? undefined : readFile(file, 'utf8');
}
