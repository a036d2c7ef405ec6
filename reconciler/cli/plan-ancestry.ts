// Whether one side of a plan stands on the other. What a branch lacks of its base looks as if the branch took it away.
import { execa } from 'execa';

const GIT_TIMEOUT_MS = 60_000;

/** True when `base`, a full commit id, is no ancestor of `head`; false also when git cannot tell. */
export async function isBehind(dir: string, base: string, head: string): Promise<boolean> {
  const { PATH = '', HOME = '' } = process.env;
  const result = await execa('git', ['merge-base', '--is-ancestor', base, head], {
    cwd: dir,
    env: { PATH, HOME, LC_ALL: 'C', GIT_NO_REPLACE_OBJECTS: '1', GIT_ALLOW_PROTOCOL: 'none', GIT_TERMINAL_PROMPT: '0' },
    extendEnv: false,
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'ignore',
    timeout: GIT_TIMEOUT_MS,
    reject: false,
  });
  return result.exitCode === 1;
}
