// The reconciler and the operator's command line, as programs of a lab's hosts. What Node compiled once is kept in the run's
// directory, which halves the start of the second.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecAttempt, Host } from './namespace.ts';
import type { Proc } from './proc.ts';
import type { Run } from './run.ts';
import { underUnit } from './unit-sandbox.ts';

const PROGRAM = fileURLToPath(new URL('../reconciler/main.ts', import.meta.url));
const TIMEOUT_MS = 60_000;

/** `kokoa ARGS` to its end; `input` is its standard input. */
export function kokoa(run: Run, host: Host, args: readonly string[], input?: string): Promise<ExecAttempt> {
  const options = {
    env: { NODE_COMPILE_CACHE: compileCache(run) },
    timeoutMs: TIMEOUT_MS,
    ...(input !== undefined && { input }),
  };
  return host.attempt(process.execPath, [PROGRAM, ...args], options);
}

export interface ServeCommand {
  args: readonly string[];
  port: number;
  /** A CA that it trusts beside the system's. */
  caFile: string;
  /** Added to its environment. */
  env?: Record<string, string> | undefined;
}

/** `kokoa serve ARGS`, until it listens. */
export async function startReconciler(run: Run, host: Host, command: ServeCommand): Promise<Proc> {
  const { args, port, caFile } = command;
  // Root must not run what the account of the unit could have written.
  const cache = host.namespace === undefined ? compileCache(run) : join(host.directory, 'compile-cache');
  const [file = '', ...rest] = serveCommand(host, { args, caFile, cache });
  const env = { NODE_COMPILE_CACHE: cache, NODE_EXTRA_CA_CERTS: caFile, ...command.env };
  const proc = host.start('reconciler', file, rest, { env });
  await proc.listening(port, 'tcp', TIMEOUT_MS);
  return proc;
}

/** What the operator gives to the account of the unit: the directories to write, the files to read. */
const WRITTEN = ['--data', '--keys'];
const READ = ['--tls-cert', '--tls-key', '--webhook-secret-file', '--git-authorization-file', '--github-app-key'];

/** As the unit of this repository runs it, on a machine of its own; as it is where the lab has no root. */
function serveCommand(
  host: Host,
  { args, caFile, cache }: { args: readonly string[]; caFile: string; cache: string },
): string[] {
  if (host.namespace === undefined) return [process.execPath, PROGRAM, 'serve', ...args];
  const after = (options: readonly string[]) => args.filter((_, at) => options.includes(args[at - 1] ?? ''));
  return underUnit(host, 'kokoa-reconciler', {
    writable: [...after(WRITTEN), cache],
    readable: [...after(READ), caFile],
    program: ({ node, top }) => [node, '--disable-sigusr1', join(top, 'reconciler', 'main.ts'), 'serve', ...args],
  });
}

function compileCache(run: Run): string {
  return join(run.directory, 'compile-cache');
}
