// What git may do in the mirror, decided here alone: one remote, one protocol, no hooks, helpers, prompts or submodules, and
// nothing from the user's or the system's configuration.
import { join } from 'node:path';
import type { GitRemote } from './git-remote.ts';

export interface MirrorOptions {
  directory: string;
  remote: GitRemote;
  branch: string;
  /** PEM file that an https remote is verified against, instead of the system's CAs. */
  caFile?: string;
  /** Value of an Authorization header for an https remote, e.g. `Basic …`. Travels in the environment only. */
  authorization?: string;
  /**
   * What is fetched may have been made to do harm: no single allocation of git's is larger, and files are not unpacked. Bytes.
   * (git: memory_limit_check in wrapper.c; core.bigFileThreshold, fetch.unpackLimit in git-config.)
   */
  allocationBytesMax?: number;
}

/** The file that stands in for the user's configuration. Its presence also says that the directory is a mirror. */
export const OWN_GLOBAL_CONFIG = 'kokoa-mirror';

/** A directory in the mirror that stays empty. */
export const EMPTY_DIRECTORY = 'empty';

/** Names of the variables that these set, for simple-git, which removes all others that start with GIT_. */
export const GIT_VARIABLES = [
  'GIT_DIR',
  'GIT_CONFIG_GLOBAL',
  'GIT_CONFIG_NOSYSTEM',
  'GIT_TERMINAL_PROMPT',
  'GIT_CONFIG_COUNT',
  'GIT_CONFIG_KEY_0',
  'GIT_CONFIG_VALUE_0',
  'GIT_ALLOC_LIMIT',
];

/** What git may know of this process: where programs and ssh's keys are, and nothing else. */
export function gitEnvironment(options: MirrorOptions): Record<string, string> {
  const environment: Record<string, string> = {
    LC_ALL: 'C',
    GIT_DIR: options.directory,
    // git reads `safe.directory` from no other place, and hands this file on to the process that serves a local repository.
    GIT_CONFIG_GLOBAL: options.remote.localPath ? join(options.directory, OWN_GLOBAL_CONFIG) : '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
  };
  for (const name of ['PATH', 'HOME', 'SSH_AUTH_SOCK']) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  if (options.allocationBytesMax !== undefined) environment.GIT_ALLOC_LIMIT = `${options.allocationBytesMax}`;
  return environment;
}

/** The same with what the remote asks for: of the git that asks it alone, not of those that stay and only read. */
export function fetchEnvironment(options: MirrorOptions): Record<string, string> {
  const environment = gitEnvironment(options);
  if (options.authorization === undefined) return environment;
  return {
    ...environment,
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: `http.${options.remote.url}.extraHeader`,
    GIT_CONFIG_VALUE_0: `Authorization: ${options.authorization}`,
  };
}

/** A local repository may belong to another user: the operator named it, so it may be read. */
export function ownGlobalConfig({ remote }: MirrorOptions): string {
  const note = '# Written by Kokoa. This directory is a cache.\n';
  return remote.localPath ? `${note}[safe]\n${setting('directory', '*')}` : note;
}

/**
 * Only the CA named counts, and reading the system's would take 60 ms of every fetch: the directory of further CAs is an
 * empty one.
 */
function pinnedAuthority({ caFile, directory }: MirrorOptions): [string, string][] {
  if (caFile === undefined) return [];
  return [
    ['sslCAInfo', caFile],
    ['sslCAPath', join(directory, EMPTY_DIRECTORY)],
  ];
}

/** The whole `config` file of the mirror: the remote stands here, never in an argument. */
export function mirrorConfig(options: MirrorOptions): string {
  const { remote } = options;
  const sections: [string, [string, string][]][] = [
    [
      'core',
      [
        ['repositoryFormatVersion', '0'],
        ['bare', 'true'],
        ['hooksPath', '/dev/null'],
        ...((options.allocationBytesMax === undefined ? [] : [['bigFileThreshold', '1m']]) as [string, string][]),
        ['sshCommand', 'ssh -oBatchMode=yes -oConnectTimeout=10 -oServerAliveInterval=10 -oServerAliveCountMax=3'],
      ],
    ],
    ['gc', [['auto', '0']]],
    [
      'fetch',
      [
        ['writeCommitGraph', 'false'],
        ['recurseSubmodules', 'false'],
        // Always as one pack: unpacking holds each object in memory.
        ...((options.allocationBytesMax === undefined ? [] : [['unpackLimit', '1']]) as [string, string][]),
      ],
    ],
    ['submodule', [['recurse', 'false']]],
    ['credential', [['helper', '']]],
    ['http', [['lowSpeedLimit', '1000'], ['lowSpeedTime', '30'], ...pinnedAuthority(options)]],
    ['protocol', [['allow', 'never']]],
    [`protocol "${remote.protocol}"`, [['allow', 'always']]],
    [
      'remote "origin"',
      [
        ['url', remote.url],
        ['tagOpt', '--no-tags'],
      ],
    ],
  ];
  return sections
    .map(([name, lines]) => `[${name}]\n${lines.map(([key, value]) => setting(key, value)).join('')}`)
    .join('');
}

function setting(key: string, value: string): string {
  return `\t${key} = "${value.replace(/[\\"]/g, '\\$&')}"\n`;
}
