// Changes in a row while visitors come, on an edge with each nginx, beside haproxy and caddy. `npm run bench -- changes` plays this alone.
import { loadavg } from 'node:os';
import { startChangingCaddy } from './bench-changes-caddy.ts';
import { startChangingEdge } from './bench-changes-edge.ts';
import { type OtherSite, startChangingHaproxy } from './bench-changes-haproxy.ts';
import { type ChangesResult, runChanges } from './bench-changes-run.ts';
import { type Backends, backendAddress, createSite, moveAt, type Site } from './bench-changes-site.ts';
import { benchSizes } from './bench-changes-sizes.ts';
import type { Subject } from './bench-changes-subject.ts';
import { printChanges } from './bench-changes-table.ts';
import { brokenPromises } from './bench-changes-verdict.ts';
import { fetchNewerNginx } from './bench-newer-nginx.ts';
import { freePort } from './loopback-port.ts';
import { addLoopbackHost } from './namespace.ts';
import { startOrigin } from './origin.ts';
import { type CertificateFiles, createPki, type Pki } from './pki.ts';
import { createRun, type Run } from './run.ts';

export const SERVICES = ['red', 'blue'] as const;
const ROUTES = 100;
/** The others are not ours to prove: enough for the middle and the 99th percentile. */
const OTHERS_CHANGES_MAX = 100;
const CERTIFICATES_AT_ONCE = 4;

export interface ChangesBench {
  /** Paths of the programs: each serves an edge of its own. `newer`: fetched from Debian's archive when it is not given. */
  readonly nginx: string;
  readonly newer?: string;
  readonly changes: number;
}

/** Answers whether every promise held. */
export async function benchChanges({ nginx, newer, changes }: ChangesBench): Promise<boolean> {
  const run = createRun();
  // Of an nginx that made itself a daemon nothing but its working directory says whose it is.
  const before = process.cwd();
  process.chdir(run.directory);
  try {
    const nginxes = [nginx, ...(newer === undefined ? await newest(run) : [newer])];
    const backends = await startServices(run);
    const results = await takeChanges(run, backends, nginxes, changes);
    const broken = results.flatMap((result) =>
      result.start.agent === undefined ? [] : brokenPromises(result).map((line) => `${result.title}: ${line}`),
    );
    console.log(broken.length === 0 ? '  every promise held' : `  BROKEN\n    ${broken.join('\n    ')}`);
    for (const path of nginxes) await benchSizes(run, path, backends);
    return broken.length === 0;
  } finally {
    process.chdir(before);
    for (const failure of await run.end()) console.error(`clean-up: ${failure}`);
  }
}

async function newest(run: Run): Promise<string[]> {
  const fetched = await fetchNewerNginx(run);
  if ('path' in fetched) return [fetched.path];
  console.log(`no newer nginx to measure (${fetched.why}); give one with --newer`);
  return [];
}

async function takeChanges(run: Run, backends: Backends, nginxes: readonly string[], changes: number) {
  const loadBefore = loadavg()[0]!;
  const pki = await createPki(run);
  const { hostnames } = createSite(ROUTES, backends);
  const certificates = await issueAll(pki, hostnames);
  const place = { ca: pki.caPem, hostnames };
  const results: ChangesResult[] = [];
  const measure = async (subject: Subject, count: number) => {
    console.log(`  ${subject.title}: ${count} changes in a row …`);
    results.push(await runChanges(subject, { ...place, port: subject.port }, { changes: count, services: SERVICES }));
    await subject.end();
  };
  for (const nginx of nginxes)
    await measure(await startChangingEdge(run, nginx, createSite(ROUTES, backends), certificates), changes);
  const few = Math.min(changes, OTHERS_CHANGES_MAX);
  const other = () => otherSite(hostnames, backends, certificates);
  await measure(await startChangingHaproxy(run, other(), 'reload'), few);
  await measure(await startChangingHaproxy(run, other(), 'runtime'), few);
  await measure(await startChangingCaddy(run, other()), few);
  printChanges(results, ROUTES, loadBefore);
  return results;
}

/** The two services that hostnames move between. */
export async function startServices(run: Run): Promise<Backends> {
  const ports = [await freePort(), await freePort()] as const;
  for (const [index, name] of SERVICES.entries())
    await startOrigin(addLoopbackHost(run, name), { name, port: ports[index]!, address: backendAddress });
  return { ports };
}

/** A certificate for each. */
export async function issueAll(pki: Pki, hostnames: Site['hostnames']): Promise<Map<string, CertificateFiles>> {
  const issued = new Map<string, CertificateFiles>();
  for (let at = 0; at < hostnames.length; at += CERTIFICATES_AT_ONCE)
    await Promise.all(
      hostnames.slice(at, at + CERTIFICATES_AT_ONCE).map(async (hostname) => {
        issued.set(hostname, await pki.certificate([hostname]));
      }),
    );
  return issued;
}

function otherSite(
  hostnames: Site['hostnames'],
  backends: Backends,
  certificates: OtherSite['certificates'],
): OtherSite {
  let count = 0;
  return {
    ...{ backends, certificates },
    next() {
      count += 1;
      return moveAt(hostnames, count - 1);
    },
  };
}
