// Operators, whom the reconciler tells what changed: what happens becomes events, events become messages, messages go out. Law: nobody waits for it.
import { setTimeout as delay } from 'node:timers/promises';
import type { NotifyChannel } from '../schemas/types.ts';
import type { Log } from './adapters/log.ts';
import type { NoticeMetrics } from './adapters/metrics-notices.ts';
import { createDiscordNotifier } from './adapters/notify-discord.ts';
import { createSlackNotifier } from './adapters/notify-slack.ts';
import { createSmtpNotifier } from './adapters/notify-smtp.ts';
import { createWebhookNotifier } from './adapters/notify-webhook.ts';
import { createNotify } from './notify.ts';
import { notifierOf } from './notify-channels.ts';
import type { KeptNotices } from './ports/kept-notices.ts';
import type { SecretPlaces } from './ports/secrets.ts';
import type { NodeReport } from './ports/store.ts';
import { createOperatorsTold, type OperatorsTold } from './tell-operators.ts';

/** How often it is looked which certificates end soon, and which are exposed. */
const REPORTS_MS = 60_000;

export interface OperatorsParts {
  /** As kokoa.yaml has them now; undefined until it was read. */
  channels(): readonly NotifyChannel[] | undefined;
  places: SecretPlaces;
  store: KeptNotices;
  reports(): Iterable<NodeReport>;
  /** Those of nodes that are let in. */
  reportsInService(): Iterable<NodeReport>;
  metrics: NoticeMetrics;
  log: Log;
}

export interface Operators extends Omit<OperatorsTold, 'reports' | 'exposed'> {
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
  const { channels, places, store, reports, reportsInService, metrics, log } = parts;
  const notify = createNotify({
    ...{ channels, store, log, counted: metrics.counted, now: Date.now },
    notifier: (channel) => notifierOf(channel, places, NOTIFIERS, Date.now),
  });
  const told = createOperatorsTold(notify, Date.now);
  metrics.observeWaiting(notify.waiting);
  return {
    ...told,
    async run(signal) {
      const looking = async () => {
        while (!signal.aborted) {
          told.reports(reports());
          told.exposed(reportsInService());
          await delay(REPORTS_MS, undefined, { signal, ref: false }).catch(() => undefined);
        }
      };
      await Promise.all([notify.run(signal), looking()]);
    },
  };
}
