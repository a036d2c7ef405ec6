// Visitors that keep their HTTP/1.1 connection and ask on it again. One whose kept connection was closed under its request may ask again on
// a new one (RFC 9112 §9.3.1); not all clients do.
import { Agent, request } from 'node:https';
import { keepAsking, newTally, note, type Place, VISIT_TIMEOUT_MS, type Visitors } from './bench-changes-tally.ts';

export interface KeptOptions {
  count: number;
  /** Between an answer and the next request of a visitor. */
  everyMs: number;
}

type Asked = { ok: true } | { ok: false; reason: string };

export function startKept(place: Place, { count, everyMs }: KeptOptions): Visitors {
  const tally = newTally();
  const agents = Array.from({ length: count }, newAgent);
  const visitors = keepAsking(tally, count, everyMs, async (index) => {
    const hostname = place.hostnames[index % place.hostnames.length]!;
    tally.asked += 1;
    const first = await ask(place, hostname, agents[index]!);
    if (first.ok) return;
    tally.failed += 1;
    note(tally, first.reason);
    agents[index]!.destroy();
    agents[index] = newAgent();
    const second = await ask(place, hostname, agents[index]!);
    if (second.ok) return;
    tally.lost += 1;
    note(tally, `again: ${second.reason}`);
  });
  return {
    tally,
    async end() {
      await visitors.end();
      for (const agent of agents) agent.destroy();
    },
  };
}

function newAgent(): Agent {
  return new Agent({ keepAlive: true, maxSockets: 1, maxCachedSessions: 0 });
}

function ask({ port, ca }: Place, hostname: string, agent: Agent): Promise<Asked> {
  return new Promise((resolve) => {
    const headers = { host: hostname, accept: 'text/plain' };
    const asked = request({ host: '127.0.0.1', port, ca, servername: hostname, agent, headers });
    const fail = (reason: string) => resolve({ ok: false, reason });
    asked.setTimeout(VISIT_TIMEOUT_MS, () => asked.destroy(new Error('timeout')));
    asked.on('error', (error: NodeJS.ErrnoException) =>
      fail(`${asked.reusedSocket ? 'kept' : 'new'} connection: ${error.code ?? error.message}`),
    );
    asked.on('response', (response) => {
      response.resume();
      response.on('error', (error) => fail(`cut off: ${error.message}`));
      response.on('end', () =>
        response.statusCode === 200 ? resolve({ ok: true }) : fail(`status ${response.statusCode}`),
      );
    });
    asked.end();
  });
}
