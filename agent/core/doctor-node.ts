// How the agent of this machine fares, and what its disk and service manager say: judged from what was read. What preflight judges is not judged here.

import { type Finding, ok } from '../../checks/finding.ts';
import { day } from '../../checks/judge-seen.ts';
import type { KeptStanding } from '../ports/standing-store.ts';
import type { Finding as PreflightFinding } from './preflight.ts';

export interface NodeFacts {
  /** How many agents run here. */
  agents: number;
  isLocked: boolean;
  /** Undefined: there is no systemd. */
  unit: string | undefined;
  standing: KeptStanding | undefined;
  agentVersion: string;
  /** ms since the epoch; undefined: nothing was applied yet. */
  goodSinceMs: number | undefined;
  /** End of the newest signed word of the control plane. */
  wordEndsMs: number | undefined;
  freeInodes: { free: number; all: number };
  nowMs: number;
}

export interface CertificateFacts {
  hosts: number;
  without: readonly string[];
  /** End in less than a quarter of their life, or are over. */
  ending: readonly { hostname: string; notAfter: number }[];
}

const INODES_MIN = 10_000;
const SHOWN_MAX = 5;

export function judgeNode(facts: NodeFacts): Finding[] {
  return [...running(facts), ...unit(facts), ...bundle(facts), ...state(facts), ...inodes(facts)];
}

export function judgeCertificates({ hosts, without, ending }: CertificateFacts): Finding[] {
  const todo = 'kokoa-agent status lists them with the reason; docs/troubleshooting.md, no certificate';
  const some: Finding[] = [
    ...(without.length === 0
      ? []
      : [
          {
            level: 'warning' as const,
            what: 'certificates',
            found: `${without.length} of ${hosts} hosts have none: ${shown(without)}`,
            todo,
          },
        ]),
    ...(ending.length === 0
      ? []
      : [
          {
            ...{
              level: 'trouble' as const,
              what: 'certificates',
              expected: 'renewed when a third of the life is left',
              todo,
            },
            found: `they end and were not renewed: ${shown(ending.map((one) => `${one.hostname} on ${day(one.notAfter)}`))}`,
          },
        ]),
  ];
  return some.length > 0 ? some : [ok('certificates', `${hosts} hosts, all with one`)];
}

/** What stands in the way, in the words of a doctor. */
export function fromPreflight(findings: readonly PreflightFinding[]): Finding[] {
  if (findings.length === 0)
    return [ok('this machine', 'rights, programs, kernel, ports and disk are as the agent needs them')];
  return findings.map(({ severity, what, found, todo }) => ({
    ...{ level: severity === 'error' ? 'trouble' : 'warning', what, found, todo },
  }));
}

function running({ agents, isLocked }: NodeFacts): Finding[] {
  const what = 'the agent';
  if (agents > 1)
    return [
      {
        ...{ level: 'trouble', what, found: `${agents} agents run on this machine`, expected: 'one' },
        todo: 'end all but the one of systemd: ps ax | grep kokoa-agent; a second one takes turns with it at nginx and tunnel',
      },
    ];
  if (isLocked) return [ok(what, 'it runs')];
  return [{ level: 'trouble', what, found: 'it does not run', todo: 'systemctl enable --now kokoa-agent' }];
}

function unit({ unit: enabled }: NodeFacts): Finding[] {
  if (enabled === undefined || enabled === 'enabled') return [];
  return [
    {
      ...{
        level: 'warning',
        what: 'the systemd unit kokoa-agent',
        found: enabled || 'it is not installed',
        expected: 'enabled',
      },
      todo: 'systemctl enable kokoa-agent, or nothing of it comes back after a reboot (docs/operate.md, systemd)',
    },
  ];
}

function bundle({ goodSinceMs, wordEndsMs, nowMs }: NodeFacts): Finding[] {
  const what = 'the configuration';
  if (goodSinceMs === undefined)
    return [
      {
        level: 'trouble',
        what,
        found: 'nothing was applied yet',
        todo: 'kokoa-agent status, and the log of the agent, say why',
      },
    ];
  const age = `the one in force is ${ageText(nowMs - goodSinceMs)} old`;
  if (wordEndsMs !== undefined && wordEndsMs < nowMs)
    return [
      {
        ...{
          level: 'warning',
          what,
          found: `${age}, and no word of the control plane is good since ${day(wordEndsMs)}`,
        },
        ...{
          expected: 'a signed word that is not over',
          todo: 'see whether the control plane answers, and the clock of this machine',
        },
      },
    ];
  return [ok(what, age)];
}

/** What the running agent says of itself; of a dead one nothing is repeated. */
function state({ standing, isLocked, agentVersion }: NodeFacts): Finding[] {
  if (standing === undefined || !isLocked) return [];
  const { state: name, reason, unheard, unbound } = standing;
  const isWell = name === 'applied' || name === 'converging' || name === 'stale';
  return [
    ...(isWell
      ? []
      : [
          {
            level: 'warning' as const,
            what: 'the state',
            found: `${name}${reason === undefined ? '' : `: ${reason}`}`,
            todo: CODES,
          },
        ]),
    ...(unheard === undefined
      ? []
      : [
          {
            level: 'trouble' as const,
            what: 'the control plane',
            found: `${unheard.kind} since ${unheard.since}: ${unheard.reason}`,
            todo: HEARD[unheard.kind],
          },
        ]),
    ...(unbound === undefined
      ? []
      : [
          {
            level: 'trouble' as const,
            what: 'the announcement',
            found: `it is not accepted: ${unbound}`,
            todo: 'kokoa get edges on the reconciler says whose keys it has',
          },
        ]),
    ...(standing.agentVersion === agentVersion
      ? []
      : [
          {
            level: 'warning' as const,
            what: 'the version',
            found: `${standing.agentVersion} runs, ${agentVersion} is installed`,
            todo: 'systemctl restart kokoa-agent',
          },
        ]),
  ];
}

function inodes({ freeInodes: { free, all } }: NodeFacts): Finding[] {
  // Some file systems count none.
  if (all === 0 || free >= INODES_MIN) return [];
  const found = `${free} inodes are free under the state directory`;
  return [
    {
      level: 'warning',
      what: 'the disk',
      found,
      expected: `${INODES_MIN} or more`,
      todo: 'remove files: df -i shows where they are',
    },
  ];
}

const CODES = 'look its code up in docs/operate.md, a bundle was refused';
const HEARD = {
  unauthorized: 'git has another token for this node: join again with a new one (kokoa edge token, kokoa origin token)',
  suspended: 'an operator suspended it: kokoa resume NODE on the reconciler ends that',
  unreachable: 'see below whether its URLs answer from here',
} as const;

function ageText(ms: number): string {
  const hours = Math.max(0, ms) / 3_600_000;
  if (hours >= 48) return `${Math.floor(hours / 24)} days`;
  return hours >= 2 ? `${Math.floor(hours)} hours` : `${Math.floor(hours * 60)} minutes`;
}

function shown(texts: readonly string[]): string {
  return `${texts.slice(0, SHOWN_MAX).join(', ')}${texts.length > SHOWN_MAX ? ` and ${texts.length - SHOWN_MAX} more` : ''}`;
}
