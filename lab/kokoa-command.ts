// The reconciler and the operator's command line, as programs of a lab's hosts. What Node compiled once is kept in the run's
// directory, which halves the start of the second.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecAttempt, Host } from './namespace.ts';
import type { Proc } from './proc.ts';
import type { Run } from './run.ts';

const PROGRAM = fileURLToPath(new URL('../reconciler/main.ts', import.meta.url));
const TIMEOUT_MS = 20_000;

/** `kokoa ARGS` to its end; `input` is its standard input. */
export function kokoa(run: Run, host: Host, args: readonly string[], input?: string): Promise<ExecAttempt> {
  const options = { env: environment(run), timeoutMs: TIMEOUT_MS, ...(input !== undefined && { input }) };
  return host.attempt(process.execPath, [PROGRAM, ...args], options);
}

export interface ServeCommand {
  args: readonly string[];
  port: number;
  /** A CA that it trusts beside the system's. */
  caFile: string;
}

/** `kokoa serve ARGS`, until it listens. */
export async function startReconciler(run: Run, host: Host, { args, port, caFile }: ServeCommand): Promise<Proc> {
  const env = { ...environment(run), NODE_EXTRA_CA_CERTS: caFile };
  const proc = host.start('reconciler', process.execPath, [PROGRAM, 'serve', ...args], { env });
  await proc.listening(port, 'tcp', TIMEOUT_MS);
  return proc;
}

function environment(run: Run): Record<string, string> {
  return { NODE_COMPILE_CACHE: join(run.directory, 'compile-cache') };
}
