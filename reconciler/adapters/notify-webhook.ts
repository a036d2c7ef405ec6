// Signed JSON to a program of the operators. Law: the time stands in what is signed, so that an old message cannot be sent again, and an id, so that
// one that comes twice is known.
import { createHmac } from 'node:crypto';
import { asWebhook } from '../core/notify/texts.ts';
import type { Notifier } from '../ports/notifier.ts';
import { postJson } from './notify-post.ts';

const SIGNATURE_HEADER = 'x-kokoa-signature-256';
const ID_HEADER = 'x-kokoa-notice-id';

export interface WebhookOptions {
  url: URL;
  /** Of the HMAC. */
  key: string;
  /** ms since the epoch. */
  now(): number;
  msMax?: number;
}

/** Header `x-kokoa-signature-256: sha256=HEX`, the HMAC-SHA-256 of the bytes of the body, in which `sentAt` is the time of this attempt. */
export function createWebhookNotifier({ url, key, now, msMax }: WebhookOptions): Notifier {
  return {
    send(notice, signal) {
      const body = JSON.stringify(asWebhook(notice, new Date(now()).toISOString()));
      const signature = createHmac('sha256', key).update(body).digest('hex');
      const headers = { [SIGNATURE_HEADER]: `sha256=${signature}`, [ID_HEADER]: notice.id };
      return postJson({ url, body, headers, signal, now, secrets: [key, signature], ...(msMax && { msMax }) });
    },
  };
}
