// Which certificates are taken off the disk because nothing here needs them any more. Laws: never before the agent itself has seen them unneeded
// for seven days, counted while it ran with a configuration by a clock that nobody sets; whoever is needed again begins anew.
import { certificatesCovering } from './certificate-choice.ts';

export const UNWANTED_MS_MAX = 7 * 24 * 3_600_000;

export interface PruningSituation {
  /** Names of what is on the disk. */
  names: Iterable<string>;
  isWanted(name: string): boolean;
  /** Name → how long it has been unneeded, ms, as answered last time. */
  unwanted: ReadonlyMap<string, number>;
  /** ms since the last time. */
  passedMs: number;
}

export interface PruningPlan {
  unwanted: Map<string, number>;
  /** Remove these now. */
  remove: string[];
}

export function planPruning({ names, isWanted, unwanted, passedMs }: PruningSituation): PruningPlan {
  const plan: PruningPlan = { unwanted: new Map(), remove: [] };
  for (const name of names) {
    if (isWanted(name)) continue;
    const before = unwanted.get(name);
    // The time before it was seen first is not counted.
    const sinceMs = before === undefined ? 0 : before + passedMs;
    plan.unwanted.set(name, sinceMs);
    if (sinceMs >= UNWANTED_MS_MAX) plan.remove.push(name);
  }
  return plan;
}

/** Names that the configuration has, and those that serve a hostname until the certificate it should have is there. */
export function wantedNames(
  certificates: Iterable<string>,
  servedBy: ReadonlyMap<string, string>,
  isHeld: (name: string) => boolean,
): Set<string> {
  const wanted = new Set(certificates);
  for (const [hostname, name] of servedBy) {
    if (!isHeld(name)) for (const one of certificatesCovering(hostname, name)) wanted.add(one);
  }
  return wanted;
}
