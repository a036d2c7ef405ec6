// What comes of an offered bundle: it is applied, refused before anything was touched, or rolled back; and what is served after it.
import type { Failure } from './attempt.ts';
import type { LeftOut } from './core/left-out.ts';
import type { VerifiedBundle } from './ports/state.ts';

/** A bundle as it is served: `config` and `chunks` are without what is in `leftOut`. */
export interface ServedBundle extends VerifiedBundle {
  /** Absent: nothing is. */
  leftOut?: readonly LeftOut[];
}

export type Outcome = Applied | Refused | RolledBack;

export interface Applied {
  kind: 'applied';
  bundle: ServedBundle;
  /** What was made of it; absent when the bundle was running already. */
  made?: Made;
  /** Why it is not the last known good although it is good. */
  unsaved?: Failure;
}

export interface Made {
  /** The tree that the web server serves; undefined on an origin. */
  release: string | undefined;
  /** Hosts that nobody reaches here, each with one reason. */
  unserved: readonly Unserved[];
  /** Public ports that this machine cannot give: `tcp 25565`. */
  portsLacking: readonly string[];
  /** Of the release. */
  overlay?: string;
  /** Parts of the bundle that are not served because of a mistake of their own. */
  leftOut: readonly LeftOut[];
}

export interface Unserved {
  hostname: string;
  reason: string;
}

/** Nothing that runs was touched. */
export interface Refused extends Failure {
  kind: 'refused';
  /** What was refused; absent when the offer did not verify. */
  bundle?: VerifiedBundle;
  /** The config hash instead, when an earlier run of the agent refused it. */
  remembered?: string;
  /** The config hash instead, when only what it says could not be accepted; whoever reads it again may do better. */
  configHash?: string;
}

export interface RolledBack extends Failure {
  kind: 'rolled_back';
  /** Absent when an earlier run of the agent rolled it back. */
  bundle?: VerifiedBundle;
  remembered?: string;
  /** Why the node is not as it was before, either. */
  stranded?: Failure;
}

/** Undefined: nobody could read what was offered. */
export function hashOf({ bundle, remembered }: Refused | RolledBack): string | undefined {
  return bundle?.configHash ?? remembered;
}
