// The options that name a repository on GitHub and as whom to speak there, the same for every command. Law: what is wrong is said before
// anything is asked, and token and key come from files, which are read anew when they are needed.
import type { Command } from 'commander';
import { KokoaError } from '../../bundle/error.ts';
import type { GithubCredential } from '../adapters/github-credential.ts';
import { type Forge, ForgeError } from '../ports/forge.ts';
import { readSecretFile, type SecretFile } from './secret-file.ts';

export interface GithubCliOptions {
  github?: string;
  githubApi?: string;
  githubTokenFile?: string;
  githubAppId?: string;
  githubAppKey?: string;
}

export const GITHUB_API = 'https://api.github.com';
const TOKEN_BYTES_MAX = 4096;
const KEY_BYTES_MAX = 16 * 1024;
/** https://docs.github.com/en/rest/apps: ids are integers; nobody has one of more digits. */
const APP_ID = /^[1-9][0-9]{0,14}$/;

export function addGithubOptions(command: Command): Command {
  return command
    .option('--github <owner/repo>', 'the repository on GitHub, to speak on its pull requests')
    .option('--github-api <url>', `of a GitHub Enterprise Server: https://HOST/api/v3 (default: "${GITHUB_API}")`)
    .option('--github-token-file <file>', 'as whom: a token, in a file')
    .option('--github-app-id <n>', 'as whom: an App, which kokoa github setup makes')
    .option('--github-app-key <file>', 'the private key of the App, PEM');
}

/**
 * The repository, of which `branch` is followed; undefined when --github is absent. The files are read once, to refuse what is of no use.
 * @throws KokoaError usage
 */
export async function forgeOf(options: GithubCliOptions, branch: string): Promise<Forge | undefined> {
  if (options.github === undefined) return refuseUseless(options);
  const { owner, repository } = namesOf(options.github);
  const credential = await credentialOf(options);
  // Loaded when it is needed: the short commands start sooner without an HTTP client.
  const { createGithubForge } = await import('../adapters/github.ts');
  try {
    return createGithubForge({ apiUrl: options.githubApi ?? GITHUB_API, owner, repository, branch, credential });
  } catch (error) {
    if (error instanceof ForgeError) throw usage(error.message);
    throw error;
  }
}

function refuseUseless(options: GithubCliOptions): undefined {
  const { githubApi, githubTokenFile, githubAppId, githubAppKey } = options;
  if ((githubApi ?? githubTokenFile ?? githubAppId ?? githubAppKey) === undefined) return undefined;
  throw usage('found options of GitHub without a repository', 'Name it: --github OWNER/REPOSITORY');
}

function namesOf(github: string): { owner: string; repository: string } {
  const match = /^([A-Za-z0-9_.-]{1,100})\/([A-Za-z0-9_.-]{1,100})$/.exec(github);
  if (match) return { owner: match[1]!, repository: match[2]! };
  const pasted = /^(?:[a-z+]+:\/\/|git@)[^/:]+[/:]([A-Za-z0-9_.-]+\/[A-Za-z0-9_.-]+?)(?:\.git)?\/?$/.exec(github);
  throw usage(
    `--github: found ${JSON.stringify(github.slice(0, 200))}, expected OWNER/REPOSITORY`,
    pasted ? `Did you mean --github ${pasted[1]}?` : undefined,
  );
}

async function credentialOf(options: GithubCliOptions): Promise<GithubCredential> {
  const { githubTokenFile: token, githubAppId: id, githubAppKey: key } = options;
  const hasApp = id !== undefined && key !== undefined;
  if (hasApp === (token !== undefined) || (id === undefined) !== (key === undefined))
    throw usage(
      '--github needs one credential: --github-token-file FILE, or --github-app-id N with --github-app-key FILE',
    );
  if (token !== undefined)
    return {
      kind: 'token',
      read: await readerOf({ option: '--github-token-file', path: token, bytesMax: TOKEN_BYTES_MAX }),
    };
  if (!APP_ID.test(id!)) throw usage(`--github-app-id: found ${JSON.stringify(id!.slice(0, 40))}, expected a number`);
  const readPrivateKey = await readerOf({ option: '--github-app-key', path: key!, bytesMax: KEY_BYTES_MAX });
  return { kind: 'app', appId: Number(id), readPrivateKey };
}

/** A file that was exchanged is read as it is then. */
async function readerOf(file: SecretFile): Promise<() => Promise<string>> {
  await readSecretFile(file);
  return () => readSecretFile(file);
}

function usage(message: string, hint?: string): KokoaError {
  return new KokoaError('usage', message, hint === undefined ? {} : { hint });
}
