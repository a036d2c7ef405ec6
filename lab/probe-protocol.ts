// What a visitor can be told to do, and what it answers. These values cross a pipe as JSON, one a line.

/** One request, on a connection of its own. */
export interface ProbeTarget {
  hostname: string;
  /** Which edge: the address that is connected to, whatever DNS says. */
  address: string;
  /** Default `/`. */
  path?: string;
  /** Default 443, or 80 with `http`. */
  port?: number;
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  /** PEM; the chain is verified against this alone. Without it nothing verifies. */
  ca?: string;
  /** The name in the handshake; default the hostname, empty: none. */
  sni?: string;
  /** Plain HTTP. */
  http?: boolean;
  /** From start to the end of the body; default 5 s. */
  timeoutMs?: number;
}

/** When it happened, ms since the epoch (clock.ts). */
export interface Timings {
  startedAt: number;
  connectedAt?: number;
  /** The TLS handshake was complete. */
  securedAt?: number;
  /** The first byte of the body, or the end of a message without one. */
  firstByteAt?: number;
  endedAt: number;
}

export interface ProbeTls {
  /** The chain leads to `ca` and the certificate names `hostname`. */
  verified: boolean;
  /** Why not. */
  reason?: string;
  subject: string;
  issuer: string;
  alternativeNames: string[];
  notAfter: string;
  fingerprint256: string;
  protocol: string;
}

export interface ProbeResponse {
  kind: 'response';
  status: number;
  headers: Record<string, string>;
  /** At most 64 KiB of it. */
  body: string;
  bodyBytes: number;
  /** Absent with `http`. */
  tls?: ProbeTls;
  timings: Timings;
}

export interface ProbeFailure {
  kind: 'failure';
  /** Stable where the system has a code: ECONNREFUSED, ETIMEDOUT, ERR_SSL_…; `timeout` for ours. */
  reason: string;
  detail: string;
  timings: Timings;
}

export type ProbeResult = ProbeResponse | ProbeFailure;

/** What a result must look like; everything that is named must hold. */
export interface Expectation {
  status?: number;
  bodyIncludes?: string;
  /** Of `tls.verified`. */
  verified?: boolean;
  /** A failure with this reason, or any when true. */
  failure?: string | true;
}

export interface UntilOptions {
  /** Default 10 s. */
  timeoutMs?: number;
  /** From the start of one try to the start of the next, default 10 ms. A try that hangs does not delay the next four. */
  everyMs?: number;
}

export type UntilResult =
  | {
      kind: 'matched' /** When its last byte was here, ms since the epoch. */;
      at: number;
      tries: number;
      result: ProbeResult;
    }
  | { kind: 'timeout'; tries: number /** The last one that ended. */; last?: ProbeResult };

export interface LoadOptions {
  /** Taken in turn. */
  targets: ProbeTarget[];
  ratePerSecond: number;
  /** Without it, until `stop()`; at most an hour. */
  seconds?: number;
  /** What counts as success; default status 200. */
  expect?: Expectation;
}

export interface LoadFailure {
  /** Index into `targets`. */
  target: number;
  startedAt: number;
  endedAt: number;
  /** The probe's reason, or `unexpected`. */
  reason: string;
  detail: string;
  status?: number;
}

export interface LoadReport {
  startedAt: number;
  endedAt: number;
  sent: number;
  succeeded: number;
  /** In order of their end; the first 10 000. */
  failures: LoadFailure[];
  failed: number;
  /** Of the successes, ms. */
  latency: { p50: number; p99: number; max: number };
}

export type WebSocketResult =
  | { kind: 'echoed'; text: string; headers: Record<string, string> }
  | { kind: 'failed'; reason: string };

export type ProbeCommand =
  | { do: 'request'; target: ProbeTarget }
  | { do: 'until'; target: ProbeTarget; expect: Expectation; options: UntilOptions }
  | { do: 'load'; options: LoadOptions }
  | { do: 'stop'; load: number }
  | { do: 'websocket'; target: ProbeTarget; text: string };

export type ProbeLine = { id: number } & ProbeCommand;
export type ProbeAnswer = { id: number; result: unknown } | { id: number; error: string };

/** Why the result is not as expected; undefined when it is. */
export function mismatch(result: ProbeResult, expect: Expectation): string | undefined {
  if (result.kind === 'failure') {
    const wanted = expect.failure === true || expect.failure === result.reason;
    return wanted ? undefined : `${result.reason}: ${result.detail}`;
  }
  if (expect.failure !== undefined) return `status ${result.status}; expected a failure`;
  if (expect.status !== undefined && result.status !== expect.status) {
    return `status ${result.status}; expected ${expect.status}`;
  }
  if (expect.verified !== undefined && result.tls?.verified !== expect.verified) {
    return `the certificate is ${result.tls?.verified ? 'verified' : `not verified (${result.tls?.reason})`}`;
  }
  if (expect.bodyIncludes !== undefined && !result.body.includes(expect.bodyIncludes)) {
    return `the body lacks ${expect.bodyIncludes}: ${result.body.slice(0, 200)}`;
  }
  return undefined;
}
