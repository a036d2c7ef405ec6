// `kill -9` of one process of the running product: which processes there are to kill, who starts them again, and what of a load may be
// lost with each. Law: what a kill excuses is only what the killed process carried, until it could be back.
import { epochMs } from './clock.ts';
import type { Fleet } from './fleet.ts';
import type { LoadFailure } from './probe-protocol.ts';
import { pidWithTitle } from './process-table.ts';
import { seconds } from './story.ts';
import { EDGES, type EdgeName, type OriginName } from './world.ts';

/** A process that the agent starts again, and that is not back by then, counts as lost. */
const BACK_MS_MAX = 10_000;

export interface Kill {
  what: string;
  /** Kills, and answers when that was done, once whatever a person or systemd would restart is started again. */
  strike(fleet: Fleet): Promise<number>;
  /** Whether the failure of a request through this edge is the kill's. */
  excuses(failure: LoadFailure, edge: EdgeName, moment: Moment): boolean;
}

/** It was alive until `at`, and dead from `deadAt`; ms since the epoch. To find it takes a while on a busy machine. */
export interface Moment {
  at: number;
  deadAt: number;
}

const NOTHING = () => false;

/**
 * systemd, or a person, starts it again; nginx and the tunnel go on meanwhile. An origin's opens the port that a change leads to: edges wait
 * for that a moment only (`agent/backends-open.ts`), and answer 504 then, as they do for a port that never opens.
 */
export function agentOf(slot: EdgeName | OriginName): Kill {
  return {
    what: `the agent of ${slot}`,
    async strike({ agents }) {
      await agents[slot].agent().kill9();
      const deadAt = epochMs();
      await agents[slot].start();
      return deadAt;
    },
    excuses: isEdge(slot) ? NOTHING : (failure, _, moment) => failure.status === 504 && isBeforeBack(failure, moment),
  };
}

/** nginx starts another one; the requests it had are lost. */
export function workerOf(edge: EdgeName): Kill {
  return {
    what: `an nginx worker of ${edge}`,
    strike: (fleet) => strikeAt(fleet, edge, /^nginx: worker process$/),
    excuses: ({ startedAt, endedAt }, through, { at, deadAt }) =>
      through === edge && startedAt <= deadAt && endedAt >= at,
  };
}

/** Its workers serve on, until the agent starts another one: then the ports are free for a moment. */
export function masterOf(edge: EdgeName): Kill {
  return {
    what: `the nginx master of ${edge}`,
    strike: (fleet) => strikeAt(fleet, edge, /^nginx: master process/),
    excuses: (failure, through, moment) => through === edge && isBeforeBack(failure, moment),
  };
}

/** The agent starts it again. An origin's carries what both edges ask it. */
export function tunnelOf(slot: EdgeName | OriginName): Kill {
  return {
    what: `wireguard-go of ${slot}`,
    strike: (fleet) => strikeAt(fleet, slot, /^wireguard-go/),
    excuses: (failure, through, moment) => (!isEdge(slot) || through === slot) && isBeforeBack(failure, moment),
  };
}

export const RECONCILER: Kill = {
  what: 'the reconciler',
  async strike(fleet) {
    await fleet.reconciler().kill9();
    const deadAt = epochMs();
    await fleet.startReconciler();
    return deadAt;
  },
  excuses: NOTHING,
};

export interface Struck extends Moment {
  kill: Kill;
}

export function isExcused(failure: LoadFailure, { kill, ...moment }: Struck): boolean {
  return kill.excuses(failure, EDGES[failure.target]!, moment);
}

/** The first and the last few, with what they were told and when. */
export function describedFailures(failures: readonly LoadFailure[], start: number): string {
  const one = ({ target, startedAt, endedAt, detail }: LoadFailure) =>
    `${EDGES[target]} from ${seconds(startedAt - start)} to ${seconds(endedAt - start)}: ${detail}`;
  return [...failures.slice(0, 3), ...failures.slice(3).slice(-3)].map(one).join('; ');
}

function isEdge(slot: EdgeName | OriginName): boolean {
  return (EDGES as readonly string[]).includes(slot);
}

function isBeforeBack({ startedAt, endedAt }: LoadFailure, { at, deadAt }: Moment): boolean {
  return endedAt >= at && startedAt <= deadAt + BACK_MS_MAX;
}

async function strikeAt({ agents }: Fleet, slot: EdgeName | OriginName, title: RegExp): Promise<number> {
  const { namespace } = agents[slot].host;
  const pid = pidWithTitle(namespace!, title);
  if (pid === undefined) throw new Error(`no process like ${title} runs in ${namespace}`);
  process.kill(pid, 'SIGKILL');
  return epochMs();
}
