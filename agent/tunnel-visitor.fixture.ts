// A visitor of a service behind a tunnel, as a program of its own, for tests that change the tunnel under it.
import type { Proc } from '../lab/proc.ts';

/**
 * In an edge: a request every 25 ms to an origin through the tunnel, each on a connection of its own, and one connection that is kept and
 * carries a byte every 25 ms. At TERM it waits for what is under way and tells: requests, what failed, the longest in ms.
 */
export const TUNNEL_VISITOR = `
const { request, createServer } = require('node:http');
const [host, port] = process.argv.slice(1);
const told = { sent: 0, ended: 0, failed: [], longestMs: 0, kept: 0, keptGapMs: 0 };
const every = setInterval(() => {
  const at = performance.now();
  told.sent += 1;
  const end = (failure) => {
    told.ended += 1;
    told.longestMs = Math.max(told.longestMs, Math.round(performance.now() - at));
    if (failure) told.failed.push(failure);
    if (told.ended === 3) console.log('flows');
  };
  const asked = request({ host, port, agent: false, timeout: 30000 }, (response) => {
    response.resume().once('end', () => end(response.statusCode === 200 ? undefined : response.statusCode));
  });
  asked.once('error', (error) => end(error.code ?? error.message));
  asked.once('timeout', () => asked.destroy(new Error('timeout')));
  asked.end();
}, 25);
const agent = new (require('node:http').Agent)({ keepAlive: true, maxSockets: 1 });
let ended = false;
(async () => {
  for (let last = performance.now(); !ended; ) {
    await new Promise((resolve, reject) => {
      const asked = request({ host, port, agent }, (response) => response.resume().once('end', resolve));
      asked.once('error', reject);
      asked.end();
    }).catch((error) => told.failed.push('kept: ' + error.code));
    told.kept += 1;
    told.keptGapMs = Math.max(told.keptGapMs, Math.round(performance.now() - last));
    last = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
})();
process.once('SIGTERM', () => {
  clearInterval(every);
  ended = true;
  setInterval(() => {
    if (told.ended < told.sent) return;
    console.log('told ' + JSON.stringify(told));
    process.exit();
  }, 20);
});
`;

export interface Told {
  sent: number;
  kept: number;
  failed: unknown[];
  longestMs: number;
  keptGapMs: number;
}

/** Ends a visitor that was started with TUNNEL_VISITOR, once nothing is under way any more. */
export async function toldBy(visitor: Proc): Promise<Told> {
  visitor.signal('SIGTERM');
  const [, json] = await visitor.ready(/^told (.*)$/m, 40_000);
  return JSON.parse(json!) as Told;
}
