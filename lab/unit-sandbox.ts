// Runs a program as its unit of systemd would, without systemd: as that user, with those capabilities, in that file system, under that
// filter of system calls. Law: every setting of the unit is either made true here or named as one that the lab does not show.
import { chmodSync, chownSync, closeSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KokoaError } from '../bundle/error.ts';
import type { Host } from './namespace.ts';
import { parseUnit, single, truth, type UnitSection, words } from './unit-file.ts';
import { callFilter } from './unit-filter.ts';

const TOP = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const MOUNTS = join(TOP, 'lab', 'unit-mounts.py');
/** Debian's own, which certbot brings: one of a person's may lie where the unit sees nothing. */
const PYTHON = ['/usr/bin/python3', '-I', '-S'];
/** Stands for any account that a unit names: the machine has none of that name. */
export const ACCOUNT_ID = 64_321;
const MASKED_HOMES = ['/home', '/root', '/run/user'];
const TEMPORARY = ['/tmp', '/var/tmp'];

export type UnitName = 'kokoa-agent' | 'kokoa-reconciler';

/** About the service, not about what the process may do. */
const NO_LIMIT = [
  ...['Type', 'ExecStart', 'Restart', 'RestartSec', 'TimeoutStopSec', 'KillMode', 'OOMPolicy', 'WorkingDirectory'],
  ...['LoadCredential', 'AmbientCapabilities', 'PrivateMounts', 'SystemCallArchitectures', 'SystemCallErrorNumber'],
  ...['StateDirectory', 'StateDirectoryMode', 'RuntimeDirectory', 'RuntimeDirectoryMode', 'RuntimeDirectoryPreserve'],
];
/** What needs systemd, control groups or a user namespace; docs/operate.md says so too. */
export const NOT_SHOWN = [
  ...['TasksMax', 'MemoryMax', 'DevicePolicy', 'DeviceAllow', 'PrivateUsers', 'ProtectProc', 'ProcSubset', 'RemoveIPC'],
  ...['ProtectClock', 'ProtectHostname', 'LockPersonality', 'RestrictRealtime', 'RestrictSUIDSGID'],
];
const SHOWN = [
  ...[
    'User',
    'Group',
    'CapabilityBoundingSet',
    'NoNewPrivileges',
    'UMask',
    'LimitNOFILE',
    'LimitCORE',
    'CoredumpFilter',
  ],
  ...['ProtectSystem', 'ProtectHome', 'PrivateTmp', 'PrivateDevices', 'ProtectKernelTunables', 'ProtectKernelModules'],
  ...['ProtectKernelLogs', 'ProtectControlGroups', 'ReadWritePaths', 'RestrictAddressFamilies', 'RestrictNamespaces'],
  'SystemCallFilter',
];

export interface UnitOptions {
  /** What stands in the lab for the unit's own directories: they can be written, and belong to its account. */
  writable: readonly string[];
  /** Files and folders that the operator gave to the account of the unit. */
  readable?: readonly string[];
  /** Of this repository, as the process sees it; Node itself is always there. */
  program: (seen: { node: string; top: string }) => readonly string[];
}

/** The whole command. Needs root and a mount namespace of its own, as `ip netns exec` makes one. */
export function underUnit(host: Host, name: UnitName, options: UnitOptions): string[] {
  const unit = readService(name);
  const run = host.runDirectory;
  const seen = { node: join(run, 'unit', 'node'), top: join(run, 'unit', 'kokoa') };
  mkdirSync(seen.top, { recursive: true });
  closeSync(openSync(seen.node, 'a'));
  for (const path of options.writable) mkdirSync(path, { recursive: true });
  if (single(unit, 'User') !== undefined) giveAway([...options.writable, ...(options.readable ?? [])], run);
  const show = ['show', process.execPath, seen.node, 'show', TOP, seen.top];
  const script = [...PYTHON, MOUNTS, run, single(unit, 'UMask') ?? '0022', single(unit, 'CoredumpFilter') ?? '0x33'];
  const filter = join(seen.top, 'lab', 'unit-filter.py');
  return [
    ...[...script, ...show, ...mountSteps(unit, run, options.writable), '--'],
    ...['prlimit', ...limits(unit), 'setpriv', ...rights(unit)],
    ...[...PYTHON, filter, JSON.stringify(callFilter(unit)), ...options.program(seen)],
  ];
}

/** The settings of [Service]. @throws KokoaError lab_bad_unit for one that nobody decided about */
export function readService(name: UnitName): UnitSection {
  const text = readFileSync(join(TOP, 'packaging', 'systemd', `${name}.service`), 'utf8');
  const service: UnitSection = parseUnit(text).get('Service') ?? new Map();
  const known = [...NO_LIMIT, ...NOT_SHOWN, ...SHOWN];
  const unknown = [...service.keys()].filter((key) => !known.includes(key));
  if (unknown.length === 0) return service;
  throw new KokoaError('lab_bad_unit', `${name}.service: nobody decided what the lab does with ${unknown.join(', ')}`, {
    hint: 'make it true in lab/unit-sandbox.ts, or name it there as not shown',
  });
}

/** What `unit-mounts.py` does, in its order. */
function mountSteps(unit: UnitSection, run: string, writable: readonly string[]): string[] {
  const when = (key: string, steps: readonly string[]) => (truth(unit, key) ? steps : []);
  const hidden = [
    ...when(
      'PrivateTmp',
      TEMPORARY.flatMap((path) => ['tmp', path]),
    ),
    ...when(
      'ProtectHome',
      MASKED_HOMES.flatMap((path) => ['mask', path]),
    ),
    ...when('ProtectKernelModules', ['mask', '/usr/lib/modules']),
    ...when('PrivateDevices', ['devices', '/dev']),
  ];
  const kept = [...writable, ...words(unit, 'ReadWritePaths')];
  return [
    ...[...hidden, 'back', run],
    ...when('ProtectKernelTunables', ['freeze', '/proc/sys', 'freeze', '/sys']),
    ...when('ProtectControlGroups', ['freeze', '/sys/fs/cgroup']),
    ...when('ProtectKernelLogs', ['mask', '/proc/kmsg', 'mask', '/dev/kmsg']),
    ...kept.flatMap((path) => ['keep', path]),
    ...(single(unit, 'ProtectSystem') === 'strict' ? ['strict', '/'] : []),
    ...[...kept, ...(truth(unit, 'PrivateTmp') ? TEMPORARY : [])].flatMap((path) => ['write', path]),
  ];
}

/** Not above what this machine lets the lab have: raising a hard limit needs a right that containers often lack. */
function limits(unit: UnitSection): string[] {
  const options = [
    ['LimitCORE', '--core', 'Max core file size'],
    ['LimitNOFILE', '--nofile', 'Max open files'],
  ] as const;
  const table = readFileSync('/proc/self/limits', 'utf8');
  return options.flatMap(([key, option, name]) => {
    const value = single(unit, key);
    if (value === undefined) return [];
    const [, hard = ''] = new RegExp(`^${name} +\\S+ +(\\S+)`, 'm').exec(table) ?? [];
    const given = hard === 'unlimited' ? Number(value) : Math.min(Number(value), Number(hard));
    return [`${option}=${given}:${given}`];
  });
}

function rights(unit: UnitSection): string[] {
  const kept = words(unit, 'CapabilityBoundingSet').map((name) => `+${name.replace(/^CAP_/, '').toLowerCase()}`);
  return [
    `--bounding-set=${['-all', ...kept].join(',')}`,
    '--inh-caps=-all',
    ...(truth(unit, 'NoNewPrivileges') ? ['--no-new-privs'] : []),
    ...(single(unit, 'User') === undefined
      ? ['--clear-groups']
      : [`--reuid=${ACCOUNT_ID}`, `--regid=${ACCOUNT_ID}`, '--clear-groups']),
  ];
}

/** As `chown -R` on what the operator gave to the account; its folders in the run can be passed through. */
function giveAway(paths: readonly string[], run: string): void {
  for (const path of paths) {
    for (let folder = dirname(path); folder.startsWith(`${run}/`); folder = dirname(folder)) chmodSync(folder, 0o711);
    mine(path);
  }
}

function mine(path: string): void {
  chownSync(path, ACCOUNT_ID, ACCOUNT_ID);
  const entries = entriesOf(path);
  for (const name of entries) mine(join(path, name));
}

function entriesOf(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return [];
    throw error;
  }
}
