// What convergence may touch: the node's parts as ports, and nothing else.
import type { Chunk, EdgeConfig } from '../bundle/config.ts';
import type { Answers } from './backends-open.ts';
import type { Unserved } from './converge-outcome.ts';
import type { GuardOptions } from './core/guard.ts';
import type { Questions } from './look.ts';
import type { Network } from './network.ts';
import type { Releases, TrustedState, VerifiedBundle } from './ports/state.ts';
import type { WebServer } from './ports/web-server.ts';
import type { ProbeResults } from './probe.ts';

/** Everything a node's convergence may touch. Origins have no `edge`. */
export interface Machine {
  trusted: TrustedState;
  network: Pick<Network, 'apply' | 'differs' | 'repair' | 'hasPortsToClose' | 'restoreFilter'>;
  guard: GuardOptions;
  edge?: {
    web: WebServer;
    releases: Releases;
    /** The tree that serves this bundle, and its id. `leftOut`: names that are in neither any more. @throws KokoaError unsafe_value */
    render(config: EdgeConfig, bundle: VerifiedBundle, leftOut: readonly string[]): Promise<Release>;
    /** Writes the lists of users that the routes ask for, as far as they can be opened. Bounded; never throws. */
    prepareUsers(chunks: readonly Chunk[]): Promise<void>;
    /** What the moment would add to this bundle now, as `overlay` of a release has it. Cheap. */
    overlay?(config: EdgeConfig, chunks: VerifiedBundle['chunks']): string;
    /** True when a backend answered, were it by refusing. */
    answers: Answers;
  };
  /** Looks at the node from outside; a hostname has `timeoutMs` to answer. */
  probe(questions: Questions, timeoutMs: number): Promise<ProbeResults>;
  /** How long what held before may take to hold again. */
  probeMs: number;
  /** ms since the epoch. */
  now(): number;
}

export interface Release {
  id: string;
  files: ReadonlyMap<string, string>;
  /** Hosts that this web server cannot serve. */
  unserved: readonly Unserved[];
  /** Public ports that this machine cannot give: `tcp 25565`. */
  portsLacking: readonly string[];
  /** Differs when what the moment adds to the bundle does (overlay.ts). */
  overlay?: string;
}
