// Makes every write of agent and publisher fail, one at a time, and looks whether all that is promised holds: what is served is the old or
// the new configuration, nothing older gets in, and the next run comes to the same state. It prints how many points it went through.
//   npm run test:slow -- faults [--quick | --every K] [--only NAME,NAME] [--kinds KILL,EIO] [--seed N] [--resume FILE] [--list]
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { seededRandom } from '../../lab/random.ts';
import { agentChange } from './faults/agent-change.ts';
import { agentJoin } from './faults/agent-join.ts';
import { agentRejoin } from './faults/agent-rejoin.ts';
import { agentStart } from './faults/agent-start.ts';
import { certificateImport } from './faults/certificate-import.ts';
import { FAULT_KINDS, type FaultKind } from './faults/fault-kinds.ts';
import type { FaultProgram } from './faults/fault-program.ts';
import { sweepFullDisk } from './faults/full-disk.ts';
import { keysRotate } from './faults/keys-rotate.ts';
import { mirrorFetch } from './faults/mirror-fetch.ts';
import { publisherChange } from './faults/publisher-change.ts';
import { publisherStart } from './faults/publisher-start.ts';
import { smallFiles } from './faults/small-files.ts';
import { sweepDamage } from './faults/state-damage.ts';
import { type SweepOptions, type Swept, sweepProgram } from './faults/sweep-program.ts';

/** Long ones first. */
const PROGRAMS: readonly FaultProgram[] = [
  ...[agentChange, agentStart, publisherStart, agentJoin, agentRejoin, smallFiles],
  ...[certificateImport, publisherChange, mirrorFetch, keysRotate],
];
/** Not single writes: the disk as a whole, and what is found on it. */
const DISKS = { damage: 'damage', full: 'full-disk' } as const;
const NAMES: readonly string[] = [...PROGRAMS.map(({ name }) => name), ...Object.values(DISKS)];
const AT_ONCE = 2;
const QUICK_EVERY = 60;
/** Of the points of a program. More, and the sweep says nothing about too many of them. */
const MISSED = { share: 0.1, few: 3 };

interface Asked extends Omit<SweepOptions, 'random' | 'scratch'> {
  seed: number;
  names: readonly string[];
}

/** True: all held. @throws Error when nothing is asked for, or on Ctrl-C */
export async function faultSweep(args: readonly string[]): Promise<boolean> {
  const asked = askedBy(args);
  if (asked === undefined) return true;
  asked.say(`faults: every ${asked.every === 1 ? 'point' : `${asked.every}th point`}, seed ${asked.seed}`);
  const jobs = asked.names.map((name) => async () => {
    try {
      return await sweepOne(name, asked);
    } catch (error) {
      asked.say(`FAILED ${name} cannot be swept: ${(error as Error).message}`);
      return false;
    }
  });
  const held: boolean[] = [];
  const work = async () => {
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) held.push(await job());
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return held.every((one) => one);
}

/** Undefined: only the names were asked for. */
function askedBy(args: readonly string[]): Asked | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', default: NAMES.join() },
      quick: { type: 'boolean', default: false },
      every: { type: 'string' },
      kinds: { type: 'string', default: FAULT_KINDS.join() },
      seed: { type: 'string' },
      resume: { type: 'string' },
      list: { type: 'boolean', default: false },
    },
  });
  if (values.list) {
    console.log(NAMES.join('\n'));
    return undefined;
  }
  const names = NAMES.filter((name) => values.only.split(',').includes(name));
  const kinds = FAULT_KINDS.filter((kind) => values.kinds.split(',').includes(kind));
  const every = Number(values.every ?? (values.quick ? QUICK_EVERY : 1));
  if (names.length === 0 || kinds.length === 0 || !Number.isInteger(every) || every < 1)
    throw new Error('nothing is asked for: look at --list, --kinds KILL,ENOSPC,EIO,EROFS, --every 1');
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => stop.abort(new Error('interrupted')));
  const { seed } = seededRandom(values.seed === undefined ? undefined : Number(values.seed));
  const started = performance.now();
  const say = (line: string) => console.log(`${((performance.now() - started) / 60_000).toFixed(1)} min  ${line}`);
  return { names, kinds, every, seed, say, signal: stop.signal, ...memoryOf(values.resume) };
}

/** What held before, one line each. */
function memoryOf(file: string | undefined): Pick<SweepOptions, 'isDone' | 'done'> {
  const done = new Set(file !== undefined && existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []);
  return {
    isDone: (key) => done.has(key),
    done: (key) => file !== undefined && appendFileSync(file, `${key}\n`),
  };
}

/** Each begins with the same seed, whatever else is asked for. */
async function sweepOne(name: string, asked: Asked): Promise<boolean> {
  const random = seededRandom(asked.seed);
  const program = PROGRAMS.find((one) => one.name === name);
  if (!program) {
    const { tried, failures } =
      name === DISKS.full ? await sweepFullDisk(asked.say) : await sweepDamage(asked.every, random, asked.say);
    asked.say(`${name}: ${tried} gone through, ${failures.length} failures`);
    return failures.length === 0;
  }
  const scratch = mkdtempSync(join(tmpdir(), 'kokoa-faults-'));
  try {
    return tell(name, await sweepProgram(program, { ...asked, random, scratch }), asked.say);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function tell(name: string, { held, heldBefore, missed, failures }: Swept, say: (line: string) => void): boolean {
  const counts = [...held].map(([kind, count]: [FaultKind, number]) => `${kind} ${count}`).join(', ');
  const all = [...held.values()].reduce((sum, count) => sum + count, heldBefore);
  const before = heldBefore === 0 ? '' : `before ${heldBefore}, `;
  say(`${name}: ${all} points swept (${before}${counts}), ${missed} missed, ${failures.length} failures`);
  const tooMany = missed > Math.max(MISSED.few, MISSED.share * (all + missed));
  if (tooMany) say(`FAILED ${name}: too many points were missed`);
  return failures.length === 0 && !tooMany;
}
