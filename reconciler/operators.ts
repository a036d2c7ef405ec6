// Operators, whom the reconciler tells what changed: what happens becomes events, events become messages, messages go out. Law: nobody waits for it.
import { setTimeout as delay } from 'node:timers/promises';
import type { NotifyChannel } from '../schemas/types.ts';
import type { Log } from './adapters/log.ts';
import type { NoticeMetrics } from './adapters/metrics-notices.ts';
import { createDiscordNotifier } from './adapters/notify-discord.ts';
import { createSlackNotifier } from './adapters/notify-slack.ts';
import { createSmtpNotifier } from './adapters/notify-smtp.ts';
import { createWebhookNotifier } from './adapters/notify-webhook.ts';
import type { BackendStanding } from './core/health/backend-standing.ts';
import { createNotify } from './notify.ts';
import { notifierOf } from './notify-channels.ts';
import type { KeptNotices } from './ports/kept-notices.ts';
import type { SecretPlaces } from './ports/secrets.ts';
import type { NodeReport } from './ports/store.ts';
import { createOperatorsTold, type OperatorsTold } from './tell-operators.ts';

/** How often it is looked which certificates end soon, and which are exposed. */
const REPORTS_MS = 60_000;
/** How often it is looked which backends answer no edge. */
const BACKENDS_MS = 10_000;

export interface OperatorsParts {
  /** As kokoa.yaml has them now; undefined until it was read. */
  channels(): readonly NotifyChannel[] | undefined;
  places: SecretPlaces;
  store: KeptNotices;
  reports(): Iterable<NodeReport>;
  /** Those of nodes that are let in. */
  reportsInService(): Iterable<NodeReport>;
  /** What edges find of the services of such origins. */
  backendsInService(): readonly BackendStanding[];
  metrics: NoticeMetrics;
  log: Log;
}

export interface Operators extends Omit<OperatorsTold, 'reports' | 'exposed' | 'backends'> {
  /** Until `signal` aborts. Never throws. */
  run(signal: AbortSignal): Promise<void>;
}

export const NOTIFIERS = {
  webhook: createWebhookNotifier,
  slack: createSlackNotifier,
  discord: createDiscordNotifier,
  smtp: createSmtpNotifier,
} as const;

export function createOperators(parts: OperatorsParts): Operators {
  const { channels, places, store, reports, reportsInService, backendsInService, metrics, log } = parts;
  const notify = createNotify({
    ...{ channels, store, log, counted: metrics.counted, now: Date.now },
    notifier: (channel) => notifierOf(channel, places, NOTIFIERS, Date.now),
  });
  const told = createOperatorsTold(notify, Date.now);
  metrics.observeWaiting(notify.waiting);
  return {
    ...told,
    async run(signal) {
      const looking = every(REPORTS_MS, signal, log, () => {
        told.reports(reports());
        told.exposed(reportsInService());
      });
      const asking = every(BACKENDS_MS, signal, log, () => told.backends(backendsInService()));
      await Promise.all([notify.run(signal), looking, asking]);
    },
  };
}

/** What nodes say is hostile: a look that fails is told, and the next one may do better. */
async function every(ms: number, signal: AbortSignal, log: Log, look: () => void): Promise<void> {
  while (!signal.aborted) {
    try {
      look();
    } catch (error) {
      log.error({ error }, 'what nodes say cannot be told to operators');
    }
    await delay(ms, undefined, { signal, ref: false }).catch(() => undefined);
  }
}
