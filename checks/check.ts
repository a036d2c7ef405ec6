// What is asked of whom, and what it says. Law: a reason is words of ours, in characters that can be shown anywhere.
import { FAILURE_CHARACTERS_MAX } from '../bundle/api.ts';
import type { CheckPace } from '../bundle/config.ts';

export type Check = TcpCheck | TlsCheck | HttpCheck | IcmpCheck;

/** Somebody accepts a connection. */
export interface TcpCheck {
  kind: 'tcp';
  /** Bare IPv4 or IPv6, here and below. */
  address: string;
  port: number;
}

/** Somebody speaks TLS; whether it shows a certificate for the name does not count. */
export interface TlsCheck {
  kind: 'tls';
  address: string;
  port: number;
  /** In the handshake; absent: none. */
  hostname?: string;
}

/**
 * `GET path` is answered. `hostname` is what the request is for and, with https, the name in the handshake. The certificate is not judged: all
 * edges of a pool show the same one, so it says nothing of one of them, and one that ends is told elsewhere. Redirects are not followed.
 */
export interface HttpCheck {
  kind: 'http' | 'https';
  address: string;
  port: number;
  hostname: string;
  /** Begins with a slash; may hold a query. */
  path: string;
  /** Both included; absent: STATUS_USUAL. */
  status?: StatusRange;
  /** Stands somewhere in the first BODY_BYTES_MAX of the answer's body. */
  body?: string;
}

/** An echo request is replied to. */
export interface IcmpCheck {
  kind: 'icmp';
  address: string;
}

export interface StatusRange {
  from: number;
  to: number;
}

export const STATUS_USUAL: StatusRange = { from: 200, to: 399 };

/** What is read of a body. */
export const BODY_BYTES_MAX = 64 * 1024;

/** `reason`: `code: words`, as FAILURE_CHARACTERS_MAX has it. */
export type CheckResult = { ok: true } | { ok: false; reason: string };

/** `intervalMs`: from one start to the next. */
export type Pace = CheckPace;

/** This machine has no way to such an address: it says nothing of whoever is there. */
export const NO_ROUTE = 'no_route: this machine has no route to the address';

/** @param code lower case, digits and `_`. `words`: what may not be shown becomes a space. */
export function failed(code: string, words: string): CheckResult & { ok: false } {
  const shown = words
    .replace(/[^A-Za-z0-9 .,:;_'()-]+/g, ' ')
    .replace(/ {2,}/g, ' ')
    .trim();
  return { ok: false, reason: (shown === '' ? code : `${code}: ${shown}`).slice(0, FAILURE_CHARACTERS_MAX).trimEnd() };
}
