// Which notifier a channel of kokoa.yaml has, with the credentials that an operator put beside the reconciler. They are read anew for each message,
// so that a replaced one works at once. Law: what cannot be made is a reason to try again later, and no word of a credential is in it.
import type { NotifyChannel } from '../schemas/types.ts';
import type { ChatOptions } from './adapters/notify-slack.ts';
import type { SmtpOptions } from './adapters/notify-smtp.ts';
import type { WebhookOptions } from './adapters/notify-webhook.ts';
import { type NotifyCredential, notifyCredentialPlace, readNotifyCredential } from './core/notify/credential.ts';
import { readMailServer } from './core/notify/mail-server.ts';
import { targetUrl } from './core/notify/target-url.ts';
import type { Notifier } from './ports/notifier.ts';
import type { SecretPlaces } from './ports/secrets.ts';

export interface NotifyAdapters {
  webhook(options: WebhookOptions): Notifier;
  slack(options: ChatOptions): Notifier;
  discord(options: ChatOptions): Notifier;
  smtp(options: SmtpOptions): Notifier;
}

/** Never throws. */
export async function notifierOf(
  channel: NotifyChannel,
  places: SecretPlaces,
  adapters: NotifyAdapters,
  now: () => number,
): Promise<Notifier | { problem: string }> {
  const { kind, url, server, from, to } = channel;
  const found = await credentialOf(channel, places);
  if (found !== undefined && 'problem' in found) return found;
  if (kind === 'smtp') {
    const where = server === undefined ? undefined : readMailServer(server);
    if (where === undefined || from === undefined || to === undefined) return incomplete(kind);
    const login = found?.kind === 'smtp' ? { user: found.user, password: found.password } : undefined;
    return adapters.smtp({ server: where, from, to, ...(login && { login }) });
  }
  if (found?.kind === 'slack' || found?.kind === 'discord') return adapters[found.kind]({ url: found.url, now });
  const target = url === undefined ? undefined : targetUrl(url);
  return found?.kind === 'webhook' && target !== undefined
    ? adapters.webhook({ url: target, key: found.key, now })
    : incomplete(kind);
}

async function credentialOf(
  { kind, credentials }: NotifyChannel,
  places: SecretPlaces,
): Promise<NotifyCredential | { problem: string } | undefined> {
  const place = credentials && notifyCredentialPlace(credentials);
  if (place === undefined) return undefined;
  const read = await places.read(place);
  const found = read.kind === 'text' ? readNotifyCredential(kind, read.text) : { problem: read.reason };
  return 'problem' in found ? { problem: `its credentials are of no use: ${found.problem}` } : found;
}

function incomplete(kind: string): { problem: string } {
  return { problem: `kokoa.yaml does not say all that a channel of kind ${kind} needs` };
}
