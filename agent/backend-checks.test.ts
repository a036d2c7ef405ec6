// Backends that fall and rise while an edge asks them, and an agent that starts again meanwhile.
import { expect, onTestFinished, test, vi } from 'vitest';
import type { EdgeConfig, WireBackend, WireRoute } from '../bundle/config.ts';
import { edgeConfig } from '../bundle/installation.fixture.ts';
import type { Check, CheckResult } from '../checks/check.ts';
import { type BackendChecksParts, createBackendChecks } from './backend-checks.ts';
import { backendChecks } from './core/backend-checks.ts';
import type { KeptDown } from './ports/down-store.ts';

const HOME: WireBackend = { address: '10.100.1.1', port: 8080 };
const OFFICE: WireBackend = { address: '10.100.2.1', port: 8080 };
const ALONE: WireBackend = { address: '10.100.3.1', port: 22 };
const PACE = { intervalMs: 20, timeoutMs: 20, healthy: 2, unhealthy: 2 };
const NOW = Date.parse('2030-01-01T00:00:00Z');
const route = (hostname: string, backends: WireBackend[]): WireRoute => ({
  ...{ hostname, backends, limits: { maxBodyBytes: 1 }, check: { kind: 'tcp', ...PACE } },
});
const chunks = [{ routes: [route('app.hoge.com', [HOME, OFFICE]), route('b.hoge.com', [ALONE])] }];
const config: EdgeConfig = edgeConfig('tokyo-1', []);
const [home, office, alone] = backendChecks(chunks).map(({ id }) => id) as [string, string, string];

function asking(more: Partial<BackendChecksParts> = {}) {
  const ill = new Set<string>();
  const lines: string[] = [];
  const written: KeptDown[][] = [];
  const log = {
    info: (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`),
    warn: (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`),
  };
  const run = async (check: Check): Promise<CheckResult> =>
    ill.has(check.address) ? { ok: false, reason: 'timeout: no answer' } : { ok: true };
  const checks = createBackendChecks({
    ...{ node: 'tokyo-1', log, now: () => NOW, kept: [], holdMsMin: 0, run },
    ...{ store: { write: async (down) => void written.push([...down]) }, ...more },
  });
  const stop = new AbortController();
  checks.configure(config, chunks);
  const ended = checks.run(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await ended;
  });
  return { checks, ill, lines, written };
}

test('a backend that falls is told of, kept, and withdrawn where another can answer; and all is over when it rises', async () => {
  const { checks, ill, lines, written } = asking();
  await vi.waitFor(() => expect(checks.views().filter(({ up }) => up)).toHaveLength(3));
  expect([...checks.down()]).toEqual([]);
  ill.add(HOME.address).add(ALONE.address);
  await vi.waitFor(() => expect([...checks.down()].sort()).toEqual([home, alone].sort()));
  const before = checks.down();
  expect(checks.down()).toBe(before);
  const since = new Date(NOW).toISOString();
  const found = { check: 'tcp', up: false, since, reason: 'timeout: no answer' };
  expect(checks.views()).toEqual([
    { ...HOME, ...found, withdrawn: true },
    { ...ALONE, ...found },
    { ...OFFICE, check: 'tcp', up: true, since },
  ]);
  await vi.waitFor(() => expect(written.at(-1)?.map(({ id }) => id)).toEqual([home, alone]));
  ill.clear();
  await vi.waitFor(() => expect(checks.down().size).toBe(0));
  await vi.waitFor(() => expect(written.at(-1)).toEqual([]));
  expect(lines.sort()).toEqual([
    'a backend answers again {"backend":"10.100.1.1:8080","check":"tcp"}',
    'a backend answers again {"backend":"10.100.3.1:22","check":"tcp"}',
    'a backend does not answer {"backend":"10.100.1.1:8080","check":"tcp","reason":"timeout: no answer"}',
    'a backend does not answer {"backend":"10.100.3.1:22","check":"tcp","reason":"timeout: no answer"}',
  ]);
});

test('what an agent before this one knew counts from the start, and one that has risen meanwhile comes back', async () => {
  const kept = [{ id: office, sinceMs: NOW - 60_000, reason: 'timeout: no answer' }];
  const { checks, lines } = asking({ kept });
  expect([...checks.down()]).toEqual([office]);
  expect(checks.views()).toEqual([
    {
      ...OFFICE,
      check: 'tcp',
      up: false,
      since: '2029-12-31T23:59:00.000Z',
      reason: 'timeout: no answer',
      withdrawn: true,
    },
  ]);
  await vi.waitFor(() => expect([...checks.down()]).toEqual([]));
  expect(lines).toEqual([]);
});

test('a fall counts at once, and a rise only when the web server was left alone for a while', async () => {
  const { checks, ill } = asking({ holdMsMin: 500 });
  ill.add(HOME.address);
  await vi.waitFor(() => expect([...checks.down()]).toEqual([home]));
  const firstMs = performance.now();
  ill.add(OFFICE.address);
  await vi.waitFor(() => expect([...checks.down()].sort()).toEqual([home, office].sort()));
  expect(performance.now() - firstMs).toBeLessThan(450);
  const before = checks.down();
  const atMs = performance.now();
  ill.clear();
  await vi.waitFor(() => expect(checks.views().filter(({ up }) => up)).toHaveLength(3));
  expect(checks.down()).toBe(before);
  await vi.waitFor(() => expect(checks.down()).not.toBe(before));
  expect(performance.now() - atMs).toBeGreaterThan(350);
});

test('a route that goes takes what was known of its backends with it', async () => {
  const { checks, ill, written } = asking();
  ill.add(HOME.address);
  await vi.waitFor(() => expect([...checks.down()]).toEqual([home]));
  checks.configure(config, [{ routes: [route('b.hoge.com', [ALONE])] }]);
  await vi.waitFor(() => expect(checks.down().size).toBe(0));
  await vi.waitFor(() => expect(written.at(-1)).toEqual([]));
  await vi.waitFor(() => expect(checks.views().map(({ address }) => address)).toEqual([ALONE.address]));
});

test('a disk that takes nothing is said once, and stops nothing', async () => {
  const store = { write: () => Promise.reject(new Error('no space left')) };
  const { checks, ill, lines } = asking({ store });
  ill.add(HOME.address);
  await vi.waitFor(() => expect([...checks.down()]).toEqual([home]));
  ill.add(OFFICE.address);
  await vi.waitFor(() => expect(checks.down().size).toBe(2));
  await vi.waitFor(() => expect(lines.filter((line) => line.includes('cannot be kept'))).toHaveLength(1));
});

test('one that something else speaks against is asked soon, if another could answer for it', async () => {
  const rare = { ...PACE, intervalMs: 600_000 };
  const slowly = [route('app.hoge.com', [HOME, OFFICE]), route('b.hoge.com', [ALONE])].map((one) => ({
    ...one,
    check: { kind: 'tcp' as const, ...rare, healthy: 1, unhealthy: 1 },
  }));
  const asked: string[] = [];
  const stop = new AbortController();
  const checks = createBackendChecks({
    ...{ node: 'tokyo-1', log: { info: () => undefined, warn: () => undefined }, now: () => NOW, holdMsMin: 0 },
    kept: [],
    store: { write: async () => undefined },
    async run(check) {
      asked.push(check.address);
      return { ok: false, reason: 'timeout: no answer' };
    },
  });
  checks.configure(config, [{ routes: slowly }]);
  const ended = checks.run(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await ended;
  });
  expect([checks.knows(HOME), checks.knows(ALONE), checks.knows({ ...HOME, port: 22 })]).toEqual([true, true, false]);
  checks.suspect([{ address: HOME.address }, { address: OFFICE.address, port: 1 }, ALONE]);
  await vi.waitFor(() => expect(checks.down().size).toBe(1));
  checks.suspect([OFFICE]);
  await vi.waitFor(() => expect(checks.down().size).toBe(2));
  expect(asked).toEqual([HOME.address, OFFICE.address]);
});
