// One git process that ends: bounded in time and output, without a shell, an input or an environment that was not given.
import { execa } from 'execa';

const TIMEOUT_MS = 60_000;
export const GIT_OUTPUT_BYTES_MAX = 256 * 1024 * 1024;

/** Paths count as they are. Never rejects: `failed` says whether it did. */
export function runGit(args: readonly string[], env: Record<string, string>, cwd?: string) {
  return execa('git', ['--literal-pathspecs', ...args], {
    ...{ env, extendEnv: false, ...(cwd !== undefined && { cwd }) },
    encoding: 'buffer',
    stdin: 'ignore',
    stripFinalNewline: false,
    timeout: TIMEOUT_MS,
    maxBuffer: GIT_OUTPUT_BYTES_MAX,
    reject: false,
  });
}
