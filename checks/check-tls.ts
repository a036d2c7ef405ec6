// Whether a port speaks TLS. Law: an alert is an answer too (RFC 8446, 6): a server that has no certificate for a name, or wants none of it, lives.
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import type { CheckResult, TlsCheck } from './check.ts';
import { connectionFailure } from './connection-failure.ts';

/** As OpenSSL names what the other side sent. */
const ALERT = /^ERR_SSL_.*(_ALERT_|UNRECOGNIZED_NAME)/;

/** The certificate is not judged. An aborted `signal` is a failure. */
export function checkTls({ address, port, hostname }: TlsCheck, signal: AbortSignal): Promise<CheckResult> {
  return new Promise((resolve) => {
    // An address is no name for a handshake (RFC 6066, section 3).
    const servername = hostname === undefined || isIP(hostname) !== 0 ? '' : hostname;
    const socket = connect({ host: address, port, servername, rejectUnauthorized: false });
    const end = (result: CheckResult) => {
      signal.removeEventListener('abort', stop);
      socket.destroy();
      resolve(result);
    };
    const stop = () => end({ ok: false, reason: 'stopped' });
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) return stop();
    socket.once('secureConnect', () => end({ ok: true }));
    socket.on('error', (error: NodeJS.ErrnoException) =>
      end(ALERT.test(error.code ?? '') ? { ok: true } : connectionFailure(error)),
    );
    socket.on('close', () => end({ ok: false, reason: 'connection_closed: the connection ended without an answer' }));
  });
}
