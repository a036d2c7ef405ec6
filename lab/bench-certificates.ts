// How long a new edge needs until it holds every certificate of its pool, none of which is ordered again: from the start of its agent, over the
// control plane's mailbox, to the last one on its disk. Beside it, in the same run, what opening and writing as many costs by itself.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { age } from '../agent/adapters/age.ts';
import { openCertificateStore } from '../agent/node-certificates.ts';
import type { CertificatePair } from '../agent/ports/certificate-store.ts';
import type { RelayResponse } from '../bundle/api.ts';
import { askControl } from './ask.ts';
import { joining } from './chapter-joining.ts';
import { routeFile } from './example-data.ts';
import { type Fleet, startFleet } from './fleet.ts';
import { createRun } from './run.ts';
import { milliseconds } from './statistics.ts';
import { eventually } from './story.ts';

const CERTIFICATES = 1_000;
/** openssl makes so many at once. */
const MADE_AT_ONCE = 8;
const MAILBOX_MS = 180_000;
const RECEIVED_MS = 180_000;
const GOAL_MS = 30_000;
const [GIVER, NEWCOMER] = ['tokyo-1', 'osaka-1'] as const;

/** Answers whether nothing was ordered. */
export async function benchCertificates(): Promise<boolean> {
  const run = createRun();
  try {
    const fleet = await startFleet(run);
    await joining[0]!.play(fleet);
    const pairs = await makePairs(fleet);
    const ordersBefore = ordersOf(await fleet.pebble.finalisedOrders());
    await giveTo(fleet, pairs);
    await mailboxHolds(fleet, CERTIFICATES);
    const alone = await measureAlone(join(run.directory, 'alone'), pairs);
    const took = await measureNewcomer(fleet);
    const ordered = ordersOf(await fleet.pebble.finalisedOrders()) - ordersBefore;
    console.log(
      `\n${CERTIFICATES} certificates to a new edge\n  goal ${milliseconds(GOAL_MS)}; from its start until it holds all ${milliseconds(took)}`,
    );
    console.log(
      `  opening and writing as many alone ${milliseconds(alone)}: ${(took / alone).toFixed(1)} times that; orders at the CA ${ordered}`,
    );
    return ordered === 0;
  } finally {
    for (const failure of await run.end()) console.error(`clean-up: ${failure}`);
  }
}

function ordersOf(finalised: ReadonlyMap<string, number>): number {
  return [...finalised].filter(([name]) => name.startsWith('host-')).reduce((sum, [, count]) => sum + count, 0);
}

async function makePairs({ pki }: Fleet): Promise<Map<string, CertificatePair>> {
  const names = Array.from({ length: CERTIFICATES }, (_, index) => `host-${index}.hoge.com`);
  const pairs = new Map<string, CertificatePair>();
  const makers = Array.from({ length: MADE_AT_ONCE }, async () => {
    for (let name = names.pop(); name !== undefined; name = names.pop()) {
      const { certFile, keyFile } = await pki.certificate([name]);
      pairs.set(name, { fullchain: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') });
    }
  });
  await Promise.all(makers);
  return pairs;
}

/** As if the first edge had ordered them one by one; then git names the hosts. */
async function giveTo({ agents, developer }: Fleet, pairs: ReadonlyMap<string, CertificatePair>): Promise<void> {
  await agents[GIVER].agent().stop();
  const store = await openCertificateStore(agents[GIVER].stateDir);
  for (const [name, pair] of pairs) await store.write(name, pair, 'ordered');
  await agents[GIVER].start();
  const files = Object.fromEntries(
    [...pairs.keys()].map((name) => [`routes/hoge/${name}.yaml`, routeFile(name, 'home', 8080)]),
  );
  await developer.commit(files, `${CERTIFICATES} routes`);
}

async function mailboxHolds(fleet: Fleet, count: number): Promise<void> {
  const names = new Set<string>();
  let since = 0;
  await eventually({
    expected: `${count} certificates in the mailbox of the pool`,
    async look() {
      const { status, body } = await askControl(
        fleet,
        `/api/v1/edge-nodes/me/relay?since=${since}`,
        fleet.agents[GIVER].token,
      );
      if (status !== 200) return undefined;
      const { sequence, certificates } = JSON.parse(body) as RelayResponse;
      since = sequence;
      for (const { hostname } of certificates) names.add(hostname);
      return names.size >= count ? true : undefined;
    },
    found: () => `${names.size}`,
    timeoutMs: MAILBOX_MS,
  });
}

/** ms: what cannot be had cheaper. */
async function measureAlone(folder: string, pairs: ReadonlyMap<string, CertificatePair>): Promise<number> {
  const identity = await age.generate();
  const recipient = await age.recipientOf(identity);
  const sealed = new Map<string, string>();
  for (const [name, pair] of pairs) sealed.set(name, await age.seal([recipient], JSON.stringify(pair)));
  const store = await openCertificateStore(folder);
  const since = performance.now();
  for (const [name, text] of sealed) {
    await store.write(name, JSON.parse(await age.open(identity, text)) as CertificatePair, 'relayed');
  }
  return performance.now() - since;
}

/** ms from the start of the agent of a machine that has just joined. */
async function measureNewcomer(fleet: Fleet): Promise<number> {
  const { agents, developer, files } = fleet;
  await developer.commit({ [`edges/${NEWCOMER}.yaml`]: files[`edges/${NEWCOMER}.yaml`]! }, 'a new edge');
  const joined = await agents[NEWCOMER].join();
  if (joined.exitCode !== 0) throw new Error(`the new edge did not join: ${joined.stdout}${joined.stderr}`);
  const since = performance.now();
  await agents[NEWCOMER].start();
  const store = await openCertificateStore(agents[NEWCOMER].stateDir);
  let found = 0;
  await eventually({
    expected: `${NEWCOMER} holds ${CERTIFICATES} certificates`,
    async look() {
      found = (await store.list()).held.filter(({ hostname }) => hostname.startsWith('host-')).length;
      return found >= CERTIFICATES ? true : undefined;
    },
    found: () => `${found}`,
    everyMs: 500,
    timeoutMs: RECEIVED_MS,
  });
  return performance.now() - since;
}
