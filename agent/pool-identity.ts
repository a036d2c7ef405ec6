// Carries out what is planned for the pool's identity: one step per call, saved before it is shown to anybody.
import { createPublicKey, type KeyObject } from 'node:crypto';
import { ESCROW_NAME, type PoolIdentity } from '../bundle/api.ts';
import type { EdgeConfig, PoolMember } from '../bundle/config.ts';
import { signRelayed } from '../bundle/relayed.ts';
import type { Log } from './certificate-orders.ts';
import { planIdentity, withheldFrom } from './core/pool-identity.ts';
import { wrappedForOf } from './core/relayed-identity.ts';
import { APPROVAL_LOOK_MS, type PoolRecipients } from './pool-recipients.ts';
import type { ControlPlane } from './ports/control-plane.ts';
import type { HeldIdentity, PoolKeyring } from './ports/pool-keyring.ts';
import type { Sealing } from './ports/sealing.ts';

/** The same identity is not put again sooner, whatever the mailbox shows. */
export const PUT_AGAIN_MS = 10_000;

export interface IdentityDependencies {
  signingKey: KeyObject;
  /** The node's own age identity, which wraps are for. */
  ageIdentity: string;
  sealing: Sealing;
  keyring: PoolKeyring;
  control: Pick<ControlPlane, 'putIdentity'>;
  recipients: Pick<PoolRecipients, 'look' | 'unapproved' | 'giving' | 'awaited'>;
  log: Log;
  now(): number;
  /** Why this edge holds no identity yet; undefined: it holds one. */
  onWaiting?(reason: string | undefined): void;
}

export interface PoolIdentityHolder {
  /** Undefined until it was made or opened. */
  held(): HeldIdentity | undefined;
  /** Does what is due. Answers when to call again without news (ms), if ever. @throws KokoaError keyring_failed, seal_failed */
  settle(config: EdgeConfig, relayed: PoolIdentity | undefined): Promise<number | undefined>;
}

const STEPS_MAX = 4;

export function createPoolIdentityHolder(dependencies: IdentityDependencies): PoolIdentityHolder {
  const { sealing, keyring, recipients, log, now } = dependencies;
  let held: HeldIdentity | undefined;
  let loaded = false;
  let waiting: { reason: string; sinceMs: number } | undefined;
  let unopenable: string | undefined;
  let unusable: string | undefined;
  let own: { recipient: string; signingKey: string } | undefined;
  let put = { key: '', atMs: Number.NEGATIVE_INFINITY };

  async function step(
    config: EdgeConfig,
    relayed: PoolIdentity | undefined,
  ): Promise<{ again: boolean; wakeAtMs?: number }> {
    const { node: me, edge } = config;
    const { pool, members, escrow, identityEpoch } = edge;
    // After the clock was set back nobody waits for a time of before.
    put.atMs = Math.min(put.atMs, now());
    if (waiting) waiting.sinceMs = Math.min(waiting.sinceMs, now());
    const plan = planIdentity({
      ...{ me, pool, members, escrow, identityEpoch, relayed, held, now: now() },
      unapproved: recipients.unapproved(),
      ...(unopenable !== undefined && { unopenable }),
      ...(waiting && { waiting }),
    });
    if (plan.kind !== 'wait') waiting = undefined;
    switch (plan.kind) {
      case 'settled':
        await learn(relayed!, members);
        return { again: false };
      case 'wait':
        sayWaiting(plan.reason);
        return { again: false, ...(plan.untilMs !== undefined && { wakeAtMs: plan.untilMs }) };
      case 'make': {
        const identity = await sealing.generate();
        const recipient = await sealing.recipientOf(identity);
        await keep({ pool, epoch: plan.epoch, recipient, identity, wrappedFor: {} });
        log.warn({ epoch: plan.epoch, reason: plan.reason, recipient }, 'made a pool identity');
        return { again: true };
      }
      case 'open':
        return { again: await open(plan.relayed, plan.wrap, config) };
      case 'outbid':
        // Each costs an epoch: not more often than it is put at all.
        if (now() < put.atMs + PUT_AGAIN_MS) return { again: false, wakeAtMs: put.atMs + PUT_AGAIN_MS };
        await keep({ ...held!, epoch: plan.epoch });
        log.warn({ epoch: plan.epoch, reason: plan.reason }, 'raised the epoch of the pool identity');
        return wrap(config);
      case 'wrap':
        return wrap(config);
    }
  }

  function sayWaiting(reason: string): void {
    if (waiting?.reason === reason) return;
    waiting = { reason, sinceMs: now() };
    log.info({ reason }, 'waiting for the pool identity');
  }

  async function open(relayed: PoolIdentity, wrap: string, config: EdgeConfig): Promise<boolean> {
    try {
      const identity = await sealing.open(dependencies.ageIdentity, wrap);
      if ((await sealing.recipientOf(identity)) !== relayed.recipient)
        throw new Error('it is not the identity it claims to be');
      const { epoch, recipient, pool } = relayed;
      const escrow = relayed.escrow?.recipient === config.edge.escrow ? config.edge.escrow : undefined;
      const wrappedFor = wrappedForOf(relayed, config.edge.members);
      await keep({ pool, epoch, recipient, identity, wrappedFor, ...(escrow !== undefined && { escrow }) });
      log.info({ epoch, by: relayed.by }, 'opened the pool identity');
    } catch (error) {
      if ((error as { code?: string }).code === 'keyring_failed') throw error;
      unopenable = relayed.signature;
      log.warn({ by: relayed.by, reason: (error as Error).message }, 'the wrapped pool identity does not open');
    }
    return true;
  }

  /** Who got it from others: this edge, too, makes a new one when they leave. */
  async function learn({ wraps }: PoolIdentity, members: readonly PoolMember[]): Promise<void> {
    const others = members.filter(({ node }) => Object.hasOwn(wraps, node) && !Object.hasOwn(held!.wrappedFor, node));
    if (others.length > 0) await keep({ ...held!, wrappedFor: { ...held!.wrappedFor, ...namesOf(others) } });
  }

  /** Every wrap is made here anew: nobody else's text goes out under this edge's signature. */
  async function wrap(config: EdgeConfig): Promise<{ again: boolean; wakeAtMs?: number }> {
    const { pool, epoch, recipient, identity } = held!;
    const unapproved = recipients.unapproved();
    const withheld = withheldFrom({ me: config.node, members: config.edge.members, unapproved });
    const members = config.edge.members.filter(({ node }) => !withheld.includes(node));
    const escrow = unapproved.has(ESCROW_NAME) ? undefined : config.edge.escrow;
    const wrappedFor = { ...held!.wrappedFor, ...namesOf(members) };
    const key = JSON.stringify([epoch, recipient, wrappedFor, escrow, withheld]);
    if (put.key === key && now() < put.atMs + PUT_AGAIN_MS) return { again: false, wakeAtMs: put.atMs + PUT_AGAIN_MS };
    await recipients.giving([...members.map(({ node }) => node), ...(escrow === undefined ? [] : [ESCROW_NAME])]);
    const wraps: Record<string, string> = {};
    for (const member of members) {
      const wrap = await sealFor(member.node, member.recipient);
      if (wrap !== undefined) wraps[member.node] = wrap;
    }
    const escrowWrap = escrow === undefined ? undefined : await sealFor(ESCROW_NAME, escrow);
    const item = {
      ...{ pool, epoch, recipient, wraps, by: config.node },
      ...(escrow !== undefined && escrowWrap !== undefined && { escrow: { recipient: escrow, wrap: escrowWrap } }),
      ...(withheld.length > 0 && { withheld }),
    };
    // What it was wrapped for is known before anybody can have it.
    await keep({ pool, epoch, recipient, identity, wrappedFor, ...(escrow !== undefined && { escrow }) });
    put = { key, atMs: now() };
    const sent = await dependencies.control.putIdentity(signRelayed<PoolIdentity>(item, dependencies.signingKey));
    if (sent.kind !== 'answered') log.warn({ reason: sent.message }, 'the pool identity could not be relayed');
    return { again: false, wakeAtMs: put.atMs + PUT_AGAIN_MS };
  }

  /** Undefined for a recipient that nothing can be encrypted to: the others get theirs. */
  async function sealFor(name: string, recipient: string): Promise<string | undefined> {
    try {
      return await sealing.seal([recipient], held!.identity);
    } catch (error) {
      const reason = (error as Error).message.slice(0, 200);
      if (unusable !== recipient) log.warn({ name, recipient, reason }, 'nothing can be encrypted to a recipient');
      unusable = recipient;
      return undefined;
    }
  }

  /** False when the signed config names other keys under this edge's name: they are of another machine, or of somebody else. */
  async function isOurselves({ node, edge }: EdgeConfig): Promise<boolean> {
    own ??= {
      recipient: await sealing.recipientOf(dependencies.ageIdentity),
      signingKey: createPublicKey(dependencies.signingKey).export({ format: 'jwk' }).x ?? '',
    };
    const named = edge.members.find((member) => member.node === node);
    return !named || (named.recipient === own.recipient && named.signingKey === own.signingKey);
  }

  async function keep(next: HeldIdentity): Promise<void> {
    await keyring.save(next);
    held = next;
  }

  return {
    held: () => held,
    async settle(config, relayed) {
      if (!loaded) {
        const found = await keyring.load();
        if (found?.pool === config.edge.pool) held = found;
        loaded = true;
      }
      // An edge that moved to another pool starts without identity there.
      if (held && held.pool !== config.edge.pool) held = undefined;
      await recipients.look(config, held?.wrappedFor);
      if (!(await isOurselves(config))) {
        sayWaiting('the signed config names other keys for this edge');
        return undefined;
      }
      const lookAtMs = recipients.awaited() ? now() + APPROVAL_LOOK_MS : Number.POSITIVE_INFINITY;
      for (let steps = 0; steps < STEPS_MAX; steps += 1) {
        const { again, wakeAtMs = Number.POSITIVE_INFINITY } = await step(config, relayed);
        if (again) continue;
        dependencies.onWaiting?.(held ? undefined : waiting?.reason);
        const dueMs = Math.min(lookAtMs, wakeAtMs);
        return Number.isFinite(dueMs) ? dueMs : undefined;
      }
      return now() + PUT_AGAIN_MS;
    },
  };
}

/** node → recipient. */
function namesOf(members: readonly PoolMember[]): Record<string, string> {
  return Object.fromEntries(members.map(({ node, recipient }) => [node, recipient]));
}
