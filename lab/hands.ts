// What a person with root does to a machine that an agent manages, and how it looks meanwhile.
import { cpSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentHost } from './agent-host.ts';

/** A key that nobody has: 32 bytes of ones. */
const STRANGER = `${'AQEB'.repeat(10)}AQE=`;

/** The web server's own file. */
export function managed({ stateDir }: AgentHost): string {
  return readFileSync(join(stateDir, 'current', 'nginx.conf'), 'utf8');
}

/** To a copy of what was there, so that only the link is wrong. */
export function moveCurrent({ stateDir }: AgentHost): void {
  const [link, copy] = [join(stateDir, 'current'), join(stateDir, 'releases', 'by-hand')];
  cpSync(link, copy, { recursive: true, dereference: true });
  rmSync(link);
  symlinkSync(copy, link);
}

export async function peersOf({ host }: AgentHost): Promise<string[]> {
  const { stdout } = await host.exec('wg', ['show', host.wireguardInterface, 'peers']);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .sort();
}

/** A stranger comes, and home goes. */
export async function changePeers({ host }: AgentHost, peers: readonly string[]): Promise<void> {
  const { stdout } = await host.exec('wg', ['show', host.wireguardInterface, 'allowed-ips']);
  const home = peers.find((key) => stdout.includes(`${key}\t10.100.1.1/32`))!;
  await host.exec('wg', [
    'set',
    host.wireguardInterface,
    'peer',
    STRANGER,
    'allowed-ips',
    '10.100.9.9/32',
    'peer',
    home,
    'remove',
  ]);
}

export function tableOf({ host }: AgentHost): string {
  return `kokoa_${host.wireguardInterface}`;
}

export async function filterOf(machine: AgentHost): Promise<string> {
  const { stdout } = await machine.host.exec('nft', ['-s', 'list', 'table', 'inet', tableOf(machine)]);
  return stdout;
}

/** The first chain that stands in the way of a packet. */
export async function chainOf(machine: AgentHost): Promise<string> {
  return /chain (\S+) \{/.exec(await filterOf(machine))![1]!;
}

/** The master and its workers, at once. */
export function killWebServer(machine: AgentHost): void {
  const master = machine.nginxPid()!;
  const workers = readFileSync(`/proc/${master}/task/${master}/children`, 'latin1').trim().split(' ').map(Number);
  for (const pid of [master, ...workers]) process.kill(pid, 'SIGKILL');
}
