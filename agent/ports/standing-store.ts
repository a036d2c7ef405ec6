// What a node leaves on its disk about itself for whoever looks while the agent does not answer, and for its own next start.
import type { BackendView, NodeState, PeerView, Restored } from '../../bundle/api.ts';

/** One state, since when, and the first reason. */
export interface Standing {
  state: NodeState;
  /** ISO 8601. */
  since: string;
  /** One line of printable ASCII; absent: nothing is wrong. */
  reason?: string;
}

/** Of `leftOut`. */
export const LEFT_OUT_KEPT_MAX = 100;

export interface KeptStanding extends Standing {
  /** Of the agent that wrote it. */
  agentVersion: string;
  /** Parts of the configuration that are not served: hosts and public ports, with the reason. */
  leftOut: readonly { name: string; reason: string }[];
  /** The bundle that failed here by its own fault, and is not tried again. */
  condemned?: Condemned;
  /** What somebody else had changed, and was restored last. */
  restored?: Restored;
  /** Why the control plane does not accept what this node announces. */
  unbound?: string;
  /** Why the control plane gives no answer that counts, and since when; absent: it answered last. */
  unheard?: Unheard;
  /** Hosts whose certificate was tried for and did not come, with the newest reason: the first few. */
  unobtained?: readonly { hostname: string; reason: string }[];
  /** What other edges were found to be; absent: nothing is known of any. */
  checks?: readonly PeerView[];
  /** Absent: none that was asked is down. */
  backendsDown?: BackendsDown;
  /** Absent: none failed a request lately. */
  backendsFailing?: BackendsFailing;
}

export interface BackendsDown {
  count: number;
  /** The first few. */
  first: readonly BackendView[];
}

export interface BackendsFailing {
  count: number;
  /** The first few. */
  first: readonly FailingBackend[];
}

/** One that the web server could not use for a request, and gave that to another if it could. */
export interface FailingBackend {
  /** ADDRESS:PORT in the tunnels. */
  backend: string;
  /** ISO 8601. */
  since: string;
}

/** Of `backendsDown.first` and `backendsFailing.first`. */
export const BACKENDS_KEPT_MAX = 20;

/** Of `unobtained`. */
export const UNOBTAINED_KEPT_MAX = 5;

export interface Unheard {
  kind: 'unauthorized' | 'suspended' | 'unreachable';
  /** ISO 8601. */
  since: string;
  /** What was said first, one line of printable ASCII. */
  reason: string;
}

export interface Condemned {
  kind: 'refused' | 'rolled_back';
  configHash: string;
  stage: string;
  code: string;
  detail: string;
  /** The web server that refused it, in one line; absent: it was not one. */
  judgedBy?: string;
}

export interface StandingStore {
  /** Undefined: nothing was kept, or it is torn. Never throws. */
  read(): Promise<KeptStanding | undefined>;
  /** @throws KokoaError state_unwritable */
  write(standing: KeptStanding): Promise<void>;
}
