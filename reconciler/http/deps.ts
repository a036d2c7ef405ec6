// What the HTTP server is given. It reads the served view, writes what nodes post, and only marks: the loop acts.
import type { Log } from '../adapters/log.ts';
import type { Metrics } from '../adapters/metrics.ts';
import type { VisitorSources } from '../adapters/metrics-visitors.ts';
import type { OrderLimits } from '../core/order-budget.ts';
import type { TokenVerdict } from '../core/token.ts';
import type { DnsChallenges } from '../dns-challenges.ts';
import type { EdgeHealth } from '../edge-health.ts';
import type { OrderBook } from '../ports/order-book.ts';
import type { Store } from '../ports/store.ts';
import type { FleetReports } from './fleet-reports.ts';
import type { ProposalParts } from './proposal-deps.ts';
import type { Served } from './served.ts';

export interface HttpDeps {
  store: Pick<Store, 'relay' | 'putIdentity' | 'putCertificate' | 'takeLease' | 'leases' | keyof OrderBook>;
  served: Served;
  /** Puts the proofs for wildcards into DNS; without it nothing is. */
  challenges?: Pick<DnsChallenges, 'present' | 'withdraw'> | undefined;
  reports: FleetReports;
  /** Which edges have been silent for so long that others order their certificates. */
  health: Pick<EdgeHealth, 'silent'>;
  /** Which edges are in DNS, and how it stands there. */
  visitors?: VisitorSources | undefined;
  /** Of the certificate authority whose ACME directory that is. */
  orderLimits(server: string): OrderLimits;
  /** The first one of kokoa.yaml; undefined: there is none yet. */
  orderServer(): string | undefined;
  /** `judgeToken` over the access in force. */
  judge(token: string): TokenVerdict;
  /** The branch whose pushes matter. */
  branch: string;
  /** Without it the webhook answers 404. */
  webhookSecret?: string | undefined;
  /** The age recipient of this reconciler, `age1…`. */
  sealingRecipient?: string | undefined;
  /** Lets teams' programs ask for changes; without it there is no such path. */
  proposals?: ProposalParts | undefined;
  /** Somebody else terminates TLS: the peer's address is not the client's. */
  behindProxy?: boolean;
  /** A push arrived. Cheap: it only marks. `commit`: the newest one, where it came on top of what was there. */
  onPush(commit?: string): void;
  /** Something happened to a pull request. Cheap: it only marks. */
  onPullRequest(): void;
  /** A node said how it is. Cheap: it only marks. */
  onReport(): void;
  /** Something that configs are compiled from changed. Cheap: it only marks. */
  onEnrolment(): void;
  clock(): Date;
  log: Log;
  metrics: Metrics;
}
