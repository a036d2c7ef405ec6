// What edges ask of a machine itself: to answer ping, and what a script of its owner says. Real agents, nginx, WireGuard and packet filters, under the
// rights of the unit; the bundles are signed here, so that no control plane is needed.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WireCheck } from '../../bundle/config.ts';
import { labMode } from '../../lab/prerequisites.ts';
import { openSignedLab, type SignedLab } from './signed-lab.ts';
import { NODES } from './signed-nodes.ts';

const ANSWER_MS = 15_000;
const PACE = { intervalMs: 1_000, timeoutMs: 800, healthy: 2, unhealthy: 2 };
const routeOf = (check: WireCheck) => ({
  backends: [
    { address: NODES.home.address, port: 8080 },
    { address: NODES.office.address, port: 8080, backup: true as const },
  ],
  check,
});
const ROUTES = {
  'ping.hoge.test': routeOf({ kind: 'icmp', ...PACE }),
  'script.hoge.test': routeOf({ kind: 'script', script: 'primary', ...PACE }),
};
const SERVICE = `
const [name] = process.argv.slice(1);
require('node:http').createServer((request, response) => response.end(JSON.stringify({ name })))
  .listen(8080, '0.0.0.0', () => console.log('listening'));
`;

const mode = labMode();

describe.runIf(mode.mode === 'full')('an origin that is asked', () => {
  let lab: SignedLab;
  let checks: string;

  beforeAll(async () => {
    checks = mkdtempSync(join(tmpdir(), 'kokoa-checks-'));
    // Nobody has to get there.
    chmodSync(checks, 0o755);
    const asked = { icmp: true as const, scripts: ['primary'] };
    const env = { KOKOA_CHECKS: checks };
    lab = await openSignedLab(ROUTES, { service: SERVICE, answerMs: ANSWER_MS, asked, env });
  }, 60_000);

  afterAll(async () => {
    expect(await lab?.end()).toEqual([]);
    rmSync(checks, { recursive: true, force: true });
  }, 30_000);

  /** Home is where 10.100.1.1 is. */
  function script(lines: string): void {
    writeFileSync(join(checks, 'primary'), `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
  }

  it('answers ping, and is taken for dead when it does not', async () => {
    await lab.nodes.agents.home.ready(/a script that a route asks for is not run/, 30_000);
    await lab.answeredBy('home', 'ping.hoge.test', 20_000);
    const exec = (setting: string) => lab.nodes.hostOf('home').exec('sysctl', ['-qw', setting]);
    await exec('net.ipv4.icmp_echo_ignore_all=1');
    await lab.answeredBy('office', 'ping.hoge.test').finally(() => exec('net.ipv4.icmp_echo_ignore_all=0'));
  }, 90_000);

  it('says what the script of its owner says, which is run as nobody', async () => {
    script(`[ "$(id -u)" = 65534 ] || exit 9; ip -o address | grep -q 'inet ${NODES.office.address}/'`);
    await lab.answeredBy('office', 'script.hoge.test');
    expect(await lab.nodes.agents.home.ready(/"script":"primary","reason":"ended with 1"/)).toBeTruthy();
    script(`ip -o address | grep -q 'inet ${NODES.home.address}/'`);
    await lab.answeredBy('home', 'script.hoge.test');
    expect(await lab.nodes.agents.home.ready(/a script says that its service works again/)).toBeTruthy();
  }, 60_000);

  it('is asked nothing else: neither another script nor another way', async () => {
    const ask = async (path: string, ...more: string[]) => {
      const args = [
        '-sS',
        '-o',
        '/dev/null',
        '-w',
        '%{http_code}',
        '-m',
        '3',
        ...more,
        `http://${NODES.home.address}:1023${path}`,
      ];
      return (await lab.nodes.hostOf('tokyo-1').attempt('curl', args)).stdout;
    };
    expect(await ask('/primary')).toBe('200');
    expect(
      await Promise.all([ask('/other'), ask('/'), ask('/../primary', '--path-as-is'), ask('/primary', '-d', 'x')]),
    ).toEqual([...['404', '404', '404', '405']]);
    const outside = await lab.nodes
      .hostOf('office')
      .attempt('curl', ['-sS', '-m', '2', `http://${NODES.home.address}:1023/primary`]);
    expect(outside.exitCode).not.toBe(0);
  }, 30_000);
});
