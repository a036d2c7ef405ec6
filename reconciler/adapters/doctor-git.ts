// Asks a git server which commit its branch is at, with what `kokoa serve` would give it, and keeps nothing. The URL and the credential travel in
// the environment alone.
import { execa } from 'execa';
import { gitDetail } from './git-mirror.ts';
import type { GitRemote } from './git-remote.ts';

export interface GitAsked {
  remote: GitRemote;
  branch: string;
  caFile?: string;
  authorization?: string;
}

const LOOK_MS = 4_500;
const OUTPUT_BYTES_MAX = 64 * 1024;
const NO_SUCH_BRANCH = 2;

/** Never throws. */
export async function askGit(asked: GitAsked, signal: AbortSignal): Promise<{ commit: string } | { failed: string }> {
  const { branch } = asked;
  const ended = await execa('git', ['ls-remote', '--exit-code', 'origin', `refs/heads/${branch}`], {
    ...{ env: environmentFor(asked), extendEnv: false, cwd: '/', reject: false, stdin: 'ignore' },
    ...{ timeout: LOOK_MS, maxBuffer: OUTPUT_BYTES_MAX, cancelSignal: signal, forceKillAfterDelay: 500 },
  });
  if (ended.code === 'ENOENT') return { failed: 'git is not installed' };
  if (ended.timedOut || ended.isCanceled) return { failed: 'it did not answer in time' };
  if (ended.exitCode === NO_SUCH_BRANCH) return { failed: `it has no branch ${branch}` };
  const commit = /^([0-9a-f]{40,64})\t/.exec(ended.stdout ?? '')?.[1];
  return ended.exitCode === 0 && commit !== undefined
    ? { commit }
    : { failed: gitDetail(ended.stderr ?? '') || 'git failed' };
}

function environmentFor({ remote, caFile, authorization }: GitAsked): Record<string, string> {
  const settings: [string, string][] = [
    ['remote.origin.url', remote.url],
    ['protocol.allow', 'never'],
    [`protocol.${remote.protocol}.allow`, 'always'],
    ['credential.helper', ''],
    ['core.sshCommand', 'ssh -oBatchMode=yes -oConnectTimeout=4'],
    ...(caFile === undefined ? [] : [['http.sslCAInfo', caFile] as [string, string]]),
    ...(authorization === undefined
      ? []
      : [[`http.${remote.url}.extraHeader`, `Authorization: ${authorization}`] as [string, string]]),
  ];
  const kept = ['PATH', 'HOME', 'SSH_AUTH_SOCK'].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  });
  return {
    ...Object.fromEntries(kept),
    ...{ LC_ALL: 'C', GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' },
    GIT_CONFIG_COUNT: `${settings.length}`,
    ...Object.fromEntries(
      settings.flatMap(([key, value], at) => [
        [`GIT_CONFIG_KEY_${at}`, key],
        [`GIT_CONFIG_VALUE_${at}`, value],
      ]),
    ),
  };
}
