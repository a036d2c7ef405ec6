// The certificate that a web server shows for a name: a TLS handshake and nothing after it, so that no origin is asked. Law: what it answers is
// only what was seen on that connection; nothing of it is trusted.
import { connect } from 'node:net';
import { connect as secure } from 'node:tls';
import type { Shown } from '../core/served-check.ts';

const TIMEOUT_MS = 3_000;
/** An alert: the other side speaks TLS and does not want to, which is what a missing or unreadable certificate looks like. */
const REFUSAL = /^ERR_SSL_(?!WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG)[A-Z0-9_]{1,60}$/;

export interface Handshake {
  /** Bare IPv4 or IPv6 address. */
  address: string;
  port: number;
  servername: string;
  /** Path of a Unix socket that wants a PROXY header, instead of `address` and `port`. */
  socket?: string;
}

/** Never throws; 3 s at most. */
export async function shownCertificate({ address, port, servername, socket: path }: Handshake): Promise<Shown> {
  const plain = path === undefined ? connect({ host: address, port }) : connect({ path });
  // PROXY protocol, version 1, section 2.1: who asks is not told.
  if (path !== undefined) plain.write('PROXY UNKNOWN\r\n');
  const secured = secure({ socket: plain, servername, rejectUnauthorized: false });
  const timer = setTimeout(() => secured.destroy(), TIMEOUT_MS);
  try {
    return await new Promise<Shown>((resolve) => {
      secured.on('secureConnect', () => {
        const fingerprint = secured.getPeerX509Certificate()?.fingerprint256;
        resolve(
          fingerprint
            ? { kind: 'certificate', fingerprint256: fingerprint.replaceAll(':', '').toLowerCase() }
            : { kind: 'unknown' },
        );
      });
      const fail = ({ code = '' }: NodeJS.ErrnoException) =>
        resolve(REFUSAL.test(code) ? { kind: 'refused', reason: code } : { kind: 'unknown' });
      plain.on('error', fail);
      secured.on('error', fail);
      secured.on('close', () => resolve({ kind: 'unknown' }));
    });
  } finally {
    clearTimeout(timer);
    secured.destroy();
    plain.destroy();
  }
}
