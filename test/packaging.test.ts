// The units: as narrow as they claim by systemd's own measure, readable to it without a complaint, and what they take away is taken away
// from a real process of the lab.
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { YOUNG_HEAP_OPTION } from '../agent/adapters/heap.ts';
import { addHost, type Host } from '../lab/namespace.ts';
import { labMode } from '../lab/prerequisites.ts';
import { createRun, type Run } from '../lab/run.ts';
import { parseUnit, single, truth, words } from '../lab/unit-file.ts';
import { callFilter } from '../lab/unit-filter.ts';
import { ACCOUNT_ID, NOT_SHOWN, readService, type UnitName, underUnit } from '../lab/unit-sandbox.ts';

const TOP = join(import.meta.dirname, '..');
const UNITS = join(TOP, 'packaging', 'systemd');
const NAMES = ['kokoa-agent', 'kokoa-reconciler'] as const satisfies UnitName[];
const serviceOf = (text: string) => parseUnit(`[Service]\n${text}`).get('Service')!;

describe('a unit file is read as systemd reads it', () => {
  test.each([
    ['A=1\nA=2', 'A', ['1', '2']],
    ['A=1\nA=\nA=3', 'A', ['3']],
    ['A=one \\\n  two', 'A', ['one two']],
    ['# A=1\n; A=2\nA=3 # no comment', 'A', ['3 # no comment']],
  ])('%j', (text, key, values) => {
    expect(serviceOf(text).get(key)).toEqual(values);
  });

  test('and what is neither is refused', () => {
    expect(() => serviceOf('no setting')).toThrow('neither a heading nor KEY=VALUE');
    expect(() => parseUnit('A=1')).toThrow('neither');
    expect(() => truth(serviceOf('A=perhaps'), 'A')).toThrow('neither yes nor no');
  });

  test('a filter of system calls takes away what comes after a tilde, but never what every program needs', () => {
    const { allow, families } = callFilter(
      serviceOf(
        'SystemCallFilter=@system-service\nSystemCallFilter=~@privileged execve\nRestrictAddressFamilies=AF_UNIX',
      ),
    );
    expect(allow).toEqual(expect.arrayContaining(['openat', 'socket', 'execve', 'clone']));
    expect(allow).not.toEqual(expect.arrayContaining(['chown']));
    expect(families).toEqual(['AF_UNIX']);
  });
});

describe.each(NAMES)('%s.service', (name) => {
  const file = join(UNITS, `${name}.service`);
  const unit = () => parseUnit(readFileSync(file, 'utf8'));

  // In tenths: systemd's own scale goes from 0 to 10, less is better.
  test.each([{ 'kokoa-agent': 45, 'kokoa-reconciler': 20 }[name]])(
    'is exposed less than %i tenths',
    async (threshold) => {
      const args = ['security', '--no-pager', '--offline=true', `--threshold=${threshold}`, file];
      const { exitCode, stdout } = await execa('systemd-analyze', args, { reject: false });
      expect({ exitCode, said: stdout.split('\n').at(-1) }).toEqual({
        exitCode: 0,
        said: expect.stringMatching(/^→ Overall exposure level for kokoa-\w+\.service: \d\.\d OK/u),
      });
    },
  );

  test('is taken by systemd without a complaint, on a machine that has its programs', async () => {
    const machine = mkdtempSync(join(tmpdir(), 'kokoa-unit-'));
    try {
      const folder = join(machine, 'etc', 'systemd', 'system');
      mkdirSync(folder, { recursive: true });
      cpSync(file, join(folder, `${name}.service`));
      cpSync('/lib/systemd/system', join(machine, 'lib/systemd/system'), { recursive: true, verbatimSymlinks: true });
      const program = join(machine, single(unit().get('Service')!, 'ExecStart')!.split(' ')[0]!);
      mkdirSync(dirname(program), { recursive: true });
      writeFileSync(program, '#!/bin/sh\n');
      chmodSync(program, 0o755);
      const args = ['verify', '--man=no', `--root=${machine}`, `${name}.service`];
      const { exitCode, stderr } = await execa('systemd-analyze', args, { reject: false });
      const said = stderr.split('\n').filter((line) => line.includes('kokoa'));
      expect({ exitCode, said }).toEqual({ exitCode: 0, said: [] });
    } finally {
      rmSync(machine, { recursive: true, force: true });
    }
  });

  test('starts a command line that the program takes', async () => {
    const [, ...argv] = words(unit().get('Service')!, 'ExecStart');
    const flags = argv.filter((word) => word.startsWith('--'));
    const command = name === 'kokoa-agent' ? ['agent/main.ts', 'run'] : ['reconciler/main.ts', 'serve'];
    const { stdout } = await execa(process.execPath, [...command, '--help'], { cwd: TOP });
    const known = await Promise.all(['--help', '--v8-options'].map((about) => execa(process.execPath, [about])));
    const text = [stdout, ...known.map((node) => node.stdout)].join('\n');
    expect(flags.filter((flag) => !text.includes(flag.split('=')[0]!))).toEqual([]);
    expect(argv).toContain(command[1]);
  });

  test('leaves no core, opens no debugger, writes no heap to a file', () => {
    const service = readService(name);
    expect([single(service, 'LimitCORE'), single(service, 'CoredumpFilter')]).toEqual(['0', '0x0']);
    const command = single(service, 'ExecStart')!;
    expect(command).toMatch(/^\S+\/node --disable-sigusr1 /);
    expect(command).not.toMatch(/--(inspect|report|heapsnapshot|heap-prof|abort-on|cpu-prof)/);
    expect(service.get('Environment')).toBeUndefined();
    if (name === 'kokoa-agent') expect(command).toContain(` ${YOUNG_HEAP_OPTION} `);
  });
});

describe('docs/operate.md', () => {
  const section = readFileSync(join(TOP, 'docs/operate.md'), 'utf8')
    .split(/^## /m)
    .find((part) => part.startsWith('systemd\n'))!;

  test('leads to the units and holds no second copy of them', () => {
    for (const name of NAMES) expect(section).toContain(`](../packaging/systemd/${name}.service)`);
    expect(section).not.toMatch(/^(\[Service\]|ExecStart=)/m);
  });

  test('says what the lab does not show of them', () => {
    const [, said = ''] = /^Not shown in the lab([\s\S]*?)\n\n/m.exec(section) ?? [];
    const inUnits = new Set(NAMES.flatMap((name) => [...readService(name).keys()]));
    const expected = NOT_SHOWN.filter((key) => inUnits.has(key));
    expect(said.match(/(?<=`)\w+(?=`)/g)!.sort()).toEqual(expected.filter((key) => key !== 'DeviceAllow').sort());
  });

  test('gives reasons for settings that are not there, and for no others', () => {
    const rows = section.matchAll(/^\| (`\w+=`(?:, `\w+=`)*) \| (agent|reconciler|both) \|/gm);
    const reasoned = [...rows].flatMap(([, settings, of]) => {
      const units = NAMES.filter((name) => of === 'both' || name.endsWith(of!));
      return units.flatMap((name) => settings!.match(/\w+/g)!.map((key) => ({ name, key })));
    });
    expect(reasoned.length).toBeGreaterThan(8);
    expect(reasoned.filter(({ name, key }) => readService(name).has(key))).toEqual([]);
  });
});

const lab = labMode();
if (lab.mode === 'loopback' && process.env.CI === 'true') throw new Error(`the units cannot be tried here: ${lab.why}`);

describe.runIf(lab.mode === 'full')('a process under its unit', () => {
  let run: Run;
  let host: Host;
  beforeAll(async () => {
    run = createRun();
    host = await addHost(run, 'edge-1');
  });
  afterAll(async () => expect(await run.end()).toEqual([]));

  const stateOf = (name: UnitName) => join(host.directory, name);

  /** What a shell script prints under the unit. */
  async function said(name: UnitName, script: string): Promise<string> {
    const program = () => ['sh', '-c', script];
    const [file = '', ...args] = underUnit(host, name, { writable: [stateOf(name)], program });
    const { stdout, stderr } = await host.attempt(file, args);
    return `${stdout}\n${stderr}`;
  }

  it('has the account and the rights of its unit', async () => {
    const ask =
      'id -u; grep -E "CapBnd|CapEff|NoNewPrivs" /proc/self/status | cut -f2; ulimit -c; cat /proc/self/coredump_filter; umask';
    // Bits 0, 5, 6, 7, 10 and 12 of capabilities(7): CHOWN, KILL, SETGID, SETUID, NET_BIND_SERVICE, NET_ADMIN.
    const agent = (2 ** 0 + 2 ** 5 + 2 ** 6 + 2 ** 7 + 2 ** 10 + 2 ** 12).toString(16).padStart(16, '0');
    const none = '0'.repeat(16);
    const rest = ['1', '0', '00000000', '0077'];
    expect((await said('kokoa-agent', ask)).trim().split('\n')).toEqual(['0', agent, agent, ...rest]);
    expect((await said('kokoa-reconciler', ask)).trim().split('\n')).toEqual([String(ACCOUNT_ID), none, none, ...rest]);
  });

  const write = (path: string) => `: >> "${path}"`;
  const python = (line: string) => `python3 -I -S -c '${line}'`;
  /** What is tried, by a shell → whether the agent, and the reconciler, can. */
  const TRIED: Record<string, [script: string, agent: boolean, reconciler: boolean]> = {
    'write its state': [write('state-file'), true, true],
    'write a /tmp of its own': [write('/tmp/x'), true, true],
    'write /etc': [write('/etc/x'), false, false],
    'write /usr': [write('/usr/x'), false, false],
    'write /var': [write('/var/x'), false, false],
    'write another tunable': [write('/proc/sys/kernel/domainname'), false, false],
    'write below /sys': [write('/sys/kernel/profiling'), false, false],
    'turn forwarding of an interface': [write('/proc/sys/net/ipv4/conf/lo/forwarding'), true, false],
    'make a tunnel': ['ip tuntap add dev t0 mode tun', true, false],
    'filter packets': ['nft add table inet t', true, false],
    'become the web server’s account': ['setpriv --reuid=33 --regid=33 --clear-groups true', true, false],
    'listen on port 80': [python('import socket; socket.socket().bind(("127.0.0.1", 80))'), true, false],
    'open a socket': [python('import socket; socket.socket(socket.AF_INET6)'), true, true],
    'open a netlink socket': [python('import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)'), true, false],
    'open a raw socket': [python('import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)'), false, false],
    'see a home': ['ls /home', false, false],
    'make a namespace': ['unshare --user true', false, false],
    'mount something': ['mount -t tmpfs x /tmp', false, false],
    'look into another process': ['readlink "/proc/$PPID/exe"', false, false],
    'trace another process': [
      python('import ctypes,sys; sys.exit(ctypes.CDLL(None).ptrace(0, 0, 0, 0) < 0)'),
      false,
      false,
    ],
  };

  it.each([
    ['kokoa-agent', 1],
    ['kokoa-reconciler', 2],
  ] as const)('%s can do what it needs, and nothing that it does not', async (name, column) => {
    const tries = Object.entries(TRIED).map(
      ([what, [script]]) => `(${script}) && say yes '${what}' || say no '${what}'`,
    );
    const lines = ['exec 3>&1 > /dev/null 2>&1', `cd ${stateOf(name)}`, 'say() { echo "$1 $2" >&3; }', ...tries];
    const found = (await said(name, lines.join('\n'))).trim().split('\n');
    expect(found).toEqual(Object.entries(TRIED).map(([what, can]) => `${can[column] ? 'yes' : 'no'} ${what}`));
  });
});
