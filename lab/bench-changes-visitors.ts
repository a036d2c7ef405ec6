// Everybody who visits while changes come: new connections at a steady rate, connections that are kept, WebSockets, HTTP/2. All verify.
import { startHttp2 } from './bench-changes-http2.ts';
import { startKept } from './bench-changes-kept.ts';
import { startSockets } from './bench-changes-sockets.ts';
import { newTally, note, type Place, type Tally, VISIT_TIMEOUT_MS } from './bench-changes-tally.ts';
import { runLoad } from './probe-load.ts';
import type { LoadReport } from './probe-protocol.ts';

const NEW_PER_SECOND = 25;
const BUSY = { count: 6, everyMs: 40 } as const;
/** Longer than the time between two changes: the connection waits while a change comes. */
const IDLE = { count: 12, everyMs: 900 } as const;
const HTTP2 = { connections: 3, streams: 3, everyMs: 30 } as const;
const SOCKETS = { count: 8, everyMs: 200 } as const;

export interface VisitorsReport {
  /** Every request a connection and a full handshake or a resumed session of its own. */
  readonly fresh: Tally;
  /** Kept HTTP/1.1 connections that are asked without a pause, and those that wait for most of the time. */
  readonly busy: Tally;
  readonly idle: Tally;
  readonly http2: Tally;
  readonly goaways: number;
  readonly webSockets: Tally;
}

export interface Crowd {
  /** Ends them all and tells what they met. */
  end(): Promise<VisitorsReport>;
}

export async function startCrowd(place: Place): Promise<Crowd> {
  const webSockets = await startSockets(place, SOCKETS);
  const [busy, idle, http2] = [startKept(place, BUSY), startKept(place, IDLE), startHttp2(place, HTTP2)];
  const stop = new AbortController();
  const load = runLoad({ targets: targetsOf(place), ratePerSecond: NEW_PER_SECOND, expect: GOOD }, stop.signal);
  return {
    async end() {
      stop.abort();
      const report = await load;
      await Promise.all([webSockets, busy, idle, http2].map((visitors) => visitors.end()));
      return {
        fresh: tallyOf(report),
        ...{ busy: busy.tally, idle: idle.tally, webSockets: webSockets.tally },
        ...{ http2: http2.tally, goaways: http2.goaways() },
      };
    },
  };
}

const GOOD = { status: 200, verified: true } as const;

function targetsOf({ port, ca, hostnames }: Place) {
  return hostnames.map((hostname) => ({
    ...{ hostname, port, ca, address: '127.0.0.1', timeoutMs: VISIT_TIMEOUT_MS },
    headers: { accept: 'text/plain' },
  }));
}

function tallyOf({ sent, failed, failures }: LoadReport): Tally {
  const tally: Tally = { ...newTally(), asked: sent, failed, lost: failed };
  for (const { reason, detail } of failures) note(tally, reason === 'unexpected' ? detail : reason);
  return tally;
}
