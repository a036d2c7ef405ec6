// A store in memory that keeps the contract, and can be told to fail. For tests of whatever writes to a Store.

import type { PoolIdentity, SealedCertificate } from '../../bundle/api.ts';
import { sha256Hex } from '../../bundle/canonical.ts';
import { KokoaError } from '../../bundle/error.ts';
import { chunkReferencesIn } from '../../reconciler/core/chunk-references.ts';
import type { Member } from '../../reconciler/core/health/pool-members.ts';
import { identityWeight } from '../../reconciler/core/identity-weight.ts';
import type { KeptChallenge } from '../../reconciler/ports/kept-challenges.ts';
import {
  type KeptProposal,
  PROPOSAL_KEPT_MS,
  PROPOSAL_KEPT_MS_MAX,
  PROPOSALS_PER_TEAM_MAX,
} from '../../reconciler/ports/kept-proposals.ts';
import { type KeptOrder, ORDERS_KEPT_MAX, ORDERS_KEPT_MS, type OrderPause } from '../../reconciler/ports/order-book.ts';
import type { KnownSlot, LocalRestriction } from '../../reconciler/ports/restrictions.ts';
import type { SealedText } from '../../reconciler/ports/secrets.ts';
import type {
  BoundEnrolment,
  Lease,
  NodeReport,
  PublishedHead,
  PublishedNode,
  Store,
} from '../../reconciler/ports/store.ts';
import { createMemoryNotices } from './memory-notices.ts';

export interface MemoryStore extends Store {
  /** The next `times` calls of `method` reject with `error`, before anything is written. */
  failNext(method: keyof Store, error: unknown, times?: number): void;
  /** Replaces what is published for a node, and knows it, as a store with checksums does. */
  damageNode(node: string, change: Partial<PublishedNode>): void;
  /** Replaces a stored text, as a bad disk would. */
  damageBlob(sha256: string): void;
}

interface Mailbox {
  sequence: number;
  identity?: { sequence: number; item: PoolIdentity };
  certificates: Map<string, { sequence: number; item: SealedCertificate }>;
}

export function createMemoryStore(): MemoryStore {
  let head: PublishedHead | undefined;
  const nodes = new Map<string, PublishedNode>();
  const damaged = new Set<string>();
  const blobs = new Map<string, string>();
  const enrolments = new Map<string, BoundEnrolment>();
  const reports = new Map<string, NodeReport>();
  const mailboxes = new Map<string, Mailbox>();
  const leases = new Map<string, Lease>();
  const sealed = new Map<string, SealedText>();
  const challenges = new Map<string, KeptChallenge>();
  const notices = createMemoryNotices();
  const dnsNames = new Map<string, Set<string>>();
  const members = new Map<string, readonly Member[]>();
  const proposals = new Map<string, KeptProposal>();
  const restrictions = new Map<string, LocalRestriction>();
  let slots: readonly KnownSlot[] = [];
  let orders: KeptOrder[] = [];
  const pauses = new Map<string, OrderPause>();
  const failures: { method: string; error: unknown }[] = [];

  function mailbox(pool: string): Mailbox {
    const held = mailboxes.get(pool) ?? { sequence: 0, certificates: new Map() };
    mailboxes.set(pool, held);
    return held;
  }
  function failing(method: keyof Store): void {
    const at = failures.findIndex((failure) => failure.method === method);
    if (at >= 0) throw failures.splice(at, 1)[0]!.error;
  }

  return {
    failNext(method, error, times = 1) {
      for (let i = 0; i < times; i += 1) failures.push({ method, error });
    },
    damageNode(node, change) {
      damaged.add(node);
      nodes.set(node, { ...nodes.get(node)!, ...change });
    },
    damageBlob(sha256) {
      blobs.set(sha256, `${blobs.get(sha256)}!`);
    },
    async head() {
      failing('head');
      return head;
    },
    async nodes() {
      failing('nodes');
      return sorted(nodes).filter(({ node }) => !damaged.has(node));
    },
    async damagedNodes() {
      failing('damagedNodes');
      return sorted(nodes).filter(({ node }) => damaged.has(node));
    },
    async publish(publication) {
      failing('publish');
      if (head?.sequence !== publication.expected) return 'conflict';
      for (const [sha256, text] of publication.blobs)
        if (sha256Hex(text) !== sha256) throw new KokoaError('blob_mismatch', `text is not the one named ${sha256}`);
      for (const { config } of publication.nodes)
        for (const sha256 of chunkReferencesIn(config))
          if (!blobs.has(sha256) && !publication.blobs.has(sha256))
            throw new KokoaError('blob_missing', `a config refers to ${sha256}, which is not stored`);
      for (const [sha256, text] of publication.blobs) blobs.set(sha256, text);
      for (const node of publication.nodes) {
        nodes.set(node.node, structuredClone(node));
        damaged.delete(node.node);
      }
      for (const node of publication.removed) nodes.delete(node);
      head = { sequence: (head?.sequence ?? 0) + 1, commit: publication.commit };
      if (publication.overrideBase !== undefined) head.overrideBase = publication.overrideBase;
      if (publication.rollout !== undefined) head.rollout = structuredClone(publication.rollout);
      return 'published';
    },
    async blob(sha256) {
      failing('blob');
      const text = blobs.get(sha256);
      return text !== undefined && sha256Hex(text) === sha256 ? text : undefined;
    },
    async enrolments() {
      failing('enrolments');
      return sorted(enrolments);
    },
    async saveEnrolment(bound) {
      failing('saveEnrolment');
      enrolments.set(bound.node, structuredClone(bound));
    },
    async reports() {
      failing('reports');
      return sorted(reports);
    },
    async saveReport(report) {
      failing('saveReport');
      reports.set(report.node, structuredClone(report));
    },
    async relay(pool, since) {
      failing('relay');
      const { sequence, identity, certificates } = mailbox(pool);
      const from = since > sequence ? 0 : since;
      const newer = [...certificates.values()].filter((held) => held.sequence > from);
      newer.sort((a, b) => a.sequence - b.sequence);
      const response = { sequence, certificates: newer.map(({ item }) => item) };
      return identity && identity.sequence > from ? { ...response, identity: identity.item } : response;
    },
    async putIdentity(item) {
      failing('putIdentity');
      const box = mailbox(item.pool);
      const held = box.identity?.item;
      const sameWithMore =
        held?.epoch === item.epoch && held.recipient === item.recipient && identityWeight(item) > identityWeight(held);
      if (held && item.epoch <= held.epoch && !sameWithMore) return 'stale';
      box.sequence += 1;
      box.identity = { sequence: box.sequence, item: structuredClone(item) };
      return 'kept';
    },
    async putCertificate(pool, item, replaces = false) {
      failing('putCertificate');
      const box = mailbox(pool);
      const held = box.certificates.get(item.hostname)?.item;
      if (held && !replaces && Date.parse(item.notBefore) < Date.parse(held.notBefore)) return 'stale';
      if (JSON.stringify(held) === JSON.stringify(item)) return 'kept';
      box.sequence += 1;
      box.certificates.set(item.hostname, { sequence: box.sequence, item: structuredClone(item) });
      return 'kept';
    },
    async takeLease(wanted, nowMs, lost) {
      failing('takeLease');
      const key = `${wanted.pool}\n${wanted.hostname}`;
      const held = leases.get(key);
      if (held && ![wanted.node, lost].includes(held.node) && held.expiresMs > nowMs) return held;
      leases.set(key, { ...wanted });
      return { ...wanted };
    },
    async leases() {
      failing('leases');
      return [...leases.values()];
    },
    async dnsNames(zone) {
      failing('dnsNames');
      return [...(dnsNames.get(zone) ?? [])];
    },
    async keepDnsNames(zone, names) {
      failing('keepDnsNames');
      dnsNames.set(zone, new Set([...(dnsNames.get(zone) ?? []), ...names]));
    },
    async dropDnsNames(zone, names) {
      failing('dropDnsNames');
      for (const name of names) dnsNames.get(zone)?.delete(name);
    },
    async keptTopics() {
      failing('keptTopics');
      return notices.keptTopics();
    },
    async keptWaiting() {
      failing('keptWaiting');
      return notices.keptWaiting();
    },
    async keepNotice(change) {
      failing('keepNotice');
      return notices.keepNotice(change);
    },
    async dropWaiting(gone) {
      failing('dropWaiting');
      return notices.dropWaiting(gone);
    },
    async poolMembers() {
      failing('poolMembers');
      return new Map([...members].sort());
    },
    async savePoolMembers(pool, of) {
      failing('savePoolMembers');
      if (of.length === 0) members.delete(pool);
      else members.set(pool, [...of]);
    },
    async keptChallenges() {
      failing('keptChallenges');
      return structuredClone([...challenges.values()].sort((a, b) => a.writtenMs - b.writtenMs));
    },
    async keepChallenge(challenge) {
      failing('keepChallenge');
      challenges.set(`${challenge.record} ${challenge.value}`, structuredClone(challenge));
    },
    async dropChallenge(record, value) {
      failing('dropChallenge');
      challenges.delete(`${record} ${value}`);
    },
    async orders(of, sinceMs, max) {
      failing('orders');
      const wanted = orders.filter((one) => {
        if (one.server !== of.server || one.begunMs <= sinceMs) return false;
        if ('name' in of) return one.name === of.name;
        return 'domain' in of ? one.domain === of.domain && countsForDomain(one) : one.node === of.node;
      });
      return structuredClone(
        wanted
          .toReversed()
          .sort((a, b) => b.begunMs - a.begunMs)
          .slice(0, max),
      );
    },
    async beginOrder(order) {
      failing('beginOrder');
      orders.push(structuredClone(order));
      orders = orders.filter(({ begunMs }) => begunMs > order.begunMs - ORDERS_KEPT_MS).slice(-ORDERS_KEPT_MAX);
    },
    async endOrder({ server, name, node, outcome, endedMs }) {
      failing('endOrder');
      const open = orders
        .filter((one) => one.server === server && one.name === name && one.node === node && !one.outcome)
        .sort((a, b) => a.begunMs - b.begunMs)
        .at(-1);
      if (open === undefined) return 'unknown';
      Object.assign(open, { outcome, endedMs });
      return 'ended';
    },
    async newNames(server, sinceMs) {
      failing('newNames');
      const counted = orders.filter((one) => one.server === server && one.begunMs > sinceMs && countsForDomain(one));
      return new Map([...Map.groupBy(counted, ({ domain }) => domain)].map(([domain, all]) => [domain, all.length]));
    },
    async pauses(server, nowMs) {
      failing('pauses');
      const open = [...pauses.entries()].filter(([, one]) => one.server === server && one.untilMs > nowMs);
      return structuredClone(open.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one));
    },
    async putPause(pause, nowMs) {
      failing('putPause');
      const key = `${pause.server}\n${pause.scope}\n${pause.subject}`;
      for (const [other, { untilMs }] of pauses) if (untilMs <= nowMs) pauses.delete(other);
      if (pause.untilMs > (pauses.get(key)?.untilMs ?? 0)) pauses.set(key, structuredClone(pause));
    },
    async sealedTexts() {
      failing('sealedTexts');
      return [...sealed.keys()].sort().map((key) => structuredClone(sealed.get(key)!));
    },
    async changeSealedTexts(put, drop) {
      failing('changeSealedTexts');
      for (const { pool, digest } of drop) sealed.delete(`${pool}\n${digest}`);
      for (const one of put) sealed.set(`${one.pool}\n${one.digest}`, structuredClone(one));
    },
    async poolRecipients() {
      failing('poolRecipients');
      return new Map(
        [...mailboxes].flatMap(([pool, { identity }]) => (identity ? [[pool, identity.item.recipient]] : [])),
      );
    },
    async restrictions() {
      failing('restrictions');
      return [...restrictions.keys()].sort().map((key) => structuredClone(restrictions.get(key)!));
    },
    async putRestriction(restriction) {
      failing('putRestriction');
      restrictions.set(`${restriction.node}\n${restriction.state}`, structuredClone(restriction));
    },
    async dropRestriction(node, state) {
      failing('dropRestriction');
      restrictions.delete(`${node}\n${state}`);
    },
    async slots() {
      failing('slots');
      return sorted(new Map(slots.map((slot) => [slot.node, slot])));
    },
    async saveSlots(all) {
      failing('saveSlots');
      slots = structuredClone(all);
    },
    async keptProposal(team, key) {
      failing('keptProposal');
      return structuredClone(proposals.get(`${team}\n${key}`));
    },
    async keepProposal(proposal, nowMs) {
      failing('keepProposal');
      const id = `${proposal.team}\n${proposal.key}`;
      for (const [other, { createdMs }] of proposals)
        if (createdMs < nowMs - PROPOSAL_KEPT_MS_MAX) proposals.delete(other);
      const others = [...proposals].filter(([other, { team }]) => other !== id && team === proposal.team);
      const oldest = others.sort(([, a], [, b]) => a.createdMs - b.createdMs);
      while (oldest.length >= PROPOSALS_PER_TEAM_MAX && oldest[0]![1].createdMs < nowMs - PROPOSAL_KEPT_MS)
        proposals.delete(oldest.shift()![0]);
      if (oldest.length >= PROPOSALS_PER_TEAM_MAX) return 'full';
      proposals.set(id, structuredClone(proposal));
      return 'kept';
    },
    async dropProposal(team, key) {
      failing('dropProposal');
      proposals.delete(`${team}\n${key}`);
    },
    async openedProposals(team) {
      failing('openedProposals');
      const numbers = [...proposals.values()].flatMap((one) => (one.team === team ? (one.opened?.number ?? []) : []));
      return [...new Set(numbers)].sort((a, b) => a - b);
    },
    async close() {},
  };
}

function countsForDomain({ renewal, outcome = 'issued' }: KeptOrder): boolean {
  return !renewal && outcome === 'issued';
}

function sorted<T extends { node: string }>(items: ReadonlyMap<string, T>): T[] {
  return [...items.values()].sort((a, b) => (a.node < b.node ? -1 : 1)).map((item) => structuredClone(item));
}
