// For tests: one machine in a namespace, on which the agent's commands are typed, and on its loopback a control plane that signs whatever
// it is told to with the keys that the machine trusts.
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeConfig } from '../bundle/config.ts';
import { installation, responseOf } from '../bundle/installation.fixture.ts';
import { signNode } from '../bundle/sign.ts';
import { buildAgent } from '../lab/agent-build.ts';
import type { ExecAttempt, ExecOptions, Host } from '../lab/namespace.ts';
import type { Proc } from '../lab/proc.ts';
import type { Run } from '../lab/run.ts';
import { compileCache } from '../test/compile-cache.ts';
import { tokenFor } from './one-file.fixture.ts';

const ROOT = join(import.meta.dirname, '..');
const PLANE_PORT = 8443;
const PATIENCE_MS = 30_000;
/** A busy machine is slow. */
const COMMAND_MS = 45_000;
const URL = `http://127.0.0.1:${PLANE_PORT}`;

export interface OneMachine {
  host: Host;
  url: string;
  fingerprint: string;
  /** Types a command of the agent, on this state directory. */
  command(stateDir: string, args: readonly string[], options?: ExecOptions): Promise<ExecAttempt>;
  /** `kokoa-agent join` as `node`, which is a name in the config that is offered. */
  join(stateDir: string, node: string, args: readonly string[]): Promise<ExecAttempt>;
  /** Starts `kokoa-agent run`, and waits until it serves. */
  run(stateDir: string): Promise<Proc>;
  put(name: string, config: NodeConfig): void;
  /** Offers a config to the agent that runs, and waits until it reports `expected` on it. */
  offer(name: string, config: NodeConfig, expected: string): Promise<void>;
}

/** What an agent reports, for `offer`. */
export function reported(state: string, code?: string): string {
  return JSON.stringify({ state, code });
}

/** `first` is offered from the start. */
export async function openMachine(run: Run, host: Host, first: NodeConfig): Promise<OneMachine> {
  const program = await buildAgent(run);
  const made = installation();
  const offers = join(host.directory, 'offer.json');
  const put = (name: string, config: NodeConfig) => {
    const { node } = config;
    const [version, now] = [Date.now(), new Date()];
    const signed = signNode({ node, config, commit: 'c'.repeat(40), version, now, keys: made.keys, lifetimes: {} });
    const bundle = responseOf(signed, made.roots, 0, {});
    // It is read at any moment.
    writeFileSync(`${offers}.new`, JSON.stringify({ name, bundle }));
    renameSync(`${offers}.new`, offers);
  };
  put('first', first);
  const plane = host.start('plane', process.execPath, [
    join(ROOT, 'lab/hostile-control-plane.ts'),
    ...['--port', `${PLANE_PORT}`, '--bundle', offers],
  ]);
  await plane.ready(/listening/);
  const argv = (stateDir: string) => [program, '--state', stateDir];
  const command = (stateDir: string, args: readonly string[], options: ExecOptions = {}) =>
    host.attempt(process.execPath, [...argv(stateDir), ...args], {
      timeoutMs: COMMAND_MS,
      env: compileCache(),
      ...options,
    });
  return {
    ...{ host, url: URL, fingerprint: made.fingerprint, command, put },
    join: (stateDir, node, args) =>
      command(stateDir, ['join', URL, '--fingerprint', made.fingerprint, ...args], { input: tokenFor(node) }),
    async run(stateDir) {
      const agent = host.start('agent', process.execPath, [...argv(stateDir), 'run'], { env: compileCache() });
      await agent.ready(/"msg":"(applied|serving the last known good configuration)"/, COMMAND_MS);
      return agent;
    },
    async offer(name, config, expected) {
      const from = plane.log().length;
      put(name, config);
      const said = () => plane.log().slice(from).split(`offered ${name}\n`)[1] ?? '';
      await until(
        () => said().includes(`reported ${expected}\n`),
        () => `${name}: ${plane.log().slice(from)}`,
      );
    },
  };
}

export async function until(holds: () => boolean | Promise<boolean>, found: () => string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`never came: ${found()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
