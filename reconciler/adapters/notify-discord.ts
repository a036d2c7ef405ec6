// A webhook of Discord. Law: its URL is the secret, and stands in no reason; nobody is mentioned.
// https://docs.discord.com/developers/resources/webhook#execute-webhook
import { asDiscord } from '../core/notify/texts.ts';
import type { Notifier } from '../ports/notifier.ts';
import { postJson } from './notify-post.ts';
import type { ChatOptions } from './notify-slack.ts';

export function createDiscordNotifier({ url, now, msMax }: ChatOptions): Notifier {
  return {
    send: (notice, signal) =>
      postJson({ url, body: JSON.stringify(asDiscord(notice)), signal, now, ...(msMax && { msMax }) }),
  };
}
