// The third row: after fetch → signed and published, for one route among 100 and among 10 000, side by side in one process, in turn.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { generateOnlineKeys } from '../bundle/keys.ts';
import { openGitSource } from '../reconciler/adapters/git.ts';
import { openSqliteStore } from '../reconciler/adapters/store-sqlite.ts';
import { NOTHING_SEALED } from '../reconciler/core/sealed.ts';
import { type Reconciler, reconcile } from '../reconciler/reconcile.ts';
import { NOTHING_YET, type Standing } from '../reconciler/standing.ts';
import { routeFile } from './example-data.ts';
import { GIT_ENVIRONMENT } from './git-refs.ts';
import { createRun, type Run } from './run.ts';
import { median, milliseconds, summary } from './statistics.ts';

const TOP = fileURLToPath(new URL('..', import.meta.url));
/** The repository's own data is the fleet. */
const EXAMPLE = ['kokoa.yaml', 'routes', 'origins', 'edges'];
const EXAMPLE_ROUTES = 2;
const TEAMS = 100;
const SIZES = [100, 10_000] as const;
const CHANGES = 25;
const WARM_UP = 5;

interface Site {
  routes: number;
  directory: string;
  deps: Reconciler;
  standing: Standing;
  /** Durations of the newest run by step, ms. */
  steps: Record<string, number>;
  totals: number[];
  perStep: Record<string, number[]>;
}

export async function benchScale(): Promise<void> {
  const run = createRun();
  try {
    const sites = await Promise.all(SIZES.map((routes) => createSite(run, routes)));
    for (let change = 0; change < WARM_UP + CHANGES; change += 1) {
      for (const site of sites) await moveOneRoute(site, change);
    }
    print(sites);
    for (const { deps } of sites) {
      await deps.source.close();
      await deps.store.close();
    }
  } finally {
    await run.end();
  }
}

/** No route of the example asks for a password. */
const NO_SECRETS = { ...NOTHING_SEALED, complete: true };

async function createSite(run: Run, routes: number): Promise<Site> {
  const directory = join(run.directory, `scale-${routes}`);
  const work = join(directory, 'work');
  for (const path of EXAMPLE) cpSync(join(TOP, path), join(work, path), { recursive: true });
  addTeams(work);
  for (let index = 0; index < routes - EXAMPLE_ROUTES; index += 1) writeRoute(work, index, 8080);
  await git(work, ['init', '--quiet', '--initial-branch=main']);
  await commit(work, 'all routes');
  const site: Site = {
    ...{ routes, directory: work, steps: {}, totals: [], perStep: {}, standing: NOTHING_YET },
    deps: {
      heard: { report: () => undefined, lastSeenMs: () => undefined },
      source: await openGitSource({ url: work, branch: 'main', mirrorDir: join(directory, 'mirror') }),
      store: await openSqliteStore(join(directory, 'store')),
      secrets: { prepare: async () => NO_SECRETS },
      signing: { keys: generateOnlineKeys() },
      now: () => new Date(),
      timed: (step, ms) => {
        site.steps[step] = ms;
      },
    },
  };
  site.standing = (await reconcile(site.standing, site.deps)).standing;
  return site;
}

/** One hundred teams share the routes, as they would in a company that has ten thousand. */
function addTeams(work: string): void {
  const names = Array.from({ length: TEAMS }, (_, index) => `team-${index}`);
  const teams = names.map((name) => `  - name: ${name}\n    hostnames:\n      - '*.${name}.example.net'\n`).join('');
  edit(join(work, 'kokoa.yaml'), (text) => text.replace(/^teams:\n/m, `teams:\n${teams}`));
  edit(join(work, 'origins', 'home.yaml'), (text) =>
    text.replace(/^teams:\n/m, `teams:\n${names.map((name) => `  - ${name}\n`).join('')}`),
  );
}

function writeRoute(work: string, index: number, port: number): void {
  const team = `team-${index % TEAMS}`;
  const hostname = `r${index}.${team}.example.net`;
  mkdirSync(join(work, 'routes', team), { recursive: true });
  writeFileSync(join(work, 'routes', team, `${hostname}.yaml`), routeFile(hostname, 'home', port));
}

function edit(path: string, change: (text: string) => string): void {
  writeFileSync(path, change(readFileSync(path, 'utf8')));
}

async function moveOneRoute(site: Site, change: number): Promise<void> {
  const port = 8000 + (change % 90);
  writeRoute(site.directory, 7, port);
  await commit(site.directory, `move to ${port}`);
  const outcome = await reconcile(site.standing, site.deps);
  if (outcome.kind !== 'published')
    throw new Error(`change ${change} at ${site.routes} routes: ${outcome.kind}, expected published`);
  site.standing = outcome.standing;
  if (change < WARM_UP) return;
  const { fetch: _, ...after } = site.steps;
  site.totals.push(Object.values(after).reduce((sum, ms) => sum + ms, 0));
  for (const [step, ms] of Object.entries(after)) site.perStep[step] = [...(site.perStep[step] ?? []), ms];
}

async function commit(work: string, message: string): Promise<void> {
  await git(work, ['add', '--all']);
  await git(work, ['-c', 'user.name=Lab', '-c', 'user.email=lab@lab.test', 'commit', '--quiet', '--message', message]);
}

async function git(cwd: string, args: readonly string[]): Promise<void> {
  await execa('git', args, { cwd, env: GIT_ENVIRONMENT });
}

function print(sites: readonly Site[]): void {
  console.log(
    `\nafter fetch → signed and published, one route moved, 2 edges and 2 origins (${CHANGES} changes each, in turn)`,
  );
  for (const { routes, totals, perStep } of sites) {
    const steps = Object.entries(perStep).map(([step, values]) => `${step} ${milliseconds(median(values))}`);
    console.log(`  ${String(routes).padStart(6)} routes: ${summary(totals)}; p50: ${steps.join(', ')}`);
  }
  const [small, large] = sites.map(({ totals }) => median(totals));
  console.log(`  ratio ${(large! / small!).toFixed(2)} (limit 1.5); goal 10 ms`);
}
