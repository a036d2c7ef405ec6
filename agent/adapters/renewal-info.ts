// Asks a CA when to renew. Laws: bounded in time and bytes; only where the directory itself is, over the same trust as orders; a directory is kept for
// hours.
import { readFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { askAgainMs, RENEWAL_INFO_BYTES_MAX, readWindow } from '../core/renewal-info.ts';
import type { RenewalInfo, RenewalInfoSource } from '../ports/renewal-info.ts';
import { exchange, type Reply } from './http-exchange.ts';

const DIRECTORY_BYTES_MAX = 64 * 1024;
const DIRECTORY_MS = 6 * 3_600_000;
/** Of a fleet's one or two CAs. */
const DIRECTORIES_MAX = 4;
const TIMES = { connectMs: 5_000, answerMs: 10_000, bodyMs: 10_000 };

/** `caFile`: PEM of the CA that the ACME server's own HTTPS is checked against; absent: the system's. */
export function createRenewalInfo({ caFile }: { caFile?: string }): RenewalInfoSource {
  /** ACME directory → where renewals are asked about, if anywhere. */
  const directories = new Map<string, { base: string | undefined; atMs: number }>();

  async function get(url: URL, bytesMax: number, signal: AbortSignal): Promise<Reply> {
    try {
      const agent = new Agent({ ...(caFile && { ca: await readFile(caFile) }) });
      const headers = { Accept: 'application/json' };
      return await exchange({ url, agent, method: 'GET', headers, bytesMax, times: TIMES, signal });
    } catch (error) {
      return { kind: 'failed', reason: (error as Error).message.slice(0, 200) };
    }
  }

  return {
    async ask(server, certificateId, signal) {
      let known = directories.get(server);
      if (!known || performance.now() - known.atMs > DIRECTORY_MS) {
        const url = new URL(server);
        const reply = await get(url, DIRECTORY_BYTES_MAX, signal);
        if (reply.kind === 'failed') return reply;
        if (reply.status !== 200) return { kind: 'failed', reason: `the directory answers ${reply.status}` };
        if (directories.size >= DIRECTORIES_MAX) directories.clear();
        known = { base: renewalInfoOf(reply.body.toString('utf8'), url), atMs: performance.now() };
        directories.set(server, known);
      }
      if (known.base === undefined) return { kind: 'unsupported' };
      return understood(await get(new URL(`${known.base}/${certificateId}`), RENEWAL_INFO_BYTES_MAX, signal));
    },
  };
}

function understood(reply: Reply): RenewalInfo {
  if (reply.kind === 'failed') return reply;
  const { status, headers, body } = reply;
  if (status === 400 || status === 404) return { kind: 'unknown' };
  if (status !== 200) return { kind: 'failed', reason: `it answers ${status}` };
  const window = readWindow(body.toString('utf8'));
  return { kind: 'answered', window, askAgainMs: askAgainMs(headers['retry-after'], Date.now()) };
}

/** Only on the host of the directory: whoever answers for a CA sends nobody elsewhere. */
function renewalInfoOf(directory: string, { host }: URL): string | undefined {
  try {
    const { renewalInfo } = JSON.parse(directory) as { renewalInfo?: unknown };
    const url = typeof renewalInfo === 'string' ? new URL(renewalInfo) : undefined;
    const isThere = url?.protocol === 'https:' && url.host === host && url.search === '' && url.hash === '';
    return isThere ? url.href.replace(/\/$/, '') : undefined;
  } catch {
    return undefined;
  }
}
