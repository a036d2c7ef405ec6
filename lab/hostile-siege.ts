// One edge under a control plane in wrong hands: its running agent is offered forged bundles, one after another, and what it makes
// of each is read from what it reports.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BundleResponse } from '../bundle/api.ts';
import { type AgentHost, pointAt } from './agent-host.ts';
import type { HostileOffer } from './hostile-control-plane.ts';
import { freePort } from './loopback-port.ts';
import type { Proc } from './proc.ts';
import { eventually, expect } from './story.ts';
import type { EdgeName, World } from './world.ts';

const PROGRAM = fileURLToPath(new URL('hostile-control-plane.ts', import.meta.url));
const ANSWER_MS = 15_000;

export interface Siege {
  /**
   * Offers a bundle and waits until the agent has refused it for this reason, with nothing changed on its disk. Two offers in a row
   * must expect different codes, or the verdict on the first would pass for that on the second. @throws UnmetExpectation
   */
  refuses(name: string, bundle: BundleResponse, code: string): Promise<void>;
  /** Gives the edge back to its own control plane. */
  end(): Promise<void>;
}

/** Takes the edge over; with the first offer its agent starts under the hostile control plane. */
export async function startSiege(world: World, edge: EdgeName): Promise<Siege> {
  const machine = world.agents[edge];
  const file = join(world.run.directory, 'hostile-offer.json');
  const put = (offer: HostileOffer) => {
    writeFileSync(`${file}.new`, JSON.stringify(offer));
    renameSync(`${file}.new`, file);
  };
  const hostile = await startHostile(world, machine, file);
  let restore: (() => void) | undefined;
  return {
    async refuses(name, bundle, code) {
      const label = name.replace(/[^a-z]+/g, '-');
      const before = trustedState(machine);
      put({ name: label, bundle });
      restore ??= await turn(machine, hostile.url);
      await eventually({
        expected: `refused as ${code}`,
        look: () => reportsOn(label, hostile.proc).find((report) => report.state === 'refused' && report.code === code),
        found: () => reportsOn(label, hostile.proc).at(-1) ?? hostile.proc.tail(5),
        timeoutMs: ANSWER_MS,
        everyMs: 10,
      });
      const unchanged = trustedState(machine) === before;
      expect(unchanged, 'nothing changed of what the edge trusts, on its disk', 'other files or links than before');
    },
    async end() {
      await machine.agent().stop();
      restore?.();
      await hostile.proc.stop();
      await machine.start();
    },
  };
}

/** Its certificate is good: the attacker has taken over the name as well. */
async function startHostile(world: World, { host }: AgentHost, file: string): Promise<{ url: string; proc: Proc }> {
  const plain = world.control.http === true;
  const { certFile, keyFile } = await world.pki.certificate(['hostile.lab.test'], ['127.0.0.1']);
  const port = await freePort();
  const tls = plain ? [] : ['--cert', certFile, '--key', keyFile];
  const proc = host.start('hostile', process.execPath, [PROGRAM, '--port', String(port), '--bundle', file, ...tls]);
  await proc.ready(/listening/);
  return { url: `${plain ? 'http' : 'https'}://127.0.0.1:${port}`, proc };
}

async function turn(machine: AgentHost, url: string): Promise<() => void> {
  await machine.agent().stop();
  const restore = pointAt(machine, url);
  await machine.start();
  return restore;
}

/** What the agent has reported since it was offered this. */
function reportsOn(label: string, hostile: Proc): { state: string; code?: string }[] {
  const lines = hostile.log().split('\n');
  const offered = lines.indexOf(`offered ${label}`);
  if (offered < 0) return [];
  const reports = lines.slice(offered).filter((line) => line.startsWith('reported '));
  return reports.map((line) => JSON.parse(line.slice('reported '.length)) as { state: string; code?: string });
}

/** One hash over everything that the edge believes and serves by: what it holds, and which of it counts. */
function trustedState({ stateDir }: AgentHost): string {
  const hash = createHash('sha256');
  for (const link of ['trusted', 'lkg', 'current']) hash.update(`${link} ${readlinkSync(join(stateDir, link))}\n`);
  const files = ['bundles', 'chunks'].flatMap((folder) => filesBelow(join(stateDir, folder)));
  for (const path of [...files, join(stateDir, 'floor')]) hash.update(`${path}\n`).update(readFileSync(path));
  return hash.digest('hex');
}

function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort();
}
