// A host of the lab: a network namespace in which programs are run. What runs in it belongs to it, also what a program started
// detached, and ends with it.
import { mkdirSync, rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { execa, type ResultPromise } from 'execa';
import { KokoaError } from '../bundle/error.ts';
import { endKnown } from './ending.ts';
import { type Proc, startProc } from './proc.ts';
import { namespaceInode, processesIn } from './process-table.ts';
import type { Run } from './run.ts';
import { RUN_VARIABLE } from './sweep.ts';

const EXEC_TIMEOUT_MS = 10_000;
const FORCE_KILL_MS = 500;
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;
const STDERR_SHOWN = 2_000;

export interface ExecOptions {
  /** Default 10 s. */
  timeoutMs?: number;
  input?: string;
  /** Added to the host's own environment, which is not that of this process. */
  env?: Record<string, string>;
  /** Default: the host's directory. */
  cwd?: string;
}

export interface ExecResult {
  stdout: string;
  stderr: string;
}

/** `exitCode` is undefined when the program was ended by a signal or the timeout. */
export interface ExecAttempt extends ExecResult {
  exitCode: number | undefined;
  timedOut: boolean;
}

export type StartOptions = Pick<ExecOptions, 'env' | 'cwd'> & {
  /** Default: NAME.log in the host's directory. */
  logFile?: string;
};

export interface Host {
  readonly name: string;
  /** As `ip netns` knows it; undefined for a host that shares the machine's own network. */
  readonly namespace: string | undefined;
  /** Absolute; the host's own files and logs. */
  readonly directory: string;
  /** Of the run that the host belongs to. */
  readonly runDirectory: string;
  /** A name for this host's WireGuard interface. Unique on the machine, because its socket is a file outside the namespace. */
  readonly wireguardInterface: string;
  /** Runs a program to its end. @throws KokoaError lab_exec_failed when it does not exit 0 in time */
  exec(file: string, args: readonly string[], options?: ExecOptions): Promise<ExecResult>;
  /** Runs a program to its end, whatever that is. */
  attempt(file: string, args: readonly string[], options?: ExecOptions): Promise<ExecAttempt>;
  /** Starts a program that goes on. It does not end with this process unless the run does. */
  start(name: string, file: string, args: readonly string[], options?: StartOptions): Proc;
  /** Starts a program to talk to by lines on its standard input and output; its errors go to this process's. */
  open(file: string, args: readonly string[], options?: ExecOptions): ResultPromise<typeof OPEN_OPTIONS>;
  /** Ends everything that runs in the host, detached or not. */
  stopAll(): Promise<void>;
  /** Ends everything and deletes the namespace with its links, as when a machine is destroyed. Its directory stays. */
  remove(): Promise<void>;
}

export const OPEN_OPTIONS = {
  reject: false,
  extendEnv: false,
  buffer: false,
  stdin: 'pipe',
  stdout: 'pipe',
  stderr: 'inherit',
} as const;

/** Where a namespace's own resolv.conf is; `ip netns exec` mounts it over /etc/resolv.conf. */
export function resolverFolder(namespace: string): string {
  return join('/etc/netns', namespace);
}

let hosts = 0;

/** Makes a namespace with only `lo`, which is up. */
export async function addHost(run: Run, name: string): Promise<Host> {
  const namespace = `${run.prefix}-${name}`;
  await ip(['netns', 'add', namespace]);
  await ip(['-n', namespace, 'link', 'set', 'lo', 'up']);
  return new LabHost(run, name, namespace);
}

/** A host without a namespace of its own: for the lab that needs no root. */
export function addLoopbackHost(run: Run, name: string): Host {
  return new LabHost(run, name, undefined);
}

/** Runs `ip`, with `input` as a batch where given. @throws KokoaError lab_ip_failed */
export async function ip(args: readonly string[], input?: string): Promise<string> {
  const result = await execa('ip', args, {
    reject: false,
    timeout: EXEC_TIMEOUT_MS,
    ...(input === undefined ? {} : { input }),
  });
  if (result.exitCode === 0) return result.stdout;
  throw new KokoaError('lab_ip_failed', `ip ${args.join(' ')}: ${result.stderr || result.shortMessage}`);
}

class LabHost implements Host {
  readonly name: string;
  readonly namespace: string | undefined;
  readonly directory: string;
  readonly runDirectory: string;
  readonly wireguardInterface: string;
  private readonly run: Run;
  private readonly started: Proc[] = [];

  constructor(run: Run, name: string, namespace: string | undefined) {
    this.run = run;
    this.name = name;
    this.namespace = namespace;
    this.wireguardInterface = `${run.prefix}wg${hosts++}`;
    this.runDirectory = run.directory;
    this.directory = join(run.directory, 'hosts', name);
    mkdirSync(this.directory, { recursive: true });
  }

  async exec(file: string, args: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    const result = await this.attempt(file, args, options);
    if (result.exitCode === 0) return result;
    const how = result.timedOut ? 'did not end in time' : `exit ${result.exitCode ?? 'by a signal'}`;
    const said = (result.stderr || result.stdout).slice(-STDERR_SHOWN);
    throw new KokoaError('lab_exec_failed', `${this.name}: ${[file, ...args].join(' ')}: ${how}\n${said}`);
  }

  async attempt(file: string, args: readonly string[], options: ExecOptions = {}): Promise<ExecAttempt> {
    const [program = '', ...rest] = this.command(file, args);
    const result = await execa(program, rest, {
      reject: false,
      extendEnv: false,
      env: this.environment(options.env),
      cwd: options.cwd ?? this.directory,
      timeout: options.timeoutMs ?? EXEC_TIMEOUT_MS,
      forceKillAfterDelay: FORCE_KILL_MS,
      maxBuffer: OUTPUT_BYTES_MAX,
      input: options.input ?? '',
    });
    return { stdout: result.stdout, stderr: result.stderr, exitCode: result.exitCode, timedOut: result.timedOut };
  }

  start(name: string, file: string, args: readonly string[], options: StartOptions = {}): Proc {
    const proc = startProc(this.command(file, args), {
      name: `${this.name}/${name}`,
      logFile: options.logFile ?? join(this.directory, `${name}.log`),
      env: this.environment(options.env),
      cwd: options.cwd ?? this.directory,
      namespaceInode: this.namespace === undefined ? undefined : namespaceInode(this.namespace),
    });
    this.started.push(proc);
    return proc;
  }

  open(file: string, args: readonly string[], options: ExecOptions = {}): ResultPromise<typeof OPEN_OPTIONS> {
    const [program = '', ...rest] = this.command(file, args);
    const env = this.environment(options.env);
    return execa(program, rest, { ...OPEN_OPTIONS, env, cwd: options.cwd ?? this.directory });
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.started.splice(0).map((proc) => proc.stop()));
    // What they started detached, and whatever that starts while it is asked to end.
    for (let round = 0; round < 3 && this.namespace !== undefined; round++) {
      const left = processesIn([this.namespace]);
      if (left.length === 0) return;
      await endKnown(left);
    }
  }

  async remove(): Promise<void> {
    await this.stopAll();
    if (this.namespace === undefined) return;
    // The kernel takes a deleted namespace apart later; deleting the links first makes the other ends vanish now.
    const links = JSON.parse(await ip(['-n', this.namespace, '-j', 'link', 'show', 'type', 'veth'])) as {
      ifname?: string;
    }[];
    const lines = links.flatMap(({ ifname }) => (ifname === undefined ? [] : [`link del ${ifname}\n`]));
    await ip(['-n', this.namespace, '-force', '-batch', '-'], lines.join(''));
    await ip(['netns', 'del', this.namespace]);
    rmSync(resolverFolder(this.namespace), { recursive: true, force: true });
    rmSync(`/var/run/wireguard/${this.wireguardInterface}.sock`, { force: true });
  }

  private command(file: string, args: readonly string[]): string[] {
    const inside = this.namespace === undefined ? [] : ['ip', 'netns', 'exec', this.namespace];
    return [...inside, file, ...args];
  }

  /** Little, and the same on every machine: no proxy, git or npm settings of the caller reach into the lab. */
  private environment(extra: Record<string, string> = {}): Record<string, string> {
    const path = [dirname(process.execPath), process.env.PATH ?? '', '/usr/sbin', '/sbin'].join(delimiter);
    return { PATH: path, HOME: this.directory, LANG: 'C.UTF-8', [RUN_VARIABLE]: this.run.prefix, ...extra };
  }
}
