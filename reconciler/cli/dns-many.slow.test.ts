// Ten thousand hostnames: the first `kokoa dns apply` comes to its end and shows how far it is, a second one changes nothing, and another edge is one
// record.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type DnsFolder, openDnsFolder, ZONE } from './dns.fixture.ts';

const HOSTS = 10_000;
const LIMIT_MS = 600_000;
const AT_ONCE = 200;

let at: DnsFolder;
beforeAll(async () => {
  at = await openDnsFolder();
  const names = Array.from({ length: HOSTS - 1 }, (_, index) => `h${index}.${ZONE}`);
  for (let start = 0; start < names.length; start += AT_ONCE)
    await Promise.all(names.slice(start, start + AT_ONCE).map(at.host));
}, LIMIT_MS);
afterAll(() => at?.close());

/** Of the zone: grows with every change. */
async function serial(): Promise<number> {
  const shown = await at.knot.control([['zone-status', ZONE, '+serial']]);
  return Number(/serial: (\d+)/.exec(shown)?.[1]);
}

async function timed(what: string, ...args: string[]) {
  const since = performance.now();
  const ran = await at.dns('apply', ...args);
  process.stdout.write(`${what}: ${((performance.now() - since) / 1000).toFixed(1)} s\n`);
  return ran;
}

test('are written with progress, then found as they should be, and another address is one change', {
  timeout: LIMIT_MS,
}, async () => {
  const first = await timed(`${HOSTS} hosts, first`);
  expect(first.exitCode).toBe(0);
  expect(first.stdout).toContain(`${HOSTS + 1} to write`);
  expect(first.stdout).toContain(`${HOSTS + 1} written and read back, 0 left`);
  const shown = first.stderr.trim().split('\n');
  expect(shown.length).toBeGreaterThanOrEqual(HOSTS / 1000);
  expect(shown.at(-1)).toBe(`${ZONE}: ${HOSTS + 1} of ${HOSTS + 1}`);

  const before = await serial();
  const second = await timed('second');
  expect(second).toMatchObject({ exitCode: 0, stderr: '' });
  expect(second.stdout).toBe(`${ZONE} (rfc2136): ${HOSTS + 1} as they should be\n\n`);
  expect(await serial()).toBe(before);

  await at.edge('198.51.100.12');
  const failover = await timed('another address');
  expect(failover.stdout).toContain('1 written and read back, 0 left');
  expect(failover.stdout).toContain('~ edges.hoge.com                 A 198.51.100.11 → A 198.51.100.12');
  expect(await serial()).toBe(before + 1);
});
