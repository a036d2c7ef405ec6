// A repository on this machine's disk, and somebody who pushes to it. There is no server that would tell of a push, so the webhook is
// posted from here, signed as GitHub signs it.
import { join } from 'node:path';
import { createDeveloper, type Developer, type Pushed } from './git-developer.ts';
import { describePush, GIT_ENVIRONMENT, readRefs } from './git-refs.ts';
import { pushPayload, type RepositoryNames, webhookHeaders, ZERO } from './git-webhook.ts';
import type { Host } from './namespace.ts';

const NAME = 'fleet';
const MAIN = 'refs/heads/main';
const WEBHOOK_TIMEOUT_MS = 10_000;

export interface LoopbackGitOptions {
  webhook: { url: string; secret: string };
  /** Not used by a local path; the developer of the full lab has one. */
  caFile: string;
}

export interface LoopbackGit {
  /** Path of the bare repository. */
  repository: string;
  names: RepositoryNames;
  developer: Developer;
  loseWebhooks(lose: boolean): void;
}

/** An empty repository with branch `main`. */
export async function createLoopbackGit(host: Host, { webhook, caFile }: LoopbackGitOptions): Promise<LoopbackGit> {
  const repository = join(host.directory, `${NAME}.git`);
  await host.exec('git', ['init', '-q', '--bare', '--initial-branch=main', repository], { env: GIT_ENVIRONMENT });
  const developer = await createDeveloper({ host, url: repository, caFile });
  const names = { fullName: `lab/${NAME}`, cloneUrl: `https://git.lab.test/${NAME}.git`, defaultBranch: 'main' };
  let lost = false;

  const told = async (push: () => Promise<Pushed>): Promise<Pushed> => {
    const before = (await readRefs(repository)).get(MAIN) ?? ZERO;
    const pushed = await push();
    const described = await describePush(repository, { ref: MAIN, before, after: pushed.commit });
    if (!lost) await post(JSON.stringify(pushPayload(names, described)));
    return pushed;
  };
  /** Sent once; nobody may be there to hear it. */
  const post = async (body: string) => {
    const signal = AbortSignal.timeout(WEBHOOK_TIMEOUT_MS);
    await fetch(webhook.url, {
      method: 'POST',
      headers: webhookHeaders('push', webhook.secret, body),
      body,
      signal,
    }).then(
      (response) => response.arrayBuffer(),
      () => undefined,
    );
  };
  return {
    repository,
    names,
    developer: {
      directory: developer.directory,
      commit: (files, message) => told(() => developer.commit(files, message)),
      revert: (commit) => told(() => developer.revert(commit)),
      forcePush: (base, files, message) => told(() => developer.forcePush(base, files, message)),
      catchUp: developer.catchUp,
    },
    loseWebhooks(lose) {
      lost = lose;
    },
  };
}
