// A pool's mailbox and leases in memory, as several agents see them at once: it keeps the store's contract, and can be told to lie,
// to lose everything and to be away. For tests of the agent's certificate side.
import { EventEmitter, once } from 'node:events';
import { asRelay } from '../../agent/adapters/control-plane-answers.ts';
import type { ControlPlane, Unavailable } from '../../agent/ports/control-plane.ts';
import type {
  ChallengeQuestion,
  LeaseQuestion,
  OrderEnd,
  PoolIdentity,
  RelayResponse,
  SealedCertificate,
} from '../../bundle/api.ts';
import { createMemoryStore, type MemoryStore } from './memory-store.ts';

const LEASE_MS = 600_000;
const LISTENERS_MAX = 100;

export type RelayingControlPlane = Pick<
  ControlPlane,
  'relay' | 'putIdentity' | 'putCertificate' | 'lease' | 'orderEnded' | 'challenge' | 'challengeEnded'
>;

export interface MemoryControlPlane {
  /** The control plane as `node` reaches it. */
  connect(node: string): RelayingControlPlane;
  /** Everything that was put, in order, whether it was kept or not. */
  readonly identities: PoolIdentity[];
  readonly certificates: SealedCertificate[];
  /** Who got a lease for what, in order. */
  readonly leases: { node: string; hostname: string }[];
  /** What was to be put into DNS, in order; all of it is. */
  readonly challenges: ChallengeQuestion[];
  /** What was asked with them, and how the orders under them ended, in order. */
  readonly questions: LeaseQuestion[];
  readonly ends: OrderEnd[];
  /** Changes what `node` is told from now on; undefined: the truth again. */
  lieTo(node: string, lie: ((relay: RelayResponse) => unknown) | undefined): void;
  /** Puts something that no honest member would. */
  smuggle(certificate: SealedCertificate): Promise<void>;
  /** The mailbox is empty again. */
  lose(): void;
  /** Nobody gets an answer while it is away. */
  setAway(away: boolean): void;
  /** A lease for this hostname is refused while set. */
  refuseLease(hostname: string, retryAfterMs: number | undefined): void;
  /** From now on what is put replaces what is there, as the relay lets the orderer in a pool that has compromised edges. */
  letReplace(): void;
  /** True while `node` asks for news and there is none. */
  isWaiting(node: string): boolean;
}

/** `clock`: ms since the epoch, by which leases end. */
export function createMemoryControlPlane(pool: string, clock: () => number = Date.now): MemoryControlPlane {
  let store: MemoryStore = createMemoryStore();
  let away = false;
  let replaces = false;
  const news = new EventEmitter();
  news.setMaxListeners(LISTENERS_MAX);
  const lies = new Map<string, (relay: RelayResponse) => unknown>();
  const refused = new Map<string, number>();
  const waiting = new Set<string>();
  const identities: PoolIdentity[] = [];
  const certificates: SealedCertificate[] = [];
  const leases: { node: string; hostname: string }[] = [];
  const challenges: ChallengeQuestion[] = [];
  const questions: LeaseQuestion[] = [];
  const ends: MemoryControlPlane['ends'] = [];
  const unreachable: Unavailable = { kind: 'unreachable', message: 'away', retryAfterMs: 10 };

  async function told(node: string, since: number): Promise<RelayResponse> {
    const truth = structuredClone(await store.relay(pool, since));
    const lie = lies.get(node);
    if (lie) return (lie(truth) ?? truth) as RelayResponse;
    // The truth comes as the client takes it apart.
    return asRelay(JSON.parse(JSON.stringify(truth))) ?? truth;
  }

  function connect(node: string): RelayingControlPlane {
    return {
      async relay(since, waitSeconds, signal) {
        if (away) return unreachable;
        let relay = await told(node, since);
        if (waitSeconds > 0 && relay.sequence === since && !lies.has(node)) {
          waiting.add(node);
          await once(news, 'news', { signal: either(signal, waitSeconds) }).catch(() => undefined);
          waiting.delete(node);
          if (signal?.aborted || away) return unreachable;
          relay = await told(node, since);
        }
        return { kind: 'answered', relay };
      },
      async putIdentity(identity) {
        if (away) return unreachable;
        identities.push(identity);
        await store.putIdentity(identity);
        news.emit('news');
        return { kind: 'answered' };
      },
      async putCertificate(certificate) {
        if (away) return unreachable;
        certificates.push(certificate);
        await store.putCertificate(pool, certificate, replaces);
        news.emit('news');
        return { kind: 'answered' };
      },
      async challenge(question) {
        if (away) return unreachable;
        challenges.push(question);
        return { kind: 'answered', answer: { outcome: 'ready' } };
      },
      challengeEnded: async () => ({ kind: 'answered' }),
      async lease(question) {
        const hostname = question.name;
        if (away) return unreachable;
        questions.push(question);
        const retryAfterMs = refused.get(hostname);
        if (retryAfterMs !== undefined) {
          return {
            kind: 'answered',
            lease: { granted: false, reason: 'not every edge answers for it yet', retryAfterMs },
          };
        }
        const now = clock();
        const held = await store.takeLease({ pool, hostname, node, expiresMs: now + LEASE_MS }, now);
        if (held.node !== node) {
          return { kind: 'answered', lease: { granted: false, reason: `${held.node} has it`, retryAfterMs: 1000 } };
        }
        leases.push({ node, hostname });
        return { kind: 'answered', lease: { granted: true, expiresAt: new Date(held.expiresMs).toISOString() } };
      },
      async orderEnded(end) {
        if (away) return unreachable;
        ends.push(end);
        return { kind: 'answered' };
      },
    };
  }

  return {
    connect,
    identities,
    certificates,
    leases,
    challenges,
    questions,
    ends,
    lieTo(node, lie) {
      if (lie) lies.set(node, lie);
      else lies.delete(node);
      news.emit('news');
    },
    async smuggle(certificate) {
      await store.putCertificate(pool, certificate);
      news.emit('news');
    },
    lose() {
      store = createMemoryStore();
      news.emit('news');
    },
    setAway(gone) {
      away = gone;
      news.emit('news');
    },
    refuseLease(hostname, retryAfterMs) {
      if (retryAfterMs === undefined) refused.delete(hostname);
      else refused.set(hostname, retryAfterMs);
    },
    letReplace() {
      replaces = true;
    },
    isWaiting: (node) => waiting.has(node),
  };
}

function either(signal: AbortSignal | undefined, seconds: number): AbortSignal {
  const timeout = AbortSignal.timeout(seconds * 1000);
  return signal ? AbortSignal.any([signal, timeout]) : timeout;
}
