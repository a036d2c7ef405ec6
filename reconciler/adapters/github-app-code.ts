// Exchanges the code of the App manifest flow for the App: id, private key, webhook secret. Law: asked once, without any credential, and
// neither the code nor what comes back is ever in an error.
// https://docs.github.com/en/rest/apps/apps#create-a-github-app-from-a-manifest
import { ForgeError } from '../ports/forge.ts';
import { MADE_APP, type MadeApp } from './github-app-answer.ts';
import { createGithubClient } from './github-client.ts';

const REQUEST_MS_MAX = 30_000;

/** @throws ForgeError; forge_not_found when the code is used up or older than an hour */
export async function exchangeCode(apiUrl: string, code: string): Promise<MadeApp> {
  const client = createGithubClient({
    ...{ apiUrl, requestMsMax: REQUEST_MS_MAX, clock: () => new Date(), closed: new AbortController().signal },
    authorization: async () => '',
  });
  try {
    return await client.ask(MADE_APP, (api) => api.apps.createFromManifest({ code }));
  } catch (error) {
    if (!(error instanceof ForgeError)) throw error;
    throw new ForgeError(error.code, error.message.replaceAll(code, 'CODE'), {
      hint: 'The code is good once and for an hour: press the button of the page again for another.',
    });
  }
}
