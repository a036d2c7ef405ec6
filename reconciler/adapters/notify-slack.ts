// An incoming webhook of Slack. Law: its URL is the secret, and stands in no reason.
// https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
import { asSlack } from '../core/notify/texts.ts';
import type { Notifier } from '../ports/notifier.ts';
import { postJson } from './notify-post.ts';

export interface ChatOptions {
  url: URL;
  /** ms since the epoch. */
  now(): number;
  msMax?: number;
}

export function createSlackNotifier({ url, now, msMax }: ChatOptions): Notifier {
  return {
    send: (notice, signal) =>
      postJson({ url, body: JSON.stringify(asSlack(notice)), signal, now, ...(msMax && { msMax }) }),
  };
}
