// Chapter 3: an edge believes nobody. With the control plane in wrong hands it refuses what it cannot verify, by name, changes
// nothing on its disk, and serves on.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUNDLE_MEDIA_TYPE, type BundleResponse } from '../bundle/api.ts';
import { createDevelopmentKeys, loadKeys } from '../reconciler/adapters/key-files.ts';
import { PORTS, PUBLIC } from './addresses.ts';
import { type AgentHost, pointAt } from './agent-host.ts';
import { liveEverywhere } from './chapter-serving.ts';
import { route } from './chapter-changes.ts';
import { type Fleet, type SlotName } from './fleet.ts';
import { type Forgery, forgeries } from './forgeries.ts';
import type { ProbeResult } from './probe-protocol.ts';
import { type Chapter, expect } from './story.ts';

const PROGRAM = fileURLToPath(new URL('hostile-control-plane.ts', import.meta.url));
const HOSTILE_PORT = 9443;

/** `GET …/me/config` as a node asks it. */
export function askConfig(fleet: Fleet, token: string | undefined, accept: string = BUNDLE_MEDIA_TYPE): Promise<ProbeResult> {
  return fleet.client.request({
    hostname: 'control.lab.test',
    address: PUBLIC.control.ipv4,
    port: PORTS.control,
    path: '/api/v1/edge-nodes/me/config',
    ca: fleet.pki.caPem,
    headers: { accept, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
  });
}

async function bundleOf(fleet: Fleet, slot: SlotName): Promise<BundleResponse> {
  const answer = await askConfig(fleet, fleet.agents[slot].token);
  expect(answer.kind === 'response' && answer.status === 200, `the bundle of ${slot}: ${JSON.stringify(answer).slice(0, 200)}`);
  return JSON.parse(answer.body) as BundleResponse;
}

export const refusals: Chapter<Fleet> = [
  {
    title: 'a node’s token yields only its own bundle; no, garbled or unknown tokens are 401',
    async play(fleet) {
      const summary = await askConfig(fleet, fleet.agents['osaka-1'].token, 'application/json');
      expect(summary.kind === 'response' && summary.body.includes('"app.hoge.com":"10.100.1.1:8080"'), JSON.stringify(summary));
      const own = await bundleOf(fleet, 'osaka-1');
      expect(own.node === 'osaka-1', `osaka-1’s token answered the bundle of ${own.node}`);
      for (const token of [undefined, 'garbled', `${fleet.agents['osaka-1'].token.slice(0, -4)}AAAA`]) {
        const answer = await askConfig(fleet, token);
        expect(answer.kind === 'response' && answer.status === 401, `token ${token?.slice(0, 10)}…: ${JSON.stringify(answer).slice(0, 200)}`);
      }
      return undefined;
    },
  },
  {
    title: 'the edge refuses forged bundles by name, changes nothing, and serves on',
    async play(fleet) {
      const edge = fleet.agents['osaka-1'];
      const material = await gather(fleet);
      await edge.agent().stop();
      const bundleFile = join(fleet.run.directory, 'forged.json');
      const stop = await startHostile(fleet, edge, bundleFile);
      const restore = pointAt(edge, `https://127.0.0.1:${HOSTILE_PORT}`);
      const said: string[] = [];
      try {
        for (const forgery of forgeries(material)) said.push(await refused(edge, forgery, bundleFile));
      } finally {
        restore();
        await stop();
        await edge.start();
      }
      await liveEverywhere(fleet, 'app.hoge.com', 'home', 10_000);
      return said.join('; ');
    },
  },
];

/** Collects what an attacker could have: bundles before and after a change, another node's, the online keys, and keys of his own. */
async function gather(fleet: Fleet) {
  const older = await bundleOf(fleet, 'osaka-1');
  await fleet.resolve('notes.hoge.com');
  await fleet.developer.commit({ 'routes/hoge/notes.hoge.com.yaml': route('notes.hoge.com', 'home', 8080) }, 'one more host');
  await liveEverywhere(fleet, 'notes.hoge.com', 'home', 30_000);
  const otherDir = join(fleet.run.directory, 'other-keys');
  await createDevelopmentKeys(otherDir, new Date());
  const other = await loadKeys(otherDir);
  return {
    older,
    newest: await bundleOf(fleet, 'osaka-1'),
    foreign: await bundleOf(fleet, 'tokyo-1'),
    keys: (await loadKeys(fleet.keysDir)).online,
    otherKeys: other.online,
    otherRoot: other.roots[0]!,
  };
}

async function startHostile(fleet: Fleet, edge: AgentHost, bundleFile: string): Promise<() => Promise<void>> {
  const { certFile, keyFile } = await fleet.pki.certificate(['hostile.lab.test'], ['127.0.0.1']);
  writeFileSync(bundleFile, '{}');
  const args = ['--port', String(HOSTILE_PORT), '--cert', certFile, '--key', keyFile, '--bundle', bundleFile];
  const proc = edge.host.start('hostile', process.execPath, [PROGRAM, ...args]);
  await proc.ready(/listening/);
  return () => proc.stop();
}

async function refused(edge: AgentHost, { name, bundle, codes }: Forgery, bundleFile: string): Promise<string> {
  writeFileSync(bundleFile, JSON.stringify(bundle));
  const before = trustedState(edge);
  const { exitCode, stdout, stderr } = await edge.command(['once']);
  const code = /\(([a-z_]+)\)\s*$/m.exec(stderr)?.[1];
  expect(exitCode === 1 && code !== undefined && codes.includes(code), `${name}: exit ${exitCode}, expected ${codes.join(' or ')}\n${stdout}${stderr}`);
  expect(trustedState(edge) === before, `${name}: what the edge trusts has changed on its disk`);
  return `${name}: ${code}`;
}

/** One hash over everything below `trusted/`, and the version floor. */
function trustedState({ stateDir }: AgentHost): string {
  mkdirSync(join(stateDir, 'trusted'), { recursive: true });
  const hash = createHash('sha256');
  const files = readdirSync(join(stateDir, 'trusted'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const path of files.map(({ parentPath, name }) => join(parentPath, name)).sort()) hash.update(path).update(readFileSync(path));
  return hash.digest('hex');
}
