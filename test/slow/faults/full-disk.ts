// An agent at work on a disk that becomes full, or read-only, and well again. Law: visitors notice nothing, the log says it once, and the
// newest bundle is applied when the disk is well, without a person and without a restart.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { filesIn, judgeState } from './edge-state.ts';
import { judgeLog } from './judge-log.ts';
import { type Offer, openSweptEdge } from './swept-edge.ts';
import { until } from './until.ts';

/** Joining asks for 32 MiB. */
const DISK = 'size=40m';
/** The first ones fill it quickly, the last one to the last page. */
const FILLER_BYTES = [1024 * 1024, 4096];
/** Some tries of the agent go by. */
const TROUBLE_MS = 3_000;

interface Trouble {
  name: string;
  code: 'ENOSPC' | 'EROFS';
  begin(stateDir: string): Promise<void>;
  end(stateDir: string): Promise<void>;
}

const TROUBLES: readonly Trouble[] = [
  {
    name: 'a full disk',
    code: 'ENOSPC',
    begin: fill,
    end: (stateDir) => rm(join(stateDir, 'filler'), { recursive: true }),
  },
  {
    name: 'a read-only disk',
    code: 'EROFS',
    // What has files open for writing keeps a whole disk from being made read-only; a mount over it does not ask.
    async begin(stateDir) {
      await execa('mount', ['--bind', stateDir, stateDir]);
      await execa('mount', ['-o', 'remount,bind,ro', stateDir]);
    },
    async end(stateDir) {
      await execa('umount', ['-l', stateDir]);
    },
  },
];

/** Needs root. Answers how many troubles were gone through, and what did not hold. */
export async function sweepFullDisk(say: (line: string) => void): Promise<{ tried: number; failures: string[] }> {
  const failures: string[] = [];
  for (const trouble of TROUBLES) {
    await goThrough(trouble).catch((error: Error) => {
      failures.push(`${trouble.name}: ${error.message}`);
      say(`FAILED ${failures.at(-1)}`);
    });
  }
  return { tried: TROUBLES.length, failures };
}

async function goThrough(trouble: Trouble): Promise<void> {
  let mounted = '';
  const unmount = async () => {
    // One over the other, when it failed in between.
    for (const _ of mounted === '' ? [] : [1, 2]) await execa('umount', ['-l', mounted], { reject: false });
  };
  const edge = await openSweptEdge(async (stateDir) => {
    await mkdir(stateDir, { mode: 0o711 });
    await execa('mount', ['-t', 'tmpfs', '-o', `${DISK},mode=711`, 'tmpfs', stateDir]);
    mounted = stateDir;
  }).catch(async (error: unknown) => {
    await unmount();
    throw error;
  });
  const { stateDir, plane } = edge;
  const agent = await edge.startAgent();
  const isApplied = ({ hash }: Offer) => {
    const report = plane.reports.at(-1);
    return report?.state === 'applied' && report.applied === hash && report.lkg === hash;
  };
  const told = () => `${JSON.stringify(plane.reports.at(-1))} ${agent.said().slice(-2_000)}`;
  try {
    await until('the first bundle is applied', () => isApplied(edge.first), told);
    // What certbot would say of a full disk is not looked at here.
    // What the agent removes meanwhile cannot be listed.
    const hasAccount = async () =>
      (await filesIn(stateDir).catch(() => [])).some((path) => path.endsWith('/regr.json'));
    await until('it has an account', hasAccount, told);
    const visitor = edge.visitor();
    await trouble.begin(stateDir);
    const offset = agent.said().length;
    const offer = await edge.publish();
    await until(
      'the trouble is reported',
      () => plane.reports.at(-1)?.error?.detail.includes(trouble.code) === true,
      told,
    );
    await delay(TROUBLE_MS);
    const during = await visitor.seen();
    judgeLog(agent.said().slice(offset), stateDir, trouble.code);
    await judgeState(edge, undefined, [edge.first, offer]);
    await trouble.end(stateDir);
    await until('the new bundle is applied', () => agent.hasEnded() || isApplied(offer), told);
    if (agent.hasEnded()) throw new Error(`the agent ended: ${agent.said().slice(-1_000)}`);
    const places = [...during, ...(await visitor.seen())];
    await visitor.stop();
    const strange = places.filter((place) => place !== edge.first.leadsTo && place !== offer.leadsTo);
    if (strange.length > 0) throw new Error(`a visitor met ${strange.join(', ')}`);
    await judgeState(edge, edge.first, [offer]);
  } finally {
    await agent.stop();
    await edge.close(unmount);
  }
}

/** To the last page. */
async function fill(stateDir: string): Promise<void> {
  const folder = join(stateDir, 'filler');
  await mkdir(folder);
  for (const bytes of FILLER_BYTES) {
    for (let n = 0; ; n += 1) {
      const failure = await writeFile(join(folder, `${bytes}-${n}`), Buffer.alloc(bytes)).catch((error) => error);
      if (failure?.code === 'ENOSPC') break;
      if (failure) throw failure;
    }
  }
}
