// The story of a new WireGuard key for this node (ADR 24): somebody wishes it; it is made and announced; when the control plane says that every
// peer knows it, the interface takes it; when peers answer to it, it is announced as the node's own. Law: what lies on disk says how far it
// is, every step may be repeated, and whatever fails leaves a key in use that the peers know.
import type { RotationAnswer, StatusAnswer } from '../bundle/api.ts';
import { ANSWER_MS, answersTo, type Handshakes, keyChangeAt } from './core/key-change.ts';
import { pause } from './follow.ts';
import type { NetworkKeys } from './network-keys.ts';
import { createNews, type Log, type News } from './news.ts';
import type { RotationDesk, RotationProgress } from './ports/rotation-desk.ts';
import type { WireguardKeys } from './ports/wireguard-keys.ts';

export interface KeyRotationParts {
  keys: WireguardKeys;
  network: Pick<NetworkKeys, 'useKeyFile'>;
  handshakes(): Promise<Handshakes>;
  desk: RotationDesk;
  log: Log;
  /** ms since the epoch. */
  now(): number;
  lookMs?: number;
  answerMs?: number;
}

export interface KeyRotation {
  /** What the control plane answered to a report that it took. */
  hear(answer: StatusAnswer): void;
  /** Differs when a report is due. */
  revision(): string;
  /** Works until `signal` aborts, from when the node runs on. Never throws. */
  run(isRunning: () => boolean, signal: AbortSignal): Promise<void>;
}

const LOOK_MS = 250;
/** While the answer is awaited, the control plane is asked this often; later, because a peer may be away for days, with every tenth chance. */
const ASK_MS = { soon: 1_000, later: 10_000 } as const;
const SOON_MS = 2 * 60_000;
/** Between two looks whether peers have answered. */
const ANSWER_LOOK_MS = 50;
const FAILED_MS = 5_000;

export function createKeyRotation(parts: KeyRotationParts): KeyRotation {
  const { keys, desk, log, now, lookMs = LOOK_MS } = parts;
  let heard: RotationAnswer | undefined;
  let said: RotationProgress | undefined;
  /** performance.now(), as far as this process knows. */
  let announcedAt: number | undefined;

  /** For a person who waits: what cannot be said keeps no key back. */
  async function say(state: RotationProgress['state'], more: Partial<RotationProgress> = {}): Promise<void> {
    if (said?.state === state && said.waitingFor?.join() === more.waitingFor?.join()) return;
    if (said?.state !== state) log.info({ state, ...more }, 'the WireGuard key is being replaced');
    said = { state, sinceMs: now(), ...more };
    await desk.say(said).catch(() => undefined);
  }

  async function begin(): Promise<void> {
    heard = undefined;
    await keys.make();
    await say('waiting', { waitingFor: [] });
  }

  async function giveUp(state: 'failed' | 'aborted', reason?: string): Promise<void> {
    await keys.revert();
    await say(state, reason === undefined ? {} : { reason });
  }

  async function goOn(answer: RotationAnswer | undefined): Promise<void> {
    if (answer?.publicKey !== keys.announced().nextWireguardPublicKey) return;
    if (answer?.kind === 'refused') await giveUp('failed', answer.reason);
    if (answer?.kind === 'wait') await say('waiting', { waitingFor: answer.for });
    if (answer?.kind === 'go') {
      await take(await parts.handshakes());
    }
  }

  /** Key file and interface have the new key after this, or both the old one again. */
  async function take(before: Handshakes): Promise<void> {
    const change = keyChangeAt(before, now() / 1000);
    await parts.network.useKeyFile(keys.switch);
    await say('switched');
    const until = performance.now() + (parts.answerMs ?? ANSWER_MS);
    let answers = answersTo(change, await parts.handshakes());
    while (answers !== 'all' && performance.now() < until) {
      await pause(ANSWER_LOOK_MS, NEVER);
      answers = answersTo(change, await parts.handshakes());
    }
    if (answers !== 'none') {
      await keys.confirm();
      await say('confirmed');
      return;
    }
    await parts.network.useKeyFile(keys.revert);
    await say('failed', { reason: 'no peer answered to the new key' });
  }

  async function step(): Promise<void> {
    const stage = keys.stage();
    // Where it was when an agent before this one ended.
    if (stage === 'switched') return take(await parts.handshakes());
    const wish = await desk.takeWish();
    if (stage === 'steady' && wish === 'rotate') return begin();
    if (stage === 'announced' && wish === 'abort') return giveUp('aborted');
    if (stage === 'announced') return goOn(heard);
  }

  return {
    hear({ rotation }) {
      heard = rotation;
      if (said?.state === 'confirmed' && rotation === undefined && keys.stage() === 'steady') void say('done');
    },
    revision() {
      if (keys.stage() !== 'announced') announcedAt = undefined;
      else announcedAt ??= performance.now();
      const waitedMs = announcedAt === undefined ? 0 : performance.now() - announcedAt;
      const asks =
        announcedAt === undefined ? 0 : Math.floor(waitedMs / (waitedMs < SOON_MS ? ASK_MS.soon : ASK_MS.later));
      return JSON.stringify([keys.announced(), asks]);
    },
    async run(isRunning, signal) {
      const news = createNews(log);
      said = await desk.progress();
      while (!signal.aborted) {
        const isWell = !isRunning() || (await attempted(step, news));
        await pause(isWell ? lookMs : FAILED_MS, signal);
      }
    },
  };
}

/** A started step is finished: it is bounded, and half of it would have to be made good. */
const NEVER = new AbortController().signal;

async function attempted(step: () => Promise<void>, news: News): Promise<boolean> {
  try {
    await step();
    news.over('rotation', 'the replacement of the WireGuard key goes on');
    return true;
  } catch (error) {
    news.trouble('rotation', 'failed', { reason: String(error) }, 'the WireGuard key cannot be replaced; tried again');
    return false;
  }
}
