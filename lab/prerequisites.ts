// Whether this machine can carry the whole lab, and if not, why. Tried rather than guessed: containers differ.
import { accessSync, closeSync, constants, openSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { execaSync } from 'execa';

export type LabMode = { mode: 'full' } | { mode: 'loopback'; why: string };

const PROGRAMS = [
  ...['ip', 'nft', 'ping', 'unshare', 'wg', 'wireguard-go', 'nginx', 'certbot', 'pebble'],
  ...['pebble-challtestsrv', 'openssl', 'curl', 'git'],
];
const TRIAL_TIMEOUT_MS = 5_000;

/** What `command` needs, tried in a network namespace that vanishes with it. */
const TRIALS: { what: string; command: string[]; input?: string }[] = [
  { what: 'network namespaces', command: ['true'] },
  { what: 'virtual cables (veth)', command: ['ip', 'link', 'add', 'try0', 'type', 'veth', 'peer', 'name', 'try1'] },
  { what: 'bridges', command: ['ip', 'link', 'add', 'try0', 'type', 'bridge'] },
  {
    what: 'nftables with NAT',
    command: ['nft', '-f', '-'],
    input: 'table ip t {\n chain c {\n type nat hook postrouting priority 100\n masquerade\n }\n}\n',
  },
];

/** `full`: every host in a namespace of its own, with tunnels. `loopback`: what runs without. Takes about 50 ms. */
export function labMode(): LabMode {
  const why = obstacle();
  return why === undefined ? { mode: 'full' } : { mode: 'loopback', why };
}

function obstacle(): string | undefined {
  if (process.platform !== 'linux') return `this is ${process.platform}; network namespaces need Linux`;
  if (process.getuid?.() !== 0) return 'not root; network namespaces and tunnels need it';
  const missing = missingPrograms(PROGRAMS);
  if (missing.length > 0) return `not installed: ${missing.join(', ')}`;
  try {
    closeSync(openSync('/dev/net/tun', 'r+'));
  } catch (error) {
    return `/dev/net/tun cannot be opened (${(error as NodeJS.ErrnoException).code}); WireGuard needs it`;
  }
  for (const { what, command, input = '' } of TRIALS) {
    const result = execaSync('unshare', ['--net', ...command], { reject: false, input, timeout: TRIAL_TIMEOUT_MS });
    if (result.exitCode !== 0) return `${what} do not work here: ${result.stderr || result.shortMessage}`;
  }
  return namedNamespaces();
}

/** Named ones also need a mount that containers often forbid. */
function namedNamespaces(): string | undefined {
  const name = `kokoa-try-${process.pid}`;
  const ip = (...args: string[]) => execaSync('ip', args, { reject: false, timeout: TRIAL_TIMEOUT_MS });
  const added = ip('netns', 'add', name);
  const entered = added.exitCode === 0 ? ip('netns', 'exec', name, 'true') : added;
  ip('netns', 'del', name);
  return entered.exitCode === 0 ? undefined : `named network namespaces do not work here: ${entered.stderr}`;
}

/** Those of `programs` that are not installed. */
export function missingPrograms(programs: readonly string[]): string[] {
  return programs.filter((program) => !onPath(program));
}

function onPath(program: string): boolean {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
