// What a team waits for before a merge: ten thousand routes judged and planned, by the commands in new processes, and by a reconciler that
// has read them before. `npm run bench -- judge` plays this alone.
import { mkdirSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { sha256Hex } from '../bundle/canonical.ts';
import { type DataDir, readDataDir } from '../reconciler/adapters/data-dir.ts';
import { isError, type Judgement, judgeData } from '../reconciler/cli/judgement.ts';
import { compileAt, desiredOn, fileLoader } from '../reconciler/cli/plan-sides.ts';
import { changesOf } from '../reconciler/core/changes/changes.ts';
import { documentOf } from '../reconciler/core/changes/document.ts';
import { documentAsMarkdown } from '../reconciler/core/changes/markdown.ts';
import { verdictOf } from '../reconciler/core/changes/verdict.ts';
import type { Compiled } from '../reconciler/core/compile.ts';
import { emptyDesired } from '../reconciler/core/desired.ts';
import { loadFile } from '../reconciler/core/load.ts';
import { judgePull } from '../reconciler/core/pull-request/judge-pull.ts';
import { cpuSecondsOfEnded } from './bench-edge-usage.ts';
import { judgedFiles, judgedPath, judgedRoute } from './bench-judge-data.ts';
import { GIT_ENVIRONMENT } from './git-refs.ts';
import { createRun } from './run.ts';
import { median, milliseconds, summary } from './statistics.ts';

const KOKOA = fileURLToPath(new URL('../bin/kokoa.js', import.meta.url));
const ROUTES = 10_000;
const ROUNDS = 5;
const COMMAND_ROUNDS = 3;
/** The route that a round changes. */
const CHANGED = 91;
const COMMIT = '0'.repeat(40);

export async function benchJudge(): Promise<void> {
  const run = createRun();
  try {
    const work = join(run.directory, 'judged');
    await createData(work);
    const before = loadavg()[0]!;
    const commands = await timeCommands(work);
    const inside = timeInside(readDataDir(work));
    print([...commands, ...inside], before);
  } finally {
    for (const failure of await run.end()) console.error(`clean-up: ${failure}`);
  }
}

/** Two commits: all routes, and one of them changed. */
async function createData(work: string): Promise<void> {
  for (const [path, text] of Object.entries(judgedFiles(ROUTES))) {
    mkdirSync(dirname(join(work, path)), { recursive: true });
    writeFileSync(join(work, path), text);
  }
  await git(work, ['init', '--quiet', '--initial-branch=main']);
  await commit(work, 'all routes');
  writeFileSync(join(work, judgedPath(CHANGED)), judgedRoute(CHANGED, 1));
  await commit(work, 'move one');
}

interface Row {
  what: string;
  goal: string;
  /** From outside, ms. */
  times: number[];
  /** Of all threads and of git, ms: what stays nearly the same when others are busy. */
  cpu: number[];
}

/** Whole processes. A first one of each is not counted: it fills the caches of files and of compiled sources. */
async function timeCommands(work: string): Promise<Row[]> {
  const validate: Row = { what: 'kokoa validate, a new process', goal: '4 s', times: [], cpu: [] };
  const plan: Row = { what: 'kokoa plan of one change, a new process', goal: '1.5 × validate', times: [], cpu: [] };
  const run = async (row: Row, args: readonly string[], counted: boolean) => {
    const [since, cpu] = [performance.now(), cpuSecondsOfEnded()];
    await execa(process.execPath, [KOKOA, ...args]);
    if (!counted) return;
    row.times.push(performance.now() - since);
    row.cpu.push(1000 * (cpuSecondsOfEnded() - cpu));
  };
  for (let round = 0; round <= COMMAND_ROUNDS; round += 1) {
    await run(validate, ['validate', work], round > 0);
    await run(plan, ['plan', work, '--from', 'HEAD~1'], round > 0);
  }
  return [validate, plan];
}

/** One process, as the reconciler is one: what it has read by content id is not read again. */
function timeInside(data: DataDir): Row[] {
  const cold: Row = { what: 'validate, nothing read before', goal: '4 s', times: [], cpu: [] };
  const again: Row = { what: 'validate, every file read before', goal: '0.3 s', times: [], cpu: [] };
  const changed: Row = { what: 'validate, one file new', goal: '0.3 s', times: [], cpu: [] };
  const plan: Row = { what: 'check and plan of one change, base standing', goal: '1 s', times: [], cpu: [] };
  for (let round = 1; round <= ROUNDS; round += 1) {
    const load = fileLoader();
    const judge = (state: DataDir) => accepted(judgeData(state, new Date(), load));
    const base = timed(cold, () => judge(data));
    timed(again, () => judge(data));
    const next = withChange(data, round);
    timed(changed, () => judge(next));
    const standing = compileAt(new Date())(desiredOn(emptyDesired(), base.loaded));
    timed(plan, () => planOnto(standing, round + ROUNDS));
  }
  return [cold, again, changed, plan];
}

function timed<T>({ times, cpu }: Row, work: () => T): T {
  const [since, before] = [performance.now(), process.cpuUsage()];
  const result = work();
  times.push(performance.now() - since);
  const { user, system } = process.cpuUsage(before);
  cpu.push((user + system) / 1000);
  return result;
}

/** The same files but for one, in a state of its own. */
function withChange(data: DataDir, moved: number): DataDir {
  const bytes = Buffer.from(judgedRoute(CHANGED, moved + 1));
  const path = judgedPath(CHANGED);
  const files = data.files.map((file) => (file.path === path ? { path, blob: sha256Hex(bytes), bytes } : file));
  return { ...data, files };
}

/** What is left to do once a pull request is fetched: read the file, judge the change, and say what merging it would do. */
function planOnto(standing: Compiled, moved: number): string {
  const bytes = Buffer.from(judgedRoute(CHANGED, moved + 1));
  const path = judgedPath(CHANGED);
  const file = loadFile(path, sha256Hex(bytes), bytes);
  const { head, problems } = judgePull(standing.desired, [{ path, file }], [], new Date());
  const published = { compiled: standing, commit: COMMIT };
  const build = compileAt(new Date(), standing);
  const candidate = build(head);
  const changes = changesOf({ published, candidate, guard: verdictOf(published, candidate, build) });
  const text = documentAsMarkdown(documentOf(changes));
  if (problems.some(isError) || changes.hosts.changed.length !== 1)
    throw new Error(`expected a plan that changes one host, found:\n${text}`);
  return text;
}

/** @throws Error with the first problem: a benchmark of data that nobody would merge says nothing */
function accepted(judgement: Judgement): Judgement {
  const [first] = judgement.problems.filter(isError);
  if (first !== undefined) throw new Error(`${first.file}: ${first.message}`);
  return judgement;
}

async function commit(work: string, message: string): Promise<void> {
  await git(work, ['add', '--all']);
  await git(work, ['-c', 'user.name=Lab', '-c', 'user.email=lab@lab.test', 'commit', '--quiet', '--message', message]);
}

async function git(cwd: string, args: readonly string[]): Promise<void> {
  await execa('git', args, { cwd, env: GIT_ENVIRONMENT });
}

function print(rows: readonly Row[], loadBefore: number): void {
  const load = `${loadBefore.toFixed(1)} before, ${loadavg()[0]!.toFixed(1)} after`;
  console.log(`\n${ROUTES} routes of one hundred teams, judged and planned, in turn (load of the machine ${load})`);
  for (const { what, goal, times, cpu } of rows)
    console.log(
      `  ${what.padEnd(44)}${summary(times).padEnd(32)} of it processor ${milliseconds(median(cpu)).padEnd(8)} goal ${goal}`,
    );
}
