// What `npm run bench -- changes` shows of a thousand changes, of a few: an agent takes them in a row with a real nginx, while visitors come.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { issueAll, SERVICES, startServices } from './bench-changes.ts';
import { startChangingEdge } from './bench-changes-edge.ts';
import { type ChangesResult, runChanges } from './bench-changes-run.ts';
import { createSite } from './bench-changes-site.ts';
import { brokenPromises } from './bench-changes-verdict.ts';
import { createPki } from './pki.ts';
import { createRun, type Run } from './run.ts';

const CHANGES = 24;
const ROUTES = 6;
/** A bound against hanging: a busy machine is slow. */
const HOOK_TIMEOUT_MS = 300_000;

let run: Run;
let result: ChangesResult;

beforeAll(async () => {
  run = createRun();
  const [pki, backends] = await Promise.all([createPki(run), startServices(run)]);
  const site = createSite(ROUTES, backends);
  const edge = await startChangingEdge(run, '/usr/sbin/nginx', site, await issueAll(pki, site.hostnames));
  const place = { port: edge.port, ca: pki.caPem, hostnames: site.hostnames };
  result = await runChanges(edge, place, { changes: CHANGES, services: SERVICES });
  await edge.end();
}, HOOK_TIMEOUT_MS);

afterAll(async () => {
  expect(await run?.end()).toEqual([]);
});

test('nothing is lost and nothing grows', () => {
  expect(brokenPromises(result)).toEqual([]);
});

test('everybody came, and met the changes', () => {
  const { fresh, busy, idle, http2, webSockets, goaways } = result.visitors;
  for (const { asked } of [fresh, busy, idle, http2, webSockets]) expect(asked).toBeGreaterThan(CHANGES);
  // Every change tells every HTTP/2 visitor to go: there is something to lose.
  expect(goaways).toBeGreaterThan(CHANGES / 2);
  expect(result.steps.live).toHaveLength(CHANGES);
  // WebSockets of the first moment hold their workers to the end.
  expect(result.end.oldWorkers).toBeGreaterThan(0);
});
