// A fleet whose teams have tokens, behind a real server, with the GitHub double as its forge. For the tests of proposals.
import { createMemoryStore } from '../../test/fakes/memory-store.ts';
import { type Github, startGithub } from '../adapters/github.fixture.ts';
import { BRANCH } from '../adapters/github-state.fixture.ts';
import { createSite, type Files, FLEET, kokoa, origin, route, sha } from '../site.fixture.ts';
import { type Installation, install } from './http.fixture.ts';
import type { ProposalParts } from './proposal-deps.ts';

export const TEAM_TOKENS = {
  hoge: `kokoa_team_${'h'.repeat(43)}`,
  fuga: `kokoa_team_${'f'.repeat(43)}`,
  spare: `kokoa_team_${'s'.repeat(43)}`,
};
export type TeamName = keyof typeof TEAM_TOKENS;

/** kokoa.yaml where the teams hoge and fuga have these tokens, each called `ci`, and hoge `more` with the spare one. */
export function kokoaWithTokens(of: readonly TeamName[] = ['hoge', 'fuga']): string {
  const lines = (team: TeamName, name = 'ci') => `      - name: ${name}\n        sha256: ${sha(TEAM_TOKENS[team])}\n`;
  return (['hoge', 'fuga'] as const).reduce((text, team) => {
    const spare = team === 'hoge' && of.includes('spare') ? lines('spare', 'more') : '';
    const own = of.includes(team) ? lines(team) : '';
    return own + spare === '' ? text : text.replace(`  - name: ${team}\n`, `$&    tokens:\n${own}${spare}`);
  }, kokoa());
}

/** With comments, and laid out. */
export const COMMENTED = `# why this is here
hostname: app.hoge.com
origin: o1
port: 8080 # the new one
limits:
  # large uploads
  maxBody: 10m
`;

export const DATA: Files = {
  ...FLEET,
  'kokoa.yaml': kokoaWithTokens(),
  'origins/o3.yaml': origin('o3', { teams: ['fuga'] }),
  'routes/hoge/app.yaml': COMMENTED,
  'routes/hoge/old.hoge.com.yaml': route('renamed.hoge.com'),
  'routes/fuga/theirs.yaml': route('theirs.both.com', 'o2'),
};

export interface Proposing extends Installation {
  github: Github;
  site: ReturnType<typeof createSite>;
  propose(
    method: string,
    path: string,
    body?: unknown,
    more?: { as?: TeamName; key?: string; type?: string; token?: string },
  ): Promise<{ status: number; headers: Headers; body: Record<string, unknown> }>;
}

export async function startProposing(change: Partial<ProposalParts> = {}, files: Files = DATA): Promise<Proposing> {
  const site = createSite(files);
  await site.run();
  const github = await startGithub();
  putFiles(github, files);
  const forge = github.connect();
  const store = createMemoryStore();
  const textOf: ProposalParts['textOf'] = async ({ path }) => {
    const all = await site.source.changes(undefined, site.standing.commit!);
    return Buffer.from(all.find((file) => file.path === path)?.bytes ?? []).toString();
  };
  const at = await install({ proposals: { standing: () => site.standing, forge, store, textOf, ...change } });
  return {
    ...at,
    ...{ github, site, store },
    async propose(method, path, body, { as = 'hoge', key, type = 'application/json', token = TEAM_TOKENS[as] } = {}) {
      const response = await at.ask(path, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body !== undefined && { 'content-type': type }),
          ...(key !== undefined && { 'idempotency-key': key }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      return { status: response.status, headers: response.headers, body: (await response.json()) as never };
    },
    async close() {
      forge.close();
      await at.close();
      await github.double.close();
    },
  };
}

/** What is on the tip of the followed branch. */
export function putFiles({ double: { state } }: Github, files: Files): void {
  const { tree } = state.commits.get(state.refs.get(`refs/heads/${BRANCH}`)!)!;
  state.trees.set(tree, new Map(Object.entries(files).filter((entry): entry is [string, string] => !!entry[1])));
}

/** The files of what a pull request proposes. */
export function proposedFiles({ double: { state } }: Github, number: number): ReadonlyMap<string, string> {
  const pull = state.pulls.find((one) => one.number === number)!;
  return state.trees.get(state.commits.get(state.refs.get(`refs/heads/${pull.headRef}`)!)!.tree)!;
}
