// GUARD: what a node refuses although it is signed. Law: a stolen or mistaken signature cannot point an edge at anything but the
// tunnels, empty it at one stroke, or put a directive into its web server that the templates do not hold.
import type { Chunk, EdgeConfig, NodeConfig, NodeRole } from '../../bundle/config.ts';
import { KokoaError } from '../../bundle/error.ts';
import { checkChecks } from './guard-checks.ts';
import { checkForwards } from './guard-forwards.ts';
import { checkNetwork } from './guard-network.ts';
import { checkRoutes } from './guard-routes.ts';
import { checkStreams } from './guard-streams.ts';
import { walkTree } from './guard-tree.ts';
import { isHost, type LeftOut, type Routed } from './left-out.ts';

export type GuardVerdict = { ok: true } | { ok: false; code: string; detail: string };

export type ConfigVerdict =
  /**
   * `withoutPeer`: hosts (at most 100 of them) of an origin that has not announced its keys yet; they answer 504 until it has.
   * `leftOut`: parts with a mistake of their own, that must not be served.
   */
  { ok: true; withoutPeer: string[]; leftOut: LeftOut[] } | { ok: false; code: string; detail: string };

/** What a node runs now. */
export interface Running {
  config: NodeConfig;
  chunks: readonly Chunk[];
}

export interface GuardOptions {
  /** Lets the network of the tunnels be on loopback, for a fleet on one machine. Never from the control plane. */
  allowLoopback?: boolean;
  /** What the machine is for, as `join` was told; absent: what the bundle says. */
  role?: NodeRole;
}

/** Below this many hosts everything may go at once. The reconciler starts to guard at the same number. */
export const GUARDED_HOSTS_MIN = 10;
/** Percent of the hosts that may vanish at once. Above the reconciler's 30, so that what an operator let pass there passes here. */
export const VANISHING_PERCENT_MAX = 80;

/**
 * Judges a verified config. Taking the last route away is allowed; of 10 hosts or more, more than 80 % may not vanish in one step,
 * and nothing in the config can override that: remove them in several merges, or move the edge to another pool. Without
 * `previous` (first config, roll back, an operator on the machine) this one check does not apply.
 */
export function guardConfig(
  config: NodeConfig,
  chunks: readonly Chunk[],
  previous?: Running,
  options: GuardOptions = {},
): ConfigVerdict {
  try {
    checkRole(config, options.role ?? previous?.config.role);
    const network = checkNetwork(config, options.allowLoopback ?? false);
    if (config.role === 'origin') {
      checkForwards(config, network);
      return { ok: true, withoutPeer: [], leftOut: [] };
    }
    const { hostnames, withoutPeer, leftOut } = checkRoutes(config, chunks, network);
    const ports = checkStreams(config, network);
    checkChecks(config, network, options.allowLoopback ?? false);
    checkRemains(hostnames, leftOut);
    if (previous?.config.role === 'edge') checkBlastRadius(config, hostnames, previous.config, previous.chunks);
    return { ok: true, withoutPeer, leftOut: [...leftOut, ...ports] };
  } catch (error) {
    return refusal(error, 'config_malformed');
  }
}

/** Judges what would remain of a config after more of it was left out: as if all that is gone had been taken out of git. */
export function guardRemains(
  { config, chunks }: Routed,
  leftOut: readonly LeftOut[],
  previous: Running | undefined,
): GuardVerdict {
  try {
    const hostnames = new Set(chunks.flatMap(({ routes }) => routes.map(({ hostname }) => hostname)));
    // Some stand there still, closed.
    for (const { name } of leftOut) hostnames.delete(name);
    checkRemains(hostnames, leftOut.filter(isHost));
    if (previous?.config.role === 'edge') checkBlastRadius(config, hostnames, previous.config, previous.chunks);
    return { ok: true };
  } catch (error) {
    return refusal(error, 'config_malformed');
  }
}

/** Judges a rendered tree (relative path → text): only directives that the templates use, with arguments that stay inside. */
export function guardTree(files: ReadonlyMap<string, string>): GuardVerdict {
  try {
    walkTree(files);
    return { ok: true };
  } catch (error) {
    return refusal(error, 'tree_malformed');
  }
}

/** An edge has a web server and orders certificates, an origin opens ports of its owner's: neither becomes the other by a signature. */
function checkRole({ role }: NodeConfig, pinned: NodeRole | undefined): void {
  if (pinned === undefined || role === pinned) return;
  throw new KokoaError(
    'role_changed',
    `this machine joined as an ${pinned} and is told to be an ${String(role).slice(0, 20)}: its owner would have to join again`,
  );
}

/** Leaving out the last host helps nobody. */
function checkRemains(hostnames: ReadonlySet<string>, [first]: readonly LeftOut[]): void {
  if (first && hostnames.size === 0)
    throw new KokoaError('nothing_left', `no host is left: ${first.name}: ${first.reason}`);
}

/** `hostnames`: those that will be served; what is left out is as good as gone. */
function checkBlastRadius(
  config: EdgeConfig,
  hostnames: ReadonlySet<string>,
  before: EdgeConfig,
  chunks: readonly Chunk[],
): void {
  if (before.edge.pool !== config.edge.pool) return;
  let had = 0;
  let vanished = 0;
  for (const { routes } of chunks) {
    for (const { hostname } of routes) {
      had += 1;
      if (!hostnames.has(hostname)) vanished += 1;
    }
  }
  if (had < GUARDED_HOSTS_MIN || vanished * 100 <= had * VANISHING_PERCENT_MAX) return;
  throw new KokoaError(
    'too_many_hosts_vanish',
    `${vanished} of ${had} hosts would vanish at once, at most ${VANISHING_PERCENT_MAX} % may: remove them in several merges`,
  );
}

/** Whatever a hostile value makes of the checks is a refusal, never a crash. */
function refusal(error: unknown, code: string): { ok: false; code: string; detail: string } {
  if (error instanceof KokoaError) return { ok: false, code: error.code, detail: error.message };
  return {
    ok: false,
    code,
    detail: `not of the expected shape: ${error instanceof Error ? error.message : String(error)}`.slice(0, 300),
  };
}
