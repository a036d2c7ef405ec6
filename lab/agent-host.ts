// A machine that runs the agent: join it, start it, stop it, and read what it says. The agent is started as an owner would start it.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { YOUNG_HEAP_OPTION } from '../agent/adapters/heap.ts';
import type { ExecAttempt, Host } from './namespace.ts';
import type { Proc } from './proc.ts';
import { underUnit } from './unit-sandbox.ts';

const COMMAND_TIMEOUT_MS = 30_000;

export interface AgentHostOptions {
  slot: string;
  /** The built agent. */
  program: string;
  token: string;
  tokenSha256: string;
  controlUrl: string;
  fingerprint: string;
  /** What this lab adds to `kokoa-agent join URL --fingerprint F`. */
  joinOptions: readonly string[];
}

export interface AgentHost {
  readonly slot: string;
  readonly host: Host;
  readonly stateDir: string;
  readonly token: string;
  readonly tokenSha256: string;
  /** Runs `kokoa-agent join` to its end; the token goes through standard input. */
  join(): Promise<ExecAttempt>;
  /** Starts `kokoa-agent join`, which waits until git knows this machine; the token is in a file. */
  startJoin(): Proc;
  /** @param env added to the environment of the agent alone */
  start(env?: Record<string, string>): Promise<Proc>;
  /** The running agent. @throws TypeError when it was never started */
  agent(): Proc;
  /** Runs any other command of the agent on this machine. */
  command(args: readonly string[]): Promise<ExecAttempt>;
  /** The pid in a pid file of the state directory. */
  nginxPid(): number | undefined;
}

export function createAgentHost(host: Host, options: AgentHostOptions): AgentHost {
  const { slot, token, tokenSha256 } = options;
  const stateDir = join(host.directory, 'state');
  mkdirSync(host.directory, { recursive: true });
  const argv = [options.program, '--state', stateDir];
  const joinArgs = [
    ...argv,
    ...['join', options.controlUrl, '--fingerprint', options.fingerprint],
    ...options.joinOptions,
  ];
  let running: Proc | undefined;
  return {
    ...{ slot, host, stateDir, token, tokenSha256 },
    join() {
      return host.attempt(process.execPath, joinArgs, { input: `${token}\n`, timeoutMs: COMMAND_TIMEOUT_MS });
    },
    startJoin() {
      const tokenFile = join(host.directory, 'token');
      writeFileSync(tokenFile, `${token}\n`, { mode: 0o600 });
      return host.start('join', process.execPath, [...joinArgs, '--token-file', tokenFile]);
    },
    async start(env = {}) {
      const [file = '', ...args] = runCommand(host, [...argv, 'run'], stateDir);
      running = host.start('agent', file, args, { env });
      return running;
    },
    agent() {
      if (!running) throw new TypeError(`the agent of ${slot} was never started`);
      return running;
    },
    command: (args) => host.attempt(process.execPath, [...argv, ...args], { timeoutMs: COMMAND_TIMEOUT_MS }),
    nginxPid() {
      const path = join(stateDir, 'run', 'nginx.pid');
      return existsSync(path) ? Number(readFileSync(path, 'utf8')) : undefined;
    },
  };
}

/** What wireguard-go puts its sockets into; the unit's RuntimeDirectory. */
const WIREGUARD_SOCKETS = '/run/wireguard';

/** As the unit of this repository runs it, on a machine of its own; as it is where the lab has no root. */
function runCommand(host: Host, args: readonly string[], stateDir: string): string[] {
  if (host.namespace === undefined) return [process.execPath, ...args];
  const program = ({ node }: { node: string }) => [node, '--disable-sigusr1', YOUNG_HEAP_OPTION, ...args];
  return underUnit(host, 'kokoa-agent', { writable: [stateDir, WIREGUARD_SOCKETS], program });
}

/** Points a stopped agent at another control plane, as somebody who took over the name would. Answers how to undo it. */
export function pointAt({ stateDir }: AgentHost, url: string): () => void {
  const path = join(stateDir, 'settings.json');
  const before = readFileSync(path, 'utf8');
  writeFileSync(path, JSON.stringify({ ...JSON.parse(before), urls: [url] }));
  return () => writeFileSync(path, before);
}
