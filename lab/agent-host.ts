// A machine that runs the agent: join it, start it, stop it, and read what it says. The agent is started as an owner would start it.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecAttempt, Host } from './namespace.ts';
import type { Proc } from './proc.ts';

const AGENT = fileURLToPath(new URL('../agent/main.ts', import.meta.url));
const JOIN_TIMEOUT_MS = 30_000;
/** Ports of the example services and of those that a demo moves to. */
const ALLOWED_PORTS = '8000-8099';

export interface AgentHostOptions {
  slot: string;
  token: string;
  tokenSha256: string;
  controlUrl: string;
  fingerprint: string;
  caFile: string;
  acmeCaFile: string;
}

export interface AgentHost {
  readonly slot: string;
  readonly host: Host;
  readonly stateDir: string;
  readonly token: string;
  readonly tokenSha256: string;
  /** Runs `kokoa-agent join` to its end; the token goes through standard input. */
  join(): Promise<ExecAttempt>;
  start(): Promise<Proc>;
  /** The running agent. @throws Error when it was never started */
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
  const argv = [AGENT, '--state', stateDir];
  let running: Proc | undefined;
  return {
    ...{ slot, host, stateDir, token, tokenSha256 },
    join() {
      const args = [
        ...argv,
        ...['join', options.controlUrl, '--fingerprint', options.fingerprint, '--ca', options.caFile],
        ...['--acme-ca', options.acmeCaFile, '--interface', host.wireguardInterface, '--allow', ALLOWED_PORTS],
      ];
      return host.attempt(process.execPath, args, { input: `${token}\n`, timeoutMs: JOIN_TIMEOUT_MS });
    },
    async start() {
      running = host.start('agent', process.execPath, [...argv, 'run']);
      return running;
    },
    agent() {
      if (!running) throw new Error(`the agent of ${slot} was never started`);
      return running;
    },
    command: (args) => host.attempt(process.execPath, [...argv, ...args], { timeoutMs: JOIN_TIMEOUT_MS }),
    nginxPid() {
      const path = join(stateDir, 'run', 'nginx.pid');
      return existsSync(path) ? Number(readFileSync(path, 'utf8')) : undefined;
    },
  };
}

/** Points a stopped agent at another control plane, as somebody who took over the name would. */
export function pointAt({ stateDir }: AgentHost, url: string): () => void {
  const path = join(stateDir, 'settings.json');
  const before = readFileSync(path, 'utf8');
  writeFileSync(path, JSON.stringify({ ...JSON.parse(before), urls: [url] }));
  return () => writeFileSync(path, before);
}
