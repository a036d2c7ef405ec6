// Observes the machine before anything is written: rights, programs, kernel, disk. Changes nothing.
import { constants, existsSync } from 'node:fs';
import { access, readFile, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { STREAM_MODULE } from '../core/nginx-paths.ts';
import type { MachineFacts } from '../core/preflight-machine.ts';
import type { NetworkFacts } from '../core/preflight-network.ts';
import { diskTrouble } from './disk-trouble.ts';
import { featuresOf, runNginx, saidBy } from './nginx-program.ts';
import { programEnvironment, runProgram } from './program.ts';

const PROGRAMS = ['ip', 'nft', 'wg', 'nginx', 'certbot', 'wireguard-go'];
/** What our packet filter asks of the kernel, tried without being made: `nft --check`. */
const RULESET = `table inet kokoa_preflight {
  map led { type inet_service : ipv4_addr . inet_service; }
  chain tunnel { type filter hook prerouting priority -150; ct state established ct direction reply accept; }
  chain lead { type nat hook prerouting priority -110; dnat ip to tcp dport map @led; }
}
`;

type Observed = Omit<MachineFacts, 'clock'>;

export async function observeMachine(stateDir: string): Promise<Observed> {
  const programs = PROGRAMS.filter((name) => pathOf(name) !== undefined);
  const [capabilities, nginx, wireguard, nftablesFault, disk] = await Promise.all([
    ownCapabilities(),
    observeNginx(),
    observeWireguard(programs),
    programs.includes('nft') ? checkNftables() : undefined,
    observeDisk(stateDir),
  ]);
  return {
    ...{ nodeVersion: process.versions.node, capabilities, programs, wireguard, nftablesFault },
    ...nginx,
    ...disk,
  };
}

/** What systemd says of Debian's nginx; undefined where there is no systemd, or no such service. */
export async function observeNginxService(): Promise<NetworkFacts['nginxService']> {
  if (!existsSync('/run/systemd/system')) return undefined;
  const ask = async (verb: string) =>
    (await runProgram(['systemctl', verb, 'nginx.service']).catch(() => undefined))?.stdout.trim() ?? '';
  const [enabled, active] = await Promise.all([ask('is-enabled'), ask('is-active')]);
  return /^(enabled|disabled|masked|static)/.test(enabled) ? { enabled, active } : undefined;
}

function pathOf(program: string): string | undefined {
  const folders = (programEnvironment().PATH ?? '').split(':').filter((folder) => folder !== '');
  return folders.map((folder) => `${folder}/${program}`).find((path) => existsSync(path));
}

async function ownCapabilities(): Promise<bigint> {
  const text = await readFile('/proc/self/status', 'utf8').catch(() => '');
  return BigInt(`0x${/^CapEff:\s*([0-9a-f]{1,16})$/m.exec(text)?.[1] ?? '0'}`);
}

async function observeNginx(): Promise<Pick<Observed, 'nginxFault' | 'nginxHasStream'>> {
  const path = pathOf('nginx');
  if (path === undefined) return { nginxFault: undefined, nginxHasStream: false };
  const features = featuresOf(saidBy(await runNginx(path, ['-V'])));
  if (!features) return { nginxFault: `${path} is no nginx of version 1.22 or newer`, nginxHasStream: false };
  const { stream } = features;
  return {
    nginxFault: undefined,
    nginxHasStream: stream === 'built-in' || (stream === 'module' && existsSync(STREAM_MODULE)),
  };
}

async function observeWireguard(programs: readonly string[]): Promise<Observed['wireguard']> {
  if (existsSync('/sys/module/wireguard') || (await kernelHasModule())) return 'kernel';
  if (!programs.includes('wireguard-go')) return 'nothing';
  const device = await stat('/dev/net/tun').catch(() => undefined);
  const opens =
    device?.isCharacterDevice() &&
    (await access('/dev/net/tun', constants.W_OK).then(
      () => true,
      () => false,
    ));
  return opens ? 'user space' : 'no /dev/net/tun';
}

/** As modprobe(8) would find it. */
async function kernelHasModule(): Promise<boolean> {
  const release = (await readFile('/proc/sys/kernel/osrelease', 'utf8').catch(() => '')).trim();
  const lists = ['modules.dep', 'modules.builtin'].map((name) => `/lib/modules/${release}/${name}`);
  const texts = await Promise.all(lists.map((path) => readFile(path, 'latin1').catch(() => '')));
  return texts.some((text) => /\/wireguard\.ko/.test(text));
}

async function checkNftables(): Promise<string | undefined> {
  const { ok, reason } = await runProgram(['nft', '--check', '-f', '-'], { input: RULESET });
  return ok ? undefined : reason;
}

/** Of the directory, or of the nearest one above it that exists. */
async function observeDisk(stateDir: string): Promise<Pick<Observed, 'stateFault' | 'freeBytes'>> {
  let path = stateDir;
  while (!existsSync(path) && path !== dirname(path)) path = dirname(path);
  const { bavail, bsize } = await statfs(path);
  const refused = await access(path, constants.W_OK).then(
    () => undefined,
    (cause: unknown) => `${path}: ${diskTrouble(cause)}`,
  );
  return { stateFault: refused, freeBytes: bavail * bsize };
}
