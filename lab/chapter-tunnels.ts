// Chapter: tunnels go both ways. Beside origins at home, which dial out of their NAT, stands one with an address of its own, which edges
// dial. Addresses change under way; a machine that is revoked leaves every peer list, whatever else git holds.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LATER, PUBLIC } from './addresses.ts';
import type { AgentHost } from './agent-host.ts';
import { liveEverywhere, visit } from './ask.ts';
import { BLOG } from './chapter-changes.ts';
import { epochMs } from './clock.ts';
import { routeFile } from './example-data.ts';
import type { Fleet } from './fleet.ts';
import { moveHome } from './network.ts';
import { startOrigin } from './origin.ts';
import { type Chapter, eventually, expect, seconds } from './story.ts';
import { EDGES, type EdgeName } from './world.ts';

const CLOUD = 'cloud';
const CLOUD_FILE = `origins/${CLOUD}.yaml`;
const BLOG_FILE = `routes/hoge/${BLOG}.yaml`;
const WIREGUARD_PORT = 51820;
const CLOUD_IPV4 = `${LATER.cloud.ipv4}:${WIREGUARD_PORT}`;
const CLOUD_IPV6 = `[${LATER.cloud.ipv6}]:${WIREGUARD_PORT}`;
const LIVE_MS = 20_000;
const DIALLED_MS = 15_000;
const MOVED_MS = 20_000;
const REQUESTS_PER_SECOND = 50;

const clouds = new WeakMap<Fleet, AgentHost>();

export const tunnels: Chapter = [
  {
    title: 'an origin with an address of its own joins; both edges dial it, over IPv6',
    only: 'full',
    async play(fleet) {
      const host = await fleet.network.addPublicHost(CLOUD, LATER.cloud);
      const machine = await fleet.createMachine(CLOUD, 'origin', host);
      clouds.set(fleet, machine);
      await startOrigin(host, { name: CLOUD, port: 8080 });
      await fleet.developer.commit({ [CLOUD_FILE]: cloudFile(machine, CLOUD_IPV6) }, 'a machine in the cloud');
      const { exitCode, stdout, stderr } = await machine.join();
      expect(exitCode === 0, 'it joined', `exit ${exitCode}\n${stdout}${stderr}`);
      await (await machine.start()).ready(/"msg":"applied"/, DIALLED_MS);
      const key = await keyOf(machine);
      await Promise.all(EDGES.map((edge) => dials(fleet, edge, key, CLOUD_IPV6)));
      return undefined;
    },
  },
  {
    title: `a route moves there, then the edges dial it over IPv4, while visitors come`,
    only: 'full',
    async play(fleet) {
      const { developer, client } = fleet;
      const machine = cloudOf(fleet);
      await developer.commit({ [BLOG_FILE]: routeFile(BLOG, CLOUD, 8080) }, 'move the blog to the cloud');
      await liveEverywhere(fleet, BLOG, CLOUD, LIVE_MS);
      const targets = await Promise.all(EDGES.map((edge) => visit(fleet, BLOG, edge)));
      const load = client.load({ targets, ratePerSecond: REQUESTS_PER_SECOND });
      await developer.commit({ [CLOUD_FILE]: cloudFile(machine, CLOUD_IPV4) }, 'over IPv4 from now on');
      const key = await keyOf(machine);
      await Promise.all(EDGES.map((edge) => dials(fleet, edge, key, CLOUD_IPV4)));
      const { sent, failed, failures } = await load.stop();
      expect(sent > 0 && failed === 0, 'no request lost', failures.slice(0, 5));
      return `${sent} requests, none lost`;
    },
  },
  {
    title: 'the provider gives the home another address; it is served again by itself',
    only: 'full',
    async play(fleet) {
      const since = epochMs();
      await moveHome(fleet.network, LATER.movedNat.ipv4);
      await Promise.all(EDGES.map((edge) => homeSeenAt(fleet, edge, LATER.movedNat.ipv4)));
      const at = await liveEverywhere(fleet, 'app.hoge.com', 'home', MOVED_MS);
      const told = seconds(at - since);
      await moveHome(fleet.network, PUBLIC.nat.ipv4);
      await Promise.all(EDGES.map((edge) => homeSeenAt(fleet, edge, PUBLIC.nat.ipv4)));
      return `${told} later`;
    },
  },
  {
    title: 'revoked in a history that was rewritten, it is gone from every peer all the same',
    only: 'full',
    async play(fleet) {
      const { developer } = fleet;
      const machine = cloudOf(fleet);
      const key = await keyOf(machine);
      const { commit: before } = await developer.commit({ [BLOG_FILE]: routeFile(BLOG, 'home', 8081) }, 'move it back');
      await liveEverywhere(fleet, BLOG, 'home-8081', LIVE_MS);
      const revoked = { [CLOUD_FILE]: `${cloudFile(machine, CLOUD_IPV4)}state: revoked\n` };
      const { pushedAt } = await developer.forcePush(`${before}~1`, revoked, 'rewrite history, and revoke');
      const gone = await Promise.all(EDGES.map((edge) => forgets(fleet, edge, key)));
      expect(/history_rewritten/.test(fleet.reconciler().log()), 'a hold', fleet.reconciler().tail(5));
      await developer.forcePush(before, revoked, 'put the history back');
      return `${seconds(Math.max(...gone) - pushedAt)} after git push`;
    },
  },
];

function cloudOf(fleet: Fleet): AgentHost {
  const machine = clouds.get(fleet);
  if (machine === undefined) throw new TypeError('the machine in the cloud was never made');
  return machine;
}

/** As a file for git, with the one line that says who dials. */
function cloudFile({ tokenSha256 }: AgentHost, endpoint: string): string {
  return [
    ...[`name: ${CLOUD}`, 'teams:', '  - hoge', 'wireguard:', '  address: 10.100.3.1', `  endpoint: '${endpoint}'`],
    ...[`token: sha256:${tokenSha256}`, ''],
  ].join('\n');
}

async function keyOf({ host }: AgentHost): Promise<string> {
  return (await host.exec('wg', ['show', host.wireguardInterface, 'public-key'])).stdout.trim();
}

/** Public key → where an edge sends what is for it, and whether it ever answered. */
async function peersOf({ agents }: Fleet, edge: EdgeName): Promise<Map<string, { endpoint: string; alive: boolean }>> {
  const { host } = agents[edge];
  const { stdout } = await host.exec('wg', ['show', host.wireguardInterface, 'dump']);
  const rows = stdout.trim().split('\n').slice(1);
  return new Map(
    rows.map((row) => {
      const [key = '', , endpoint = '', , handshake] = row.split('\t');
      return [key, { endpoint, alive: Number(handshake) > 0 }];
    }),
  );
}

async function dials(fleet: Fleet, edge: EdgeName, key: string, endpoint: string): Promise<void> {
  let found: unknown;
  await eventually({
    expected: `${edge} has a tunnel to ${endpoint}`,
    async look() {
      found = (await peersOf(fleet, edge)).get(key);
      const peer = found as { endpoint: string; alive: boolean } | undefined;
      return peer?.alive && peer.endpoint === endpoint ? true : undefined;
    },
    found: () => found,
    timeoutMs: DIALLED_MS,
  });
}

async function homeSeenAt(fleet: Fleet, edge: EdgeName, address: string): Promise<void> {
  const key = await keyOf(fleet.agents.home);
  let found: unknown;
  await eventually({
    expected: `${edge} hears from home at ${address}`,
    async look() {
      const peer = (await peersOf(fleet, edge)).get(key);
      found = peer;
      return peer?.endpoint.startsWith(`${address}:`) ? true : undefined;
    },
    found: () => found,
    timeoutMs: MOVED_MS,
  });
}

async function forgets(fleet: Fleet, edge: EdgeName, key: string): Promise<number> {
  return eventually({
    expected: `${edge} has no peer ${key} (${CLOUD})`,
    look: async () => ((await peersOf(fleet, edge)).has(key) ? undefined : epochMs()),
    found: () => readFileSync(join(fleet.agents[edge].host.directory, 'agent.log'), 'utf8').slice(-1_000),
    timeoutMs: DIALLED_MS,
  });
}
