// One POST of JSON to a channel. Laws: https, or http to this machine; no redirect is followed; it ends in time; little of the answer is read; the
// URL and what else is secret is in no reason; and what has been taken is never sent again because of what the answer looks like.
import { foreignLine } from '../core/notify/foreign-text.ts';
import { targetUrl } from '../core/notify/target-url.ts';
import type { Sent } from '../ports/notifier.ts';

const ANSWER_BYTES_MAX = 64 * 1024;
const POST_MS_MAX = 10_000;
const WORDS_CHARACTERS_MAX = 200;
const AFTER_MS_MIN = 1_000;
const AFTER_MS_MAX = 3600_000;
/** Parts of a URL that are shorter, such as `v1`, tell nothing and would blacken everything. */
const PART_CHARACTERS_MIN = 6;
/** Not for the sake of the message. */
const LATER = new Set([408, 425, 429]);

export interface Post {
  url: URL;
  body: string;
  headers?: Readonly<Record<string, string>>;
  /** Beside the URL. */
  secrets?: readonly string[];
  signal: AbortSignal;
  /** Default 10 s. */
  msMax?: number;
  /** ms since the epoch. */
  now(): number;
}

/** Never throws. */
export async function postJson(post: Post): Promise<Sent> {
  const { url, body, headers, msMax = POST_MS_MAX } = post;
  if (targetUrl(url.href) === undefined)
    return { outcome: 'refused', reason: 'the URL is neither https nor on this machine' };
  const signal = AbortSignal.any([post.signal, AbortSignal.timeout(msMax)]);
  try {
    const response = await fetch(url, {
      ...{ method: 'POST', body, redirect: 'manual', signal },
      headers: { ...headers, 'content-type': 'application/json', 'user-agent': 'kokoa-proxy' },
    });
    return await judged(response, post);
  } catch (error) {
    return { outcome: 'retry', reason: failureOf(error, msMax) };
  }
}

async function judged(response: Response, post: Post): Promise<Sent> {
  const { status, headers } = response;
  const words = await readWords(response);
  if (status >= 200 && status < 300) return { outcome: 'sent' };
  if (status >= 300 && status < 400)
    return { outcome: 'refused', reason: `answered ${status}: redirects are not followed` };
  const said = foreignLine(hidden(words, post), WORDS_CHARACTERS_MAX);
  const reason = `answered ${status}${said === '' ? '' : `: ${said}`}`;
  if (status < 500 && !LATER.has(status)) return { outcome: 'refused', reason };
  const afterMs = waitOf(headers.get('retry-after'), words, post.now());
  return { outcome: 'retry', reason, ...(afterMs !== undefined && { afterMs }) };
}

/** The first bytes; empty where they do not come. */
async function readWords({ body }: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const part of body ?? []) {
      parts.push(part);
      bytes += part.length;
      // Leaving the loop cancels the rest.
      if (bytes >= ANSWER_BYTES_MAX) break;
    }
  } catch {
    // The status has come, and it decides.
  }
  return Buffer.concat(parts).subarray(0, ANSWER_BYTES_MAX).toString('utf8');
}

/** Seconds or a date (RFC 9110, 10.2.3); Discord says fractions of seconds in its JSON. */
function waitOf(header: string | null, words: string, nowMs: number): number | undefined {
  const fromHeader = header === null || header.trim() === '' ? Number.NaN : Number(header) * 1000;
  const fromDate = header === null ? Number.NaN : Date.parse(header) - nowMs;
  const inBody = Number(/"retry_after"\s{0,5}:\s{0,5}([0-9.]{1,12})/.exec(words.slice(0, 2_000))?.[1]) * 1000;
  const ms = [fromHeader, fromDate, inBody].find(Number.isFinite);
  return ms === undefined ? undefined : Math.min(Math.max(Math.ceil(ms), AFTER_MS_MIN), AFTER_MS_MAX);
}

/** Who answers may repeat what was sent, as it was or decoded. */
function hidden(words: string, { url, secrets = [] }: Post): string {
  const parts = [...url.pathname.split('/'), ...url.searchParams.values()].flatMap((part) => [part, decoded(part)]);
  const long = parts.filter((part) => part.length >= PART_CHARACTERS_MIN);
  const all = [url.href, url.search, ...long, ...secrets].filter((secret) => secret !== '');
  return all
    .toSorted((a, b) => b.length - a.length)
    .reduce((text, secret) => text.replaceAll(secret, '[hidden]'), words);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Of an error of fetch only a code: its text may hold the URL. */
function failureOf(error: unknown, msMax: number): string {
  const { name, cause } = error as { name?: unknown; cause?: { code?: unknown } };
  if (name === 'TimeoutError') return `no answer within ${msMax} ms`;
  if (name === 'AbortError') return 'given up: the reconciler ends';
  const code = cause?.code;
  return typeof code === 'string' && /^[A-Z0-9_]{1,60}$/.test(code) ? `not reached: ${code}` : 'not reached';
}
