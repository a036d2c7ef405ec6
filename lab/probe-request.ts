// One request of a visitor, on a new connection that is never used again: what came back, or why nothing did. It never throws.
import { createHash } from 'node:crypto';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { isIPv6 } from 'node:net';
import {
  type ConnectionOptions,
  checkServerIdentity,
  createSecureContext,
  type SecureContext,
  type TLSSocket,
} from 'node:tls';
import { epochMs } from './clock.ts';
import type { ProbeResponse, ProbeResult, ProbeTarget, ProbeTls, Timings } from './probe-protocol.ts';

const TIMEOUT_MS = 5_000;
const BODY_BYTES_KEPT = 64 * 1024;
const CONTEXTS_MAX = 100;

/** Carries out `target`. */
export function probe(target: ProbeTarget): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const timings: Timings = { startedAt: epochMs(), endedAt: 0 };
    const timeoutMs = target.timeoutMs ?? TIMEOUT_MS;
    let outgoing: ClientRequest | undefined;
    const finish = (result: ProbeResult) => {
      clearTimeout(timer);
      timings.endedAt ||= epochMs();
      outgoing?.destroy();
      resolve(result);
    };
    const fail = (error: NodeJS.ErrnoException) => {
      finish({ kind: 'failure', reason: error.code ?? error.message, detail: error.message, timings });
    };
    const timer = setTimeout(() => {
      fail(Object.assign(new Error(`no complete answer within ${timeoutMs} ms`), { code: 'timeout' }));
    }, timeoutMs);
    try {
      outgoing = openRequest(target);
    } catch (error) {
      fail(error as Error);
      return;
    }
    outgoing.on('error', fail);
    outgoing.on('socket', (socket) => {
      socket.once('connect', () => {
        timings.connectedAt = epochMs();
      });
      socket.once('secureConnect', () => {
        timings.securedAt = epochMs();
      });
    });
    outgoing.on('response', (response) => {
      // Looked at now: a closed socket no longer knows its certificate.
      const tls = target.http ? undefined : describeTls(response.socket as TLSSocket);
      readBody(response, timings).then(({ body, bodyBytes }) => {
        const { statusCode: status = 0, headers } = response;
        const answer: ProbeResponse = { kind: 'response', status, headers: flat(headers), body, bodyBytes, timings };
        finish(tls === undefined ? answer : { ...answer, tls });
      }, fail);
    });
    outgoing.end(target.body);
  });
}

/** The request for a target, not yet ended. */
export function openRequest(target: ProbeTarget, extraHeaders: Record<string, string> = {}): ClientRequest {
  const port = target.port ?? (target.http ? 80 : 443);
  const usual = port === (target.http ? 80 : 443);
  const name = isIPv6(target.hostname) ? `[${target.hostname}]` : target.hostname;
  const headers = { host: usual ? name : `${name}:${port}`, ...target.headers, ...extraHeaders };
  const { address: host, method = 'GET', path = '/' } = target;
  const options: RequestOptions = { host, port, method, path, headers, agent: false };
  if (target.http) return httpRequest(options);
  const secure: RequestOptions & Pick<ConnectionOptions, 'secureContext'> = {
    ...options,
    servername: target.sni ?? target.hostname,
    secureContext: contextFor(target.ca),
    // The answer is wanted even when the certificate is wrong; `tls.verified` tells.
    rejectUnauthorized: false,
    checkServerIdentity: (_, certificate) => checkServerIdentity(target.hostname, certificate),
  };
  return httpsRequest(secure);
}

export function flat(headers: IncomingMessage['headers']): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}

async function readBody(response: IncomingMessage, timings: Timings): Promise<{ body: string; bodyBytes: number }> {
  const kept: Buffer[] = [];
  let bodyBytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    timings.firstByteAt ??= epochMs();
    if (bodyBytes < BODY_BYTES_KEPT) kept.push(chunk);
    bodyBytes += chunk.length;
  }
  timings.endedAt = epochMs();
  timings.firstByteAt ??= timings.endedAt;
  return { body: Buffer.concat(kept).subarray(0, BODY_BYTES_KEPT).toString('utf8'), bodyBytes };
}

function describeTls(socket: TLSSocket): ProbeTls {
  const certificate = socket.getPeerX509Certificate();
  const reason = socket.authorized ? undefined : String(socket.authorizationError);
  return {
    verified: socket.authorized,
    ...(reason === undefined ? {} : { reason }),
    subject: certificate?.subject ?? '',
    issuer: certificate?.issuer ?? '',
    alternativeNames: (certificate?.subjectAltName ?? '').split(', ').filter((name) => name !== ''),
    notAfter: certificate === undefined ? '' : certificate.validToDate.toISOString(),
    fingerprint256: certificate?.fingerprint256 ?? '',
    protocol: socket.getProtocol() ?? '',
  };
}

const contexts = new Map<string, SecureContext>();

/** Parsing a CA costs as much as a handshake: once per CA. No CA: one that trusts nobody. */
function contextFor(ca = ''): SecureContext {
  const key = createHash('sha256').update(ca).digest('hex');
  let context = contexts.get(key);
  if (context === undefined) {
    if (contexts.size >= CONTEXTS_MAX) contexts.clear();
    context = createSecureContext({ ca: ca === '' ? [] : [ca] });
    contexts.set(key, context);
  }
  return context;
}
