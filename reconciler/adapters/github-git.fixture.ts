// git in the bare repository behind the double: without anybody's own settings, and with nothing asked on a terminal.
import { execa } from 'execa';

const GIT_MS_MAX = 10_000;
const WHO = { name: 'GitHub', email: 'noreply@github.com' };

export const NO_COMMIT = '0'.repeat(40);

export interface GitRun {
  exitCode: number | undefined;
  /** Without the last end of line. */
  stdout: string;
}

export interface Git {
  /** Whatever the exit code is. */
  attempt(args: readonly string[], options?: { input?: string; env?: Record<string, string> }): Promise<GitRun>;
  /** What it printed. @throws Error when it does not exit 0 */
  run(args: readonly string[], options?: { input?: string; env?: Record<string, string> }): Promise<string>;
}

export function gitIn(directory: string): Git {
  const attempt: Git['attempt'] = async (args, { input = '', env = {} } = {}) => {
    const { exitCode, stdout } = await execa('git', ['--git-dir', directory, ...args], {
      reject: false,
      timeout: GIT_MS_MAX,
      input,
      env: { ...ENVIRONMENT, ...env },
    });
    return { exitCode, stdout };
  };
  return {
    attempt,
    async run(args, options) {
      const { exitCode, stdout } = await attempt(args, options);
      if (exitCode === 0) return stdout;
      throw new Error(`git ${args.join(' ')} in ${directory}: exit ${exitCode}`);
    },
  };
}

export function isSha(text: string): boolean {
  return /^[0-9a-f]{40}$/.test(text);
}

const ENVIRONMENT = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_AUTHOR_NAME: WHO.name,
  GIT_AUTHOR_EMAIL: WHO.email,
  GIT_COMMITTER_NAME: WHO.name,
  GIT_COMMITTER_EMAIL: WHO.email,
} as const;
