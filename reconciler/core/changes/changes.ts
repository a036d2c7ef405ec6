// Everything that a merge would change, for people to read. Law: a pure function of two compiled states; the same states are the same value.
import type { Compiled } from '../compile.ts';
import type { PublishedState, Verdict } from '../guard.ts';
import { planOf } from '../plan.ts';
import { type PlannedRollout, plannedRollout } from '../rollout/planned-rollout.ts';
import { type AnnouncedLists, refusedServices } from './allow-lists.ts';
import { bereftPools } from './bereft.ts';
import { certificatesFor, type OrderedNames } from './certificates.ts';
import type { Changes, Listed, NeededSecret, RouteChange } from './change.ts';
import { dnsChanges } from './dns.ts';
import { hostChanges, hostIn, touchedHosts } from './hosts.ts';
import { CERTIFICATES, LOGINS, neededSecrets } from './needed-secrets.ts';
import { nodeChanges } from './nodes.ts';
import { poolChanges } from './pools.ts';
import { portChanges, routeOfPort } from './ports.ts';
import { reorderedPools } from './reordered.ts';
import { settingsChanges } from './settings.ts';
import { plain, shownValue } from './shown-value.ts';

const REASON_CHARS_MAX = 300;

export interface ChangesInput {
  /** Undefined: nothing was published before. */
  published: Pick<PublishedState, 'compiled' | 'commit'> | undefined;
  candidate: Compiled;
  /** Of `verdictOf`. */
  guard: Verdict;
  /** Known to a store alone; absent: nothing is said of them. */
  announced?: AnnouncedLists;
  ordered?: OrderedNames;
  /** Files left out of `published` because they are not valid there. */
  absentAtBase?: readonly string[];
}

/** Cost: what changed, where `candidate` was compiled on top of what is published. */
export function changesOf({
  published,
  candidate,
  guard,
  announced,
  ordered,
  absentAtBase = [],
}: ChangesInput): Changes {
  const from = published?.compiled;
  const plan = planOf(from, candidate);
  const hosts = hostChanges(from, candidate, plan);
  const ports = portChanges(from, candidate);
  const anew = reorderedPools(from, candidate);
  const dns = dnsChanges(from, candidate);
  const bereft = bereftPools(from, candidate);
  const rollout = shownRollout(plannedRollout(from, candidate));
  const [logins, brought] = [LOGINS, CERTIFICATES].map((references) =>
    [...hosts.added, ...hosts.changed].flatMap(({ name }) =>
      neededSecrets(references, name, hostIn(from, name), hostIn(candidate, name)),
    ),
  ) as [NeededSecret[], NeededSecret[]];
  return {
    ...(published && { base: published.commit }),
    ...{ hosts, ports },
    nodes: nodeChanges(from, candidate),
    settings: settingsChanges(from, candidate),
    ...(rollout && { rollout }),
    pools: poolChanges(candidate, hosts, ports),
    ...(bereft.length > 0 && { bereft }),
    certificates: {
      ...certificatesFor(touchedHosts(from, candidate, plan), from, candidate, ordered),
      ...(anew.length > 0 && { anew }),
    },
    ...(dns.length > 0 && { dns }),
    addressesLost: [...addressesLost(hosts), ...addressesLost(ports)],
    refusedServices: announced === undefined ? [] : closedServices(candidate, hosts, ports, announced),
    ...(logins.length > 0 && { neededLogins: logins }),
    ...(brought.length > 0 && { neededCertificates: brought }),
    absentAtBase: absentAtBase.map(plain).sort(),
    guard: shownVerdict(guard),
  };
}

function addressesLost({ added, changed }: Listed<RouteChange>): string[] {
  return [...added, ...changed]
    .filter(({ from, to }) => to?.proxyProtocol === false && from?.proxyProtocol !== false)
    .map(({ name }) => name)
    .sort();
}

function closedServices(
  candidate: Compiled,
  hosts: Listed<RouteChange>,
  ports: Listed<RouteChange>,
  announced: AnnouncedLists,
) {
  const routes = [
    ...[...hosts.added, ...hosts.changed].map(({ name }) => ({ name, route: hostIn(candidate, name)?.file.value })),
    ...[...ports.added, ...ports.changed].map((change) => ({
      name: change.name,
      route: routeOfPort(candidate, change),
    })),
  ];
  return routes.flatMap(({ name, route }) => (route === undefined ? [] : refusedServices(name, route, announced)));
}

function shownRollout(rollout: PlannedRollout | undefined): PlannedRollout | undefined {
  return rollout?.kind === 'at_once' ? { ...rollout, reason: shownValue(rollout.reason, REASON_CHARS_MAX) } : rollout;
}

/** Its words name files and quote what people typed. */
function shownVerdict(verdict: Verdict): Verdict {
  if (verdict.kind === 'pass') return verdict;
  const reasons = verdict.reasons.map((reason) => ({ ...reason, message: plain(reason.message) }));
  if (verdict.kind === 'refused') return { ...verdict, reasons };
  return { ...verdict, reasons, reason: shownValue(verdict.reason, REASON_CHARS_MAX) };
}
