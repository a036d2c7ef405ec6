// Carries out what is planned for the pool's identity: one step per call, saved before it is shown to anybody.
import type { KeyObject } from 'node:crypto';
import type { PoolIdentity } from '../bundle/api.ts';
import type { EdgeConfig } from '../bundle/config.ts';
import { signRelayed } from '../bundle/relayed.ts';
import type { Log } from './certificate-orders.ts';
import { planIdentity, wrappedForOf } from './core/pool-identity.ts';
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
  log: Log;
  now(): number;
}

export interface PoolIdentityHolder {
  /** Undefined until it was made or opened. */
  held(): HeldIdentity | undefined;
  /** Does what is due. Answers when to call again without news (ms), if ever. @throws KokoaError keyring_failed, seal_failed */
  settle(config: EdgeConfig, relayed: PoolIdentity | undefined): Promise<number | undefined>;
}

const STEPS_MAX = 4;

export function createPoolIdentityHolder(dependencies: IdentityDependencies): PoolIdentityHolder {
  const { sealing, keyring, log, now } = dependencies;
  let held: HeldIdentity | undefined;
  let loaded = false;
  let waiting: { reason: string; sinceMs: number } | undefined;
  let unopenable: string | undefined;
  let put = { key: '', atMs: Number.NEGATIVE_INFINITY };

  async function step(
    config: EdgeConfig,
    relayed: PoolIdentity | undefined,
  ): Promise<{ again: boolean; wakeAtMs?: number }> {
    const { node: me, edge } = config;
    // After the clock was set back nobody waits for a time of before.
    put.atMs = Math.min(put.atMs, now());
    if (waiting) waiting.sinceMs = Math.min(waiting.sinceMs, now());
    const plan = planIdentity({
      me,
      pool: edge.pool,
      members: edge.members,
      relayed,
      held,
      now: now(),
      ...(unopenable !== undefined && { unopenable }),
      ...(waiting && { waiting }),
    });
    if (plan.kind !== 'wait') waiting = undefined;
    switch (plan.kind) {
      case 'settled':
        return { again: false };
      case 'wait':
        if (waiting?.reason !== plan.reason) {
          waiting = { reason: plan.reason, sinceMs: now() };
          log.info({ reason: plan.reason }, 'waiting for the pool identity');
        }
        return { again: false, ...(plan.untilMs !== undefined && { wakeAtMs: plan.untilMs }) };
      case 'make': {
        const identity = await sealing.generate();
        const recipient = await sealing.recipientOf(identity);
        await keep({ pool: edge.pool, epoch: plan.epoch, recipient, identity, wrappedFor: wrappedForAll(config) });
        log.warn({ epoch: plan.epoch, reason: plan.reason, recipient }, 'made a pool identity');
        return { again: true };
      }
      case 'open':
        return { again: await open(plan.relayed, plan.wrap, config) };
      case 'wrap':
        for (const { node, recipient } of plan.newcomers) {
          log.warn({ node, recipient }, 'wrapping the pool identity for a recipient not seen before');
        }
        return wrap(config);
    }
  }

  async function open(relayed: PoolIdentity, wrap: string, config: EdgeConfig): Promise<boolean> {
    try {
      const identity = await sealing.open(dependencies.ageIdentity, wrap);
      if ((await sealing.recipientOf(identity)) !== relayed.recipient)
        throw new Error('it is not the identity it claims to be');
      const { epoch, recipient, pool } = relayed;
      await keep({ pool, epoch, recipient, identity, wrappedFor: wrappedForOf(relayed, config.edge.members) });
      log.info({ epoch, by: relayed.by }, 'opened the pool identity');
    } catch (error) {
      if ((error as { code?: string }).code === 'keyring_failed') throw error;
      unopenable = relayed.signature;
      log.warn({ by: relayed.by, reason: (error as Error).message }, 'the wrapped pool identity does not open');
    }
    return true;
  }

  /** Every wrap is made here anew: nobody else's text goes out under this edge's signature. */
  async function wrap(config: EdgeConfig): Promise<{ again: boolean; wakeAtMs?: number }> {
    const { pool, epoch, recipient, identity } = held!;
    const { members } = config.edge;
    const key = JSON.stringify([epoch, recipient, members.map((member) => [member.node, member.recipient])]);
    if (put.key === key && now() < put.atMs + PUT_AGAIN_MS) return { again: false, wakeAtMs: put.atMs + PUT_AGAIN_MS };
    const wraps: Record<string, string> = {};
    for (const member of members) wraps[member.node] = await sealing.seal([member.recipient], identity);
    await keep({ ...held!, wrappedFor: wrappedForAll(config) });
    put = { key, atMs: now() };
    const item = { pool, epoch, recipient, wraps, by: config.node };
    const sent = await dependencies.control.putIdentity(signRelayed<PoolIdentity>(item, dependencies.signingKey));
    if (sent.kind !== 'answered') log.warn({ reason: sent.message }, 'the pool identity could not be relayed');
    return { again: false, wakeAtMs: put.atMs + PUT_AGAIN_MS };
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
      for (let steps = 0; steps < STEPS_MAX; steps += 1) {
        const { again, wakeAtMs } = await step(config, relayed);
        if (!again) return wakeAtMs;
      }
      return now() + PUT_AGAIN_MS;
    },
  };
}

function wrappedForAll({ edge }: EdgeConfig): Record<string, string> {
  return Object.fromEntries(edge.members.map(({ node, recipient }) => [node, recipient]));
}
