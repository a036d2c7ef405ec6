// An origin of a route with a backup whose packets are dropped under load, and who comes back, ten times: no request that may be repeated is lost,
// none takes longer than the design promises, and it says how long they took. Real agents, nginx, WireGuard; the bundles are signed here.
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blackHole, endBlackHole } from '../../lab/faults.ts';
import { labMode } from '../../lab/prerequisites.ts';
import { ORIGINS, type OriginName, openSignedLab, type SignedLab } from './signed-lab.ts';
import { NODES } from './signed-nodes.ts';

const ROUNDS = 10;
const SLOWEST_MS = 3_000;
const ANSWER_MS = 20_000;
const RATE = 50;
/** After a failover, and after a return. */
const LOADED_MS = 4_000;
const ROUTES = {
  'app.hoge.test': {
    backends: [
      { address: NODES.home.address, port: 8080 },
      { address: NODES.office.address, port: 8080, backup: true as const },
    ],
  },
  // On a port of their own: what is somebody's only backend is never cut off.
  'home.hoge.test': { backends: [{ address: NODES.home.address, port: 8081 }] },
  'office.hoge.test': { backends: [{ address: NODES.office.address, port: 8081 }] },
};
const SERVICE = `
const [name] = process.argv.slice(1);
for (const port of [8080, 8081]) {
  const server = require('node:http').createServer((request, response) => response.end(JSON.stringify({ name })));
  server.keepAliveTimeout = 60_000;
  server.listen(port, '0.0.0.0', () => console.log('listening'));
}
`;

const mode = labMode();

describe.runIf(mode.mode === 'full')('an origin with a backup', () => {
  let lab: SignedLab;

  beforeAll(async () => {
    lab = await openSignedLab(ROUTES, { service: SERVICE, answerMs: ANSWER_MS });
    // Both tunnels stand.
    for (const name of ORIGINS) await answeredBy(name, `${name}.hoge.test`);
    await answeredBy('home');
  }, 90_000);

  afterAll(async () => {
    expect(await lab?.end()).toEqual([]);
  }, 30_000);

  const answeredBy = (name: OriginName, hostname = 'app.hoge.test') => lab.answeredBy(name, hostname);

  /** What visitors see while something happens. */
  async function loaded(happens: () => Promise<void>) {
    const load = lab.client.load({
      targets: [lab.visit('app.hoge.test')],
      ratePerSecond: RATE,
      expect: { status: 200 },
    });
    await delay(1_000);
    await happens();
    await delay(LOADED_MS);
    return load.stop();
  }

  it(`is dropped and comes back ${ROUNDS} times`, { timeout: 600_000 }, async () => {
    const link = lab.network.link(lab.nodes.hostOf('home'));
    const slowest: Record<'gone' | 'back', number[]> = { gone: [], back: [] };
    let sent = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const gone = await loaded(() => blackHole(link));
      await answeredBy('office');
      const back = await loaded(() => endBlackHole(link));
      await answeredBy('home');
      expect([gone.failures, back.failures]).toEqual([[], []]);
      slowest.gone.push(Math.round(gone.latency.max));
      slowest.back.push(Math.round(back.latency.max));
      sent += gone.sent + back.sent;
    }
    process.stdout.write(
      `requests: ${sent}, lost: 0; slowest, ms: gone ${slowest.gone.join(' ')}; back ${slowest.back.join(' ')}\n`,
    );
    expect(Math.max(...slowest.gone, ...slowest.back)).toBeLessThanOrEqual(SLOWEST_MS);
  });
});
