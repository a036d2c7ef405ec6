// Opens the pull request of a change, once. Law: the same content is the same pull request while that is open, and the same key is the
// same one for a day at least; what was interrupted goes on from what the forge has.
import { canonicalJson, sha256Hex } from '../../bundle/canonical.ts';
import { withoutOthers } from '../core/route-request-names.ts';
import type { RouteChange, RouteMethod } from '../core/route-request-shapes.ts';
import { proposalWords } from '../core/route-request-words.ts';
import type { TeamCaller } from '../core/team-token.ts';
import type { Forge, Proposed } from '../ports/forge.ts';
import type { KeptProposal } from '../ports/kept-proposals.ts';
import { type ProposalAnswer, plainProblem, type Refused, refused } from './proposal-answers.ts';
import type { ProposalDeps } from './proposal-deps.ts';

/** Of one team, that are open. */
export const OPEN_PER_TEAM_MAX = 100;
/** Closed pull requests of the same content that are passed over in one request. */
const CLOSED_TRIES_MAX = 10;
const FULL_SECONDS = 3600;

export interface KeyedRequest {
  /** What the program called its request; undefined: it has no name but its content. */
  key: string | undefined;
  /** sha256 of what was asked for. */
  requestSha256: string;
}

type Deps = Pick<ProposalDeps, 'store' | 'clock'> & { forge: Pick<Forge, 'propose' | 'openPullRequests'> };

/** What a request of the same key was answered; undefined: there was none that came to its end. @throws ForgeError */
export async function answerKept(
  team: string,
  { key, requestSha256 }: KeyedRequest,
  { store, forge }: Deps,
): Promise<ProposalAnswer | undefined> {
  const kept = key === undefined ? undefined : await store.keptProposal(team, nameOfKey(key));
  if (kept === undefined) return undefined;
  if (kept.requestSha256 !== requestSha256)
    return refused(422, {
      error: 'idempotency_key_reused',
      message: 'this Idempotency-Key was used for another request',
      hint: 'take a new key for every change, and the same one only to repeat a request as it was',
    });
  if (kept.opened === undefined) return undefined;
  const { number, url, hostname, file } = kept.opened;
  const open = await forge.openPullRequests();
  const state = open.some((pull) => pull.number === number) ? 'open' : 'closed';
  return { kind: 'known', pull: { url, number, state, hostname, file, warnings: [] } };
}

/** @throws ForgeError */
export async function openOnce(
  method: RouteMethod,
  change: RouteChange,
  caller: TeamCaller,
  { key, requestSha256 }: KeyedRequest,
  deps: Deps,
): Promise<ProposalAnswer> {
  const { team } = caller;
  const { hostname, path, text } = change;
  const contentSha256 = sha256Hex(canonicalJson([team, method, path, text]));
  const known = await deps.store.keptProposal(team, nameOfContent(contentSha256));
  const crowded = await tooManyOpen(team, known, deps);
  if (crowded !== undefined) return crowded;
  const createdMs = deps.clock().getTime();
  const names = [nameOfContent(contentSha256), ...(key === undefined ? [] : [nameOfKey(key)])];
  const keep = async (forgeKey: string, opened?: KeptProposal['opened']): Promise<boolean> => {
    for (const name of names) {
      const sha256 = name === names[0] ? contentSha256 : requestSha256;
      const kept = { team, key: name, requestSha256: sha256, forgeKey, createdMs, ...(opened && { opened }) };
      if ((await deps.store.keepProposal(kept, createdMs)) === 'full') return false;
    }
    return true;
  };
  const firstKey = known?.forgeKey ?? forgeKeyOf(contentSha256, 1);
  if (!(await keep(firstKey, known?.opened)))
    return refused(
      429,
      {
        error: 'too_many_keys',
        message: `team ${team} has proposed as much in a day as is remembered`,
        hint: 'ask again when the oldest are a day old',
      },
      FULL_SECONDS,
    );
  const words = proposalWords(method, change, caller);
  const proposal = { title: words.title, body: words.body, message: words.message, files: [{ path, text }] };
  const { forgeKey, proposed } = await firstOpen(firstKey, (candidate) =>
    deps.forge.propose({ ...proposal, key: candidate }),
  );
  const { number, url, state, isNew } = proposed;
  await keep(forgeKey, { number, url, hostname, file: path });
  const warnings = change.warnings.map(withoutOthers).map(plainProblem);
  return { kind: isNew ? 'opened' : 'known', pull: { url, number, state, hostname, file: path, warnings } };
}

/** What was closed stays closed: the same content again, after a refusal or a later removal, is another pull request. */
async function firstOpen(
  firstKey: string,
  propose: (forgeKey: string) => Promise<Proposed>,
): Promise<{ forgeKey: string; proposed: Proposed }> {
  let forgeKey = firstKey;
  for (let tries = 1; ; tries += 1) {
    const proposed = await propose(forgeKey);
    if (proposed.isNew || proposed.state === 'open' || tries >= CLOSED_TRIES_MAX) return { forgeKey, proposed };
    forgeKey = nextForgeKey(forgeKey);
  }
}

/** Asks the forge only where it could matter. What is open already is no further one; what was closed, or never opened, would be. */
async function tooManyOpen(
  team: string,
  known: KeptProposal | undefined,
  { store, forge }: Deps,
): Promise<Refused | undefined> {
  const opened = await store.openedProposals(team);
  if (opened.length < OPEN_PER_TEAM_MAX) return undefined;
  const open = new Set((await forge.openPullRequests()).map(({ number }) => number));
  const count = opened.filter((number) => open.has(number)).length;
  const isOpen = known?.opened !== undefined && open.has(known.opened.number);
  if (isOpen || count < OPEN_PER_TEAM_MAX) return undefined;
  const message = `team ${team} has ${count} open pull requests of this kind, expected fewer than ${OPEN_PER_TEAM_MAX}`;
  return refused(429, { error: 'too_many_open', message, hint: 'merge or close some first' }, FULL_SECONDS);
}

const nameOfKey = (key: string) => `key ${key}`;
const nameOfContent = (sha256: string) => `content ${sha256}`;
const forgeKeyOf = (contentSha256: string, attempt: number) => `api ${contentSha256} ${attempt}`;

function nextForgeKey(forgeKey: string): string {
  const [, contentSha256 = '', attempt] = forgeKey.split(' ');
  return forgeKeyOf(contentSha256, Number(attempt) + 1);
}
