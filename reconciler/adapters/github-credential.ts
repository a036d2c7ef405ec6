// As whom GitHub is asked: the bearer of a token, or an App in this one repository. Law: keys and tokens are read when they are needed,
// kept in memory only, and never part of an error.
import { createPrivateKey } from 'node:crypto';
import { SignJWT } from 'jose';
import { ForgeError } from '../ports/forge.ts';
import type { CommentAnswer } from './github-answers.ts';
import { INSTALLATION_TOKEN, NUMBERED, USER } from './github-answers.ts';
import { createGithubClient, type GithubClient, type GithubClientOptions } from './github-client.ts';

export type GithubCredential =
  | { kind: 'token'; read(): Promise<string> }
  /** `readPrivateKey` answers PEM, as GitHub hands it out. */
  | { kind: 'app'; appId: number; readPrivateKey(): Promise<string> };

export interface GithubIdentity {
  authorization(): Promise<string>;
  /** Whether we wrote it: by who we are, not by what it says. */
  isOurs(comment: CommentAnswer, client: GithubClient): Promise<boolean>;
  /** The id with which our check runs are found; undefined where the credential may not write any. */
  appId: number | undefined;
  /** GitHub did not accept it: the next request reads it anew. */
  forget(): void;
}

type Options = Omit<GithubClientOptions, 'authorization'> & { owner: string; repository: string };

/** GitHub takes ten minutes at most, and its clock may be behind ours. */
const JWT_AGE_SECONDS = 60;
const JWT_LIFE_SECONDS = 540;
/** A token that is about to end is not begun with. */
const RENEW_BEFORE_MS = 5 * 60_000;

export function identityOf(credential: GithubCredential, options: Options): GithubIdentity {
  return credential.kind === 'token' ? tokenIdentity(credential) : appIdentity(credential, options);
}

function tokenIdentity({ read }: Extract<GithubCredential, { kind: 'token' }>): GithubIdentity {
  let userId: number | undefined;
  return {
    authorization: async () => `Bearer ${headerValue(await readable(read))}`,
    appId: undefined,
    async isOurs({ user }, client) {
      userId ??= (await client.ask(USER, (api) => api.users.getAuthenticated())).id;
      return user?.id === userId;
    },
    forget() {
      userId = undefined;
    },
  };
}

function appIdentity(credential: Extract<GithubCredential, { kind: 'app' }>, options: Options): GithubIdentity {
  const { owner, repository: repo, clock } = options;
  const { appId } = credential;
  const asApp = createGithubClient({
    ...options,
    authorization: async () => `Bearer ${await appJwt(credential, clock())}`,
  });
  let kept: { token: string; expiresMs: number } | undefined;

  async function installationToken(): Promise<string> {
    if (kept !== undefined && kept.expiresMs - RENEW_BEFORE_MS > clock().getTime()) return kept.token;
    const { id } = await asApp.ask(NUMBERED, (api) => api.apps.getRepoInstallation({ owner, repo }));
    const { token, expires_at } = await asApp.ask(INSTALLATION_TOKEN, (api) =>
      api.apps.createInstallationAccessToken({ installation_id: id, repositories: [repo] }),
    );
    kept = { token, expiresMs: Date.parse(expires_at) };
    return token;
  }

  return {
    authorization: async () => `Bearer ${await installationToken()}`,
    appId,
    isOurs: async (comment) => comment.performed_via_github_app?.id === appId,
    forget() {
      kept = undefined;
    },
  };
}

/** https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app */
async function appJwt(credential: Extract<GithubCredential, { kind: 'app' }>, now: Date): Promise<string> {
  const seconds = Math.floor(now.getTime() / 1000);
  const pem = await readable(credential.readPrivateKey);
  try {
    return await new SignJWT()
      .setProtectedHeader({ alg: 'RS256' })
      .setIssuedAt(seconds - JWT_AGE_SECONDS)
      .setExpirationTime(seconds + JWT_LIFE_SECONDS)
      .setIssuer(String(credential.appId))
      .sign(createPrivateKey(pem));
  } catch {
    // What was thrown may quote the key.
    throw new ForgeError('forge_unauthorised', 'the private key of the App is no RSA key in PEM');
  }
}

/** What reads a file says which, and never what is in it. */
async function readable(read: () => Promise<string>): Promise<string> {
  try {
    return await read();
  } catch (error) {
    throw new ForgeError('forge_unauthorised', `the credential cannot be read: ${(error as Error).message}`);
  }
}

function headerValue(text: string): string {
  const token = text.trim();
  if (/^[\x21-\x7e]{1,4096}$/.test(token)) return token;
  throw new ForgeError('forge_unauthorised', 'the token is empty or holds other than visible ASCII characters');
}
