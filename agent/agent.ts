// A node at work: what it is made of, and what it knows of itself now.
import type { Enrolment, NodeState, Restored } from '../bundle/api.ts';
import type { Failure } from './attempt.ts';
import type { BackendChecks } from './backend-checks.ts';
import { type Bell, createBell } from './bell.ts';
import type { Certificates } from './certificates.ts';
import type { Machine } from './converge-machine.ts';
import type { Made, Refused, RolledBack, ServedBundle } from './converge-outcome.ts';
import type { DeadTunnels } from './dead-tunnels.ts';
import type { FailedRequests } from './failed-requests.ts';
import type { KeyRotation } from './key-rotation.ts';
import { createNews, type Log, type News } from './news.ts';
import type { Pace } from './pace.ts';
import type { PeerChecks } from './peer-checks.ts';
import type { PeerKeys } from './peer-keys.ts';
import type { ControlPlane } from './ports/control-plane.ts';
import type { Standing, StandingStore, Unheard } from './ports/standing-store.ts';
import type { VerifiedBundle } from './ports/state.ts';
import type { TunnelState } from './ports/tunnel.ts';
import { createRefusalLines, type RefusalLines } from './refusal-lines.ts';
import type { ScriptChecks } from './script-checks.ts';
import type { UsersFiles } from './users-files.ts';
import type { Visits } from './visits.ts';

export interface Agent {
  version: string;
  machine: Machine;
  control: ControlPlane;
  certificates: Certificates;
  users: Pick<UsersFiles, 'configure' | 'run' | 'status'>;
  visits: Pick<Visits, 'configure' | 'run' | 'answers'>;
  peerChecks: Pick<PeerChecks, 'configure' | 'run' | 'views' | 'unheard'>;
  backendChecks: Pick<BackendChecks, 'configure' | 'run' | 'views'>;
  failedRequests: Pick<FailedRequests, 'run' | 'failing'>;
  /** Of an origin. */
  scriptChecks: Pick<ScriptChecks, 'configure' | 'run'>;
  standing: StandingStore;
  /** Absent where origins are reached without a tunnel. The last reading; nothing is read now. */
  tunnel?(): TunnelState | undefined;
  /** Absent where `tunnel` is. */
  deadTunnels?: DeadTunnels;
  /** Absent where `tunnel` is. */
  keyRotation?: KeyRotation;
  /** Absent where `tunnel` is. */
  peerKeys?: PeerKeys;
  enrolment(): Promise<Enrolment>;
  /** The applied configuration says where the control plane is from now on. */
  controlPlaneAt(urls: readonly string[]): void;
  /** Differs when the enrolment, the certificates, the answers or what was seen of others differ; cheap. */
  revision(): string;
  log: Log;
  pace: Pace;
}

export interface Self {
  /** What the node serves. */
  running?: ServedBundle;
  /** Config hashes. */
  offered?: string;
  lkg?: string;
  /** What was made of what runs. */
  made: Made;
  /** What was said of it last. */
  toldOf?: Made;
  /** Why the newest offer is not what runs. */
  refusal?: Refused | RolledBack;
  /** The newest bundle that failed here by its own fault, until something is applied: it is not tried again. */
  condemned?: Refused | RolledBack;
  /** Why what runs is not yet the last known good. */
  unsaved?: Failure;
  /** What of ours is missing although the configuration was applied. */
  missing?: Failure;
  /** Why the control plane does not accept what this node announces. */
  unbound?: string;
  /** What somebody else had changed, and was restored last. */
  restored?: Restored;
  /** Why the time of this machine cannot be right. */
  clock?: Failure & { state: string };
  /** A good bundle that the machine could not carry out. `at`: ms of performance.now(). */
  again?: { bundle: VerifiedBundle; at: number; tries: number };
  /** How it stood when somebody looked last. */
  standing?: Standing;
  /** How it stood before the agent was started, until it stands somewhere again. */
  before?: Pick<Standing, 'state' | 'since'>;
  /** What is on the disk about that, as text. */
  kept?: string;
  /** The last poll brought no answer. */
  unheard: boolean;
  /** The answer that it brought instead, since it is of that kind. */
  silence?: Unheard;
  /** The newest root that is trusted; undefined: nobody looked yet. */
  rootVersion?: number;
  converging: boolean;
  /** Grows with everything that is worth a report; `changed` does it. */
  changes: number;
  bell: Bell;
  news: News;
  refusals: RefusalLines;
}

export function createSelf(log: Log): Self {
  const [bell, news] = [createBell(), createNews(log)];
  return {
    made: { release: undefined, unserved: [], portsLacking: [], leftOut: [] },
    unheard: false,
    converging: false,
    changes: 0,
    bell,
    news,
    refusals: createRefusalLines(log),
  };
}

/** Something is worth a report now. */
export function changed(self: Self): void {
  self.changes += 1;
  self.bell.ring();
}

/** `isTroubled`: something of what was applied is not served, or not kept. */
export function stateOf(self: Self, nowMs: number, isTroubled: boolean): NodeState {
  if (self.converging) return 'converging';
  if (self.running && isStale(self, nowMs)) return 'stale';
  if (self.refusal) return self.refusal.kind;
  if (!self.running) return 'waiting';
  return isTroubled ? 'degraded' : 'applied';
}

/** The control plane is silent for so long that its last word has expired. What runs is served for ever. */
export function isStale({ running, unheard }: Self, nowMs: number): boolean {
  return unheard && running !== undefined && nowMs > running.timestampExpiresMs;
}

/** A failure as a report and a log line carry it. */
export function told({ stage, code, detail }: Failure): { stage: string; code: string; detail: string } {
  return { stage, code, detail };
}
