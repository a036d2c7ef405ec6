// `kokoa-agent doctor` on a real machine: in order as far as a lonely machine can be, and with each usual mistake made.
import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { NodeConfig } from '../bundle/config.ts';
import { edgeConfig } from '../bundle/installation.fixture.ts';
import type { Finding } from '../checks/finding.ts';
import { addHost, type Host } from '../lab/namespace.ts';
import { createRun, type Run } from '../lab/run.ts';
import { startLoopbackKnot } from '../test/loopback-knot.ts';
import { resolveNames } from './adapters/doctor-names.ts';
import { judgeNames } from './core/doctor-names.ts';
import { type OneMachine, openMachine, until } from './one-machine.fixture.ts';

let run: Run;
let host: Host;
let machine: OneMachine;

/** Of nobody; WireGuard sends nothing to a key of zeros. */
const KEY = generateKeyPairSync('x25519')
  .publicKey.export({ format: 'der', type: 'spki' })
  .subarray(-32)
  .toString('base64');
const peer = { node: 'osaka-1', publicKey: KEY, address: '10.100.0.1', endpoint: '127.0.0.1:51999' };
const ORIGIN = {
  ...(({ edge: _, ...base }) => base)(edgeConfig('home', [])),
  wireguard: { address: '10.100.1.1', port: 51_820, peers: [peer] },
  role: 'origin',
  origin: { ports: [8080, 8081, 9000], forwards: [{ port: 20_000, host: '127.0.0.1', hostPort: 3000 }] },
} as NodeConfig;

const EDGE: NodeConfig = edgeConfig('tokyo-1', []);

beforeAll(async () => {
  run = createRun();
  host = await addHost(run, 'machine');
  machine = await openMachine(run, host, ORIGIN);
}, 90_000);

afterAll(async () => {
  expect(await run.end()).toEqual([]);
}, 180_000);

const state = (name: string) => join(host.directory, name);

async function findings(name: string): Promise<string[]> {
  const { exitCode, stdout } = await machine.command(state(name), ['doctor', '-o', 'json']);
  expect(exitCode).toBe(1);
  return (JSON.parse(stdout) as Finding[]).map((one) => `${one.level} ${one.what}: ${one.found}`);
}

test('an origin: what its owner keeps closed, who listens, and a tunnel that is one-way, at 80 columns', async () => {
  const told = ['--allow', '8080-8081,127.0.0.1:3000', '--interface', host.wireguardInterface, '--role', 'origin'];
  expect(await machine.join(state('home'), 'home', told)).toMatchObject({ exitCode: 0 });
  const agent = await machine.run(state('home'));
  const others = host.start('others', process.execPath, [
    '-e',
    // A service on loopback alone, and an edge whose machine answers by TCP and swallows what comes by UDP.
    `const { createServer } = require('node:net');
     require('node:dgram').createSocket('udp4').bind(51999, '127.0.0.1');
     createServer().listen(443, '127.0.0.1');
     createServer().listen(8081, '127.0.0.1', () => console.log('listening'));`,
  ]);
  await others.ready(/listening/);
  await until(
    async () => /one-way/.test((await machine.command(state('home'), ['doctor'])).stdout),
    () => 'a try to shake hands',
  );
  const before = performance.now();
  const ran = await machine.command(state('home'), ['doctor']);
  expect(performance.now() - before).toBeLessThan(30_000);
  // But for words that are to be copied, and those of a length that is not known before.
  expect(ran.stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  const text = ran.stdout
    .replaceAll(/\n {10}(?=\S)/g, ' ')
    .replace(/\d+ s from/, 'N s from')
    .replace(/\d+ bytes sent/, 'N bytes sent')
    .replace(/(in force is )\d+ minutes/, '$1N minutes')
    .replace(/\S+ \(pid \d+\)/, 'PROGRAM');
  expect(
    text,
  ).toBe(`trouble   the tunnel to osaka-1: one-way: no handshake yet, N bytes sent, 0 received (127.0.0.1:51999)
  wanted  a handshake within the last 180 s, and bytes in both directions
  to do   most likely this side drops it, since no tunnel works from here: let UDP 51999 out (router, firewall, provider)
warning   the control plane control.hoge.com:8443: no answer: EAI_AGAIN
  wanted  an answer, and a certificate that counts
  to do   see whether the name is right, and the resolver of this machine
warning   the allow-list: routes want 9000, and it keeps that closed
  wanted  what routes want, where its owner agrees
  to do   if you agree, join again with --allow 8080-8081,9000,127.0.0.1:3000; visitors of those routes get 502 until then
warning   the service on TCP 8080: nothing listens there
  wanted  a listener on 0.0.0.0 or 10.100.1.1
  to do   start it, or correct the route (ss -ln)
warning   the service on TCP 8081: PROGRAM listens on loopback only
  wanted  a listener on 0.0.0.0 or 10.100.1.1
  to do   let it listen on 10.100.1.1; or host: 127.0.0.1 in the route, and 127.0.0.1:8081 in --allow here
warning   the service at 127.0.0.1:3000: it does not accept a connection
  wanted  a listener, reached from this machine
  to do   see whether it runs: nc -vz 127.0.0.1 3000
ok        the clock: N s from that of 127.0.0.1:8443
ok        the control plane 127.0.0.1:8443: it answers 200
ok        the agent: it runs
ok        the configuration: the one in force is N minutes old
ok        this machine: rights, programs, kernel, ports and disk are as the agent needs them

1 in trouble, 5 to look at, 5 well`);
  expect(ran.exitCode).toBe(1);
  await host.exec('ip', ['link', 'set', 'lo', 'mtu', '1400']);
  expect(await findings('home')).toContain(
    'warning the path to osaka-1: a small packet gets there, and one as large as the tunnel’s does not',
  );
  await host.exec('ip', ['link', 'set', 'lo', 'mtu', '65536']);
  await others.stop();
  await agent.stop();
  expect(await findings('home')).toContain('trouble the agent: it does not run');
}, 180_000);

test('an edge: a packet filter of somebody else, a CA that is not reached, and no agent', async () => {
  machine.put('edge', EDGE);
  expect(await machine.join(state('tokyo-1'), 'tokyo-1', ['--role', 'edge', '--no-tunnel'])).toMatchObject({
    stderr: '',
    exitCode: 0,
  });
  const agent = await machine.run(state('tokyo-1'));
  const well = await findings('tokyo-1');
  expect(well).toEqual(
    expect.arrayContaining([
      'ok the web server: it answers',
      'ok certificates: 0 hosts, all with one',
      expect.stringMatching(/^ok packet filters/),
      expect.stringMatching(/^trouble the CA /),
    ]),
  );
  const other =
    'table inet other { chain input { type filter hook input priority 0; policy drop; iif lo accept; tcp dport 80 accept; }; }';
  await host.exec('nft', ['-f', '-'], { input: other });
  expect(await findings('tokyo-1')).toContain(
    'warning packet filters: inet other input drops what it does not name, and no rule of it names TCP 443',
  );
  await host.exec('nft', ['delete', 'table', 'inet', 'other']);
  await agent.stop();
  expect(await findings('tokyo-1')).toContain('trouble the agent: it does not run');
}, 180_000);

test('names that lead elsewhere are found by a real answer', async () => {
  const knot = await startLoopbackKnot({
    'hoge.com': ['a A 198.51.100.11', 'b A 203.0.113.9', 'c CNAME a', 'd A 10.0.0.1'],
  });
  const names = ['a', 'b', 'c', 'd', 'e'].map((name) => `${name}.hoge.com`);
  const answered = await resolveNames(names, AbortSignal.timeout(4_000), [`127.0.0.1:${knot.port}`]);
  const silent = await resolveNames(['a.hoge.com'], AbortSignal.timeout(500), ['127.0.0.1:1']);
  await knot.close();
  expect(answered.map(({ addresses }) => addresses)).toEqual([
    ['198.51.100.11'],
    ['203.0.113.9'],
    ['198.51.100.11'],
    ['10.0.0.1'],
    [],
  ]);
  expect(silent).toEqual([{ name: 'a.hoge.com', addresses: undefined }]);
  const found = judgeNames({ names: answered, pool: ['198.51.100.11'], unknownEdges: 0 });
  expect(found.map(({ level, found: text }) => `${level}: ${text}`)).toEqual([
    'trouble: 1 of 5 asked lead elsewhere: b.hoge.com (203.0.113.9)',
    'warning: 1 of 5 asked lead nowhere: e.hoge.com',
    'warning: a private resolver answers on this machine: d.hoge.com (10.0.0.1)',
  ]);
});
