// PROBE of one name: a new TLS connection to the local web server, as a visitor would make it. Law: what it answers is only what
// was seen on that connection; it follows nothing, keeps nothing, and of a body it drops what it reads.
import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { connect } from 'node:net';
import { getCACertificates, type PeerCertificate, connect as secure, type TLSSocket } from 'node:tls';
import { isWildcard } from '../../bundle/certificate-name.ts';
import { KokoaError } from '../../bundle/error.ts';

const TIMEOUT_MS = 5_000;
const HEADER_BYTES_MAX = 32 * 1024;
/** Usual pages end within it, so that their server does not see a visitor who left. */
const BODY_BYTES_MAX = 64 * 1024;
/** Stands for the one label of a wildcard. */
const WILDCARD_LABEL = 'kokoa-probe';

export interface HostProbe {
  hostname: string;
  /** Bare IPv4 or IPv6 address of the web server. */
  address: string;
  port: number;
  /** PEM file of authorities that are trusted besides the system's. */
  caFile?: string;
  timeoutMs?: number;
  /** Default HEAD, which origins answer without work; some refuse it, so that only GET tells what a visitor gets. */
  method?: 'HEAD' | 'GET';
  /** Path of a Unix socket that wants a PROXY header, instead of `address` and `port`. */
  socket?: string;
}

export interface SeenCertificate {
  /** Common name, or else organisation, of the issuer. */
  issuer: string;
  /** ISO 8601. */
  notAfter: string;
  /** Lower-case hex sha256 of the leaf. */
  fingerprint256: string;
  /** True when the chain leads to a trusted authority, the name matches and it is in its time. */
  verified: boolean;
}

export type HostProbeResult =
  | { ok: true; status: number; certificate: SeenCertificate }
  /** `reason`: a system or TLS error code, `timeout`, or a few words. */
  | { ok: false; reason: string };

/** Asks for `/`. Any status is an answer. @throws KokoaError ca_file_unreadable */
export async function probeHost(probe: HostProbe): Promise<HostProbeResult> {
  const name = isWildcard(probe.hostname) ? `${WILDCARD_LABEL}${probe.hostname.slice(1)}` : probe.hostname;
  const ca = probe.caFile === undefined ? undefined : [...getCACertificates(), await readAuthorities(probe.caFile)];
  return new Promise((resolve) => {
    const asked = request({
      host: probe.address,
      port: probe.port,
      servername: name,
      method: probe.method ?? 'HEAD',
      path: '/',
      headers: { host: name, 'user-agent': 'kokoa-agent-probe', connection: 'close' },
      maxHeaderSize: HEADER_BYTES_MAX,
      // Judged below: an untrusted certificate is something seen, not a failure to see.
      rejectUnauthorized: false,
      signal: AbortSignal.timeout(probe.timeoutMs ?? TIMEOUT_MS),
      ...(ca && { ca }),
      ...(probe.socket === undefined
        ? { agent: false }
        : { createConnection: () => connectThrough(probe.socket!, name, ca) }),
    });
    // Whatever becomes of the body, a status that was seen is the answer.
    let answer: HostProbeResult | undefined;
    const end = (reason: string) => resolve(answer ?? { ok: false, reason });
    asked.on('response', (response) => {
      const socket = response.socket as TLSSocket;
      const certificate = seen(socket.getPeerCertificate(), socket.authorized);
      answer = { ok: true, status: response.statusCode ?? 0, certificate };
      let bytes = 0;
      response.on('data', (part: Buffer) => {
        bytes += part.length;
        if (bytes > BODY_BYTES_MAX) response.destroy();
      });
      response.on('error', () => end('error'));
      response.on('close', () => end('close'));
    });
    asked.on('error', (error) => end(reasonOf(error)));
    // An answer that changes the protocol, which nobody asked for, is the end of the connection and nothing else.
    asked.on('close', () => end('closed without an answer'));
    asked.end();
  });
}

/** PROXY protocol, version 1, section 2.1: who asks is not told. */
function connectThrough(path: string, servername: string, ca: string[] | undefined): TLSSocket {
  const socket = connect(path);
  socket.write('PROXY UNKNOWN\r\n');
  const secured = secure({ socket, servername, rejectUnauthorized: false, ...(ca && { ca }) });
  socket.on('error', (error) => secured.destroy(error));
  return secured;
}

async function readAuthorities(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new KokoaError('ca_file_unreadable', `cannot read the authorities in ${path}`, {
      hint: 'check the path and its permissions',
      cause,
    });
  }
}

/** `leaf` is null when the connection has ended meanwhile: then nothing is known of it. */
function seen(leaf: PeerCertificate | null, verified: boolean): SeenCertificate {
  if (!leaf?.valid_to) return { issuer: '', notAfter: '', fingerprint256: '', verified: false };
  const { CN, O: organisation } = leaf.issuer ?? {};
  return {
    issuer: String(CN ?? organisation ?? ''),
    notAfter: new Date(leaf.valid_to).toISOString(),
    fingerprint256: leaf.fingerprint256.replaceAll(':', '').toLowerCase(),
    verified,
  };
}

function reasonOf(error: Error & { code?: string }): string {
  if (error.name === 'AbortError' || error.name === 'TimeoutError') return 'timeout';
  return error.code ?? error.message.slice(0, 100);
}
