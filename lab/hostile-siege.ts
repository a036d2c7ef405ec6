// One edge under a control plane in wrong hands: its running agent is offered forged bundles, one after another, and what it says of
// each is read from what it reports.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BundleResponse } from '../bundle/api.ts';
import { type AgentHost, pointAt } from './agent-host.ts';
import type { HostileOffer } from './hostile-control-plane.ts';
import { freePort } from './loopback-port.ts';
import type { Proc } from './proc.ts';
import { eventually } from './story.ts';
import type { EdgeName, World } from './world.ts';

const PROGRAM = fileURLToPath(new URL('hostile-control-plane.ts', import.meta.url));
const ANSWER_MS = 15_000;

/** What the agent said of one bundle. */
export interface Judgement {
  state: string;
  code: string | undefined;
  /** What the edge believes is, on its disk, as before. */
  unchanged: boolean;
}

export interface Siege {
  offer(name: string, bundle: BundleResponse): Promise<Judgement>;
  /** Gives the edge back to its own control plane. */
  end(): Promise<void>;
}

/** Takes the edge over; the agent starts under the hostile control plane. */
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
    async offer(name, bundle) {
      const label = name.replace(/[^a-z]+/g, '-');
      const before = trustedState(machine);
      put({ name: label, bundle });
      restore ??= await turn(machine, hostile.url);
      const report = await reportOn(label, hostile.proc);
      return { ...report, unchanged: trustedState(machine) === before };
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

/** The last report before the agent asked for something newer. */
async function reportOn(label: string, hostile: Proc): Promise<{ state: string; code: string | undefined }> {
  const lines = await eventually({
    expected: `the agent judges “${label}” and asks for something newer`,
    look() {
      const said = hostile.log().split('\n');
      const [from, to] = [said.indexOf(`offered ${label}`), said.indexOf(`returned ${label}`)];
      return from >= 0 && to > from ? said.slice(from, to) : undefined;
    },
    found: () => hostile.tail(5),
    timeoutMs: ANSWER_MS,
    everyMs: 10,
  });
  const last = lines.findLast((line) => line.startsWith('reported '));
  return JSON.parse(last?.slice('reported '.length) ?? '{"state":"nothing"}');
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
