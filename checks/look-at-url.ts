// What stands behind a URL: whether it answers, what time it says, and when its certificate ends. Law: nothing is sent but a GET without any
// credential, no redirect is followed, and no more than the head is read.
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { getCACertificates, TLSSocket } from 'node:tls';

export type Seen =
  | {
      kind: 'answer';
      status: number;
      /** This machine's clock before the server's, by its Date header (RFC 9110, 6.6.1); absent: it says none. */
      aheadMs?: number;
      /** End of the certificate, ms since the epoch; with https. */
      certificateEndMs?: number;
    }
  /** `reason`: a code such as ECONNREFUSED or CERT_HAS_EXPIRED. */
  | { kind: 'failed'; reason: string };

const HEAD_BYTES_MAX = 16 * 1024;

/** `ca`: PEM of the only CAs to trust; absent: the system's. Never throws. */
export function lookAtUrl(url: string, { ca, signal }: { ca?: string; signal: AbortSignal }): Promise<Seen> {
  return new Promise((resolve) => {
    const askedMs = Date.now();
    const failed = (error: NodeJS.ErrnoException) =>
      resolve({ kind: 'failed', reason: signal.aborted ? 'no answer in time' : (error.code ?? 'no answer') });
    const options: RequestOptions = { signal, agent: false, maxHeaderSize: HEAD_BYTES_MAX };
    const head = { 'user-agent': 'kokoa-check', connection: 'close' };
    try {
      const asked =
        URL.parse(url)?.protocol === 'http:'
          ? httpRequest(url, { ...options, headers: head })
          : httpsRequest(url, { ...options, headers: head, ca: ca ?? systemAuthorities() });
      asked.on('response', (response) => {
        resolve({ kind: 'answer', ...seenIn(response, askedMs) });
        asked.destroy();
      });
      asked.on('error', failed);
      asked.end();
    } catch (error) {
      failed(error as NodeJS.ErrnoException);
    }
  });
}

/** Those of Node and those of the machine: where one of its own is installed there, it counts. */
function systemAuthorities(): string[] {
  return [...new Set([...getCACertificates('default'), ...getCACertificates('system')])];
}

function seenIn(response: IncomingMessage, askedMs: number) {
  const serverMs = Date.parse(response.headers.date ?? '');
  const middleMs = (askedMs + Date.now()) / 2;
  const socket = response.socket;
  const endMs = socket instanceof TLSSocket ? Date.parse(socket.getPeerCertificate().valid_to ?? '') : Number.NaN;
  return {
    status: response.statusCode ?? 0,
    // A Date has whole seconds.
    ...(Number.isNaN(serverMs) ? {} : { aheadMs: middleMs - (serverMs + 500) }),
    ...(Number.isNaN(endMs) ? {} : { certificateEndMs: endMs }),
  };
}
