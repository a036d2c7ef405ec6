// Where the loop's news go: to whoever asks over HTTP, to the metrics and to the log.
import type { Log } from './adapters/log.ts';
import type { Metrics } from './adapters/metrics.ts';
import { countHosts } from './core/plan.ts';
import { slotsOf } from './core/slots.ts';
import type { ListedNode, Listing, LoopHealth, Served } from './http/served.ts';
import { listingOf } from './listing.ts';
import type { LoopDeps } from './loop.ts';
import type { HeardNodes } from './ports/heard-nodes.ts';
import type { LocalRestriction } from './ports/restrictions.ts';
import { createRestrictionLog } from './restriction-log.ts';
import { viewOfRollout } from './roll-out.ts';
import { createRunLog } from './run-log.ts';
import type { Secrets } from './secrets.ts';
import { createSecretsLog } from './secrets-log.ts';
import type { Standing } from './standing.ts';

export interface NewsParts {
  served: Served;
  metrics: Metrics;
  log: Log;
  secrets: Pick<Secrets, 'problems'>;
  heard: HeardNodes;
  /** What team members are to encrypt to. */
  sealingRecipient: string;
}

export function newsSinks(parts: NewsParts): Pick<LoopDeps, 'timed' | 'serve' | 'ran' | 'failed'> {
  const { served, metrics, log, secrets } = parts;
  const secretsLog = createSecretsLog(log, parts.sealingRecipient);
  const runLog = createRunLog(log, () => new Date());
  const restrictionLog = createRestrictionLog(log);
  let shown: Standing | undefined;
  let ms: Record<string, number> = {};
  let health: LoopHealth = {};
  const failing = (error: unknown) => ({
    sinceMs: health.failure?.sinceMs ?? Date.now(),
    code: (error as { code?: string }).code ?? 'unexpected',
  });
  const setHealth = (change: LoopHealth) => {
    health = { ...health, ...change };
    served.update({ health });
  };
  return {
    timed(step, duration) {
      ms[step] = Math.round(duration * 10) / 10;
      metrics.step(step, duration / 1000);
    },
    serve({ standing, access, changed, removed }) {
      const { fleetFiles, kokoa } = standing.live;
      // Another access map wakes everybody who waits.
      const sameFleet =
        shown?.live.fleetFiles === fleetFiles && shown.live.kokoa === kokoa && shown.local === standing.local;
      shown = standing;
      const restrictions = restrictionLog(standing);
      metrics.restrictions([...restrictions.values()].map(({ state }) => state));
      served.update({
        ...(!sameFleet && { access, pins: pinsOf(standing) }),
        nodes: changed,
        removed,
        listing: withRestrictions(listingOf(standing.live), restrictions),
        ready: standing.head !== undefined,
        rollout: (now) => viewOfRollout(standing, parts.heard, now),
      });
    },
    ran(outcome, seconds) {
      const { standing, unfetched, kind } = outcome;
      const held = standing.hold?.message;
      if (unfetched === undefined) setHealth({ lastSuccessMs: Date.now(), failure: undefined, held });
      else setHealth({ failure: failing(unfetched), held });
      runLog.ran(outcome, ms);
      ms = {};
      metrics.reconciled(unfetched === undefined ? kind : failing(unfetched).code, seconds);
      metrics.published(standing.head?.sequence ?? 0);
      metrics.held(standing.hold !== undefined);
      metrics.rollout(standing.rolling?.state);
      if (standing.compiled) metrics.hosts(countHosts(standing.compiled));
      const problems = secrets.problems();
      secretsLog.ran(problems, standing.live.kokoa?.value?.sealing?.recipient);
      metrics.unusableSecrets(problems.filter(({ severity }) => severity === 'error').length);
    },
    failed(error, seconds) {
      setHealth({ failure: failing(error) });
      runLog.failed(error);
      ms = {};
      metrics.reconciled(failing(error).code, seconds);
    },
  };
}

/** Beside the state that git says. */
function withRestrictions(listing: Listing, restrictions: ReadonlyMap<string, LocalRestriction>): Listing {
  if (restrictions.size === 0) return listing;
  const shown = <T extends ListedNode>(node: T) => {
    const found = restrictions.get(node.name);
    if (found === undefined) return node;
    const { state, reason, sinceMs } = found;
    return { ...node, restriction: { state, reason, since: new Date(sinceMs).toISOString() } };
  };
  return {
    get routes() {
      return listing.routes;
    },
    get origins() {
      return listing.origins.map(shown);
    },
    get edges() {
      return listing.edges.map(shown);
    },
  };
}

function pinsOf({ live }: Standing) {
  return new Map(
    slotsOf(live).map(({ node, file }) => [node, { wireguardPublicKey: file.value?.wireguard.publicKey }]),
  );
}
