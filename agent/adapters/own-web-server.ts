// The way from this machine to its own web server: as a visitor comes; behind a load balancer, where that way is not open to the machine
// itself, through the inner socket. Law: no other machine is ever asked.
import { existsSync } from 'node:fs';
import type { Shown } from '../core/served-check.ts';
import { statusFailure, VISIT_TIMEOUT_MS, visitFailure } from '../core/visit-failure.ts';
import type { Visited } from '../core/visit-plan.ts';
import type { HostAnswer } from '../look.ts';
import type { Settings } from '../ports/settings.ts';
import { type HostProbe, type HostProbeResult, probeHost } from './edge-probe.ts';
import { shownCertificate } from './handshake.ts';

export interface OwnWebServer {
  /** PROBE: whether a hostname is routed. */
  look(hostname: string, timeoutMs: number): Promise<HostAnswer>;
  /** What a visitor of `/` gets. 5 s at most; never throws. */
  visit(hostname: string): Promise<Visited>;
  /** The certificate that a visitor is shown for this server name; no origin is asked. 6 s at most; never throws. */
  shown(servername: string): Promise<Shown>;
}

export interface OwnWebServerOptions {
  listen: Pick<Settings['listen'], 'addresses' | 'httpsPort'>;
  /** @see NginxPaths */
  httpsSocket: string;
}

export function createOwnWebServer({ listen, httpsSocket }: OwnWebServerOptions): OwnWebServer {
  const [first = '127.0.0.1'] = listen.addresses;
  const address = first === '0.0.0.0' ? '127.0.0.1' : first === '::' ? '::1' : first;
  const place = { address, port: listen.httpsPort };

  /** Both ways together have `timeoutMs`. */
  async function ask(probe: HostProbe & { timeoutMs: number }): Promise<HostProbeResult> {
    const deadline = performance.now() + probe.timeoutMs;
    const seen = await probeHost(probe);
    const restMs = Math.floor(deadline - performance.now());
    if (seen.ok || restMs <= 0 || !existsSync(httpsSocket)) return seen;
    return probeHost({ ...probe, socket: httpsSocket, timeoutMs: restMs });
  }

  return {
    async look(hostname, timeoutMs) {
      const answer = await ask({ ...place, hostname, timeoutMs });
      if (answer.ok) return { kind: 'answer', status: answer.status };
      return { kind: answer.reason === 'timeout' ? 'slow' : 'failed' };
    },
    async visit(hostname) {
      const answer = await ask({ ...place, hostname, method: 'GET', timeoutMs: VISIT_TIMEOUT_MS });
      if (!answer.ok) return { failure: visitFailure(answer.reason) };
      const failure = statusFailure(answer.status);
      return failure === undefined ? { status: answer.status } : { failure };
    },
    async shown(servername) {
      const seen = await shownCertificate({ ...place, servername });
      if (seen.kind !== 'unknown' || !existsSync(httpsSocket)) return seen;
      return shownCertificate({ ...place, servername, socket: httpsSocket });
    },
  };
}
