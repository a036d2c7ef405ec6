// The program on the git host that is GitHub: its API over the bare repository, held against GitHub's own description, and webhooks for what
// people do on its pages, sent once and in order. Pushes by git are not its business.
//   node github-server.ts CONFIG.json
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { APP_KEY, startGithubDouble } from '../reconciler/adapters/github-double.fixture.ts';
import type { GithubEvent } from '../reconciler/adapters/github-event.fixture.ts';
import { createGithubPeople } from '../reconciler/adapters/github-people.fixture.ts';
import { createGitRepository } from '../reconciler/adapters/github-repository-git.fixture.ts';
import { describePush } from './git-refs.ts';
import { pushPayload, webhookHeaders } from './git-webhook.ts';
import type { GithubCalls, GithubServerConfig } from './github-calls.ts';
import { pullRequestPayload } from './github-webhook.ts';

/** GitHub gives a receiver this long. */
const WEBHOOK_TIMEOUT_MS = 10_000;

const config = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as GithubServerConfig;
const [owner = '', repository = ''] = config.fullName.split('/');
let lost = false;
/** One after another: GitHub promises no order, but a lab is easier to read with one. */
let telling: Promise<void> = Promise.resolve();

const { certFile, keyFile } = config;
const double = await startGithubDouble({
  names: { owner, repository, branch: config.defaultBranch },
  repository: createGitRepository(config.repository),
  tell: (event) => {
    if (!lost) telling = telling.then(() => tell(event)).catch((error) => console.error(error));
  },
  listen: { address: config.address, port: config.port },
  ...(certFile !== undefined &&
    keyFile !== undefined && { tls: { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') } }),
  basePath: config.basePath,
});
const people = createGithubPeople(double, config.repository);

const calls: GithubCalls = {
  openPull: async (opening) => (await people.openPull(opening)).number,
  pushed: async (number) => void (await people.pushed(number)),
  merge: (number, how) => people.merge(number, how),
  close: (number) => people.close(number),
  setOutage: async (isDown) => double.setOutage(isDown ? 503 : undefined),
  async loseWebhooks(lose) {
    lost = lose;
  },
  async said() {
    const { comments, checkRuns, statuses, deployments } = double.state;
    return {
      comments,
      checkRuns,
      statuses,
      deployments,
      asked: double.asked,
      changes: double.changes().length,
      problems: double.problems,
    };
  },
};

writeFileSync(config.appKeyFile, APP_KEY, { mode: 0o600 });
createServer(async (request, response) => {
  try {
    const { call, args } = (await json(request)) as { call: keyof GithubCalls; args: unknown[] };
    const result = await (calls[call] as (...args: unknown[]) => Promise<unknown>)(...args);
    response.end(JSON.stringify({ result }));
  } catch (error) {
    response.writeHead(400).end(JSON.stringify({ error: error instanceof Error ? error.message : String(error) }));
  }
}).listen(config.socket, () => console.log(`listening at ${double.url}`));

async function tell(event: GithubEvent): Promise<void> {
  const payload =
    event.kind === 'push'
      ? pushPayload(config, await describePush(config.repository, event))
      : pullRequestPayload(config, event);
  const body = JSON.stringify(payload);
  const headers = webhookHeaders(event.kind, config.webhook.secret, body);
  const signal = AbortSignal.timeout(WEBHOOK_TIMEOUT_MS);
  const said = await fetch(config.webhook.url, { method: 'POST', headers, body, signal }).then(
    async (response) => `${response.status} ${(await response.text()).trim().slice(0, 200)}`,
    (error: Error) => `failed: ${error.cause ?? error.message}`,
  );
  console.log(
    `${event.kind} ${event.kind === 'push' ? event.after : `${event.action} #${event.pull.number}`}: ${said}`,
  );
}
