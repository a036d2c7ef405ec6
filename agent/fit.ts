// The largest part of a bundle that this web server takes. Laws: a bundle that is well costs one test and nothing else; one that is not
// costs a bounded number of them; and what is left out is named, with the reason.
import { type Attempt, attempt, type Failure } from './attempt.ts';
import { judgeOf } from './converge-condemned.ts';
import type { Machine, Release } from './converge-machine.ts';
import { guardRemains, guardTree } from './core/guard.ts';
import { type LeftOut, partsChanged, type Routed, without } from './core/left-out.ts';
import { reasonOf } from './core/mistake.ts';
import { blamedParts, isMachineTrouble } from './core/nginx-blame.ts';
import { firstThatFails, SEARCH_TESTS_MAX, SEARCH_TESTS_MAX_AT_START } from './first-that-fails.ts';
import type { VerifiedBundle } from './ports/state.ts';

/** How often the web server's own words are followed. */
const BLAME_ROUNDS_MAX = 4;
const DETAIL_CHARACTERS_MAX = 2_000;

export interface Fitting {
  release: Release;
  fit: Routed;
  leftOut: readonly LeftOut[];
}

type Edge = NonNullable<Machine['edge']>;
/** `said`: why the web server refused the tree; absent: it takes it. */
type Tried = Fitting & { said?: string };

/**
 * A tested tree of `wanted` without `leftOut`, and without whatever else the web server refuses. `running`: what is served now, which
 * cannot be to blame.
 */
export async function fittingRelease(
  wanted: VerifiedBundle & Routed,
  leftOut: readonly LeftOut[],
  running: VerifiedBundle | undefined,
  edge: Edge,
): Promise<Attempt<Fitting>> {
  const before = running?.config.role === 'edge' ? { config: running.config, chunks: running.chunks } : undefined;
  // Before the test: should another one come meanwhile, the bundle is tried once too often, and not once too seldom.
  const judgedBy = await judgeOf(edge.web);
  let tried = await tryTree(wanted, leftOut, edge);
  if (tried.failure || tried.value.said === undefined) return tried;
  const changed = partsChanged(without(wanted, leftOut), before);

  for (let round = 0; round < BLAME_ROUNDS_MAX && tried.value?.said !== undefined; round += 1) {
    const blamed = among(changed, blamedParts(tried.value.said, tried.value.release.files));
    if (blamed.length === 0 || isMachineTrouble(tried.value.said)) break;
    const more = [...tried.value.leftOut, ...named(blamed, tried.value.said)];
    if (!guardRemains(without(wanted, more), more, before).ok) break;
    tried = await tryTree(wanted, more, edge);
  }
  if (tried.value?.said !== undefined) tried = await searched(tried.value, wanted, changed, before, edge);
  return tried.value?.said === undefined
    ? tried
    : { failure: { ...refused(tried.value.said), ...(judgedBy !== undefined && { judgedBy }) } };
}

/** Those who changed first: a host that is served as before cannot have made the difference. */
function among(changed: readonly string[], blamed: readonly string[]): string[] {
  const known = new Set(changed);
  const newer = blamed.filter((name) => known.has(name));
  return newer.length > 0 ? newer : [...blamed];
}

/** Finds what the words do not say, by halves, among what has changed. */
async function searched(
  tried: Tried,
  wanted: VerifiedBundle & Routed,
  changed: readonly string[],
  before: Routed | undefined,
  edge: Edge,
): Promise<Attempt<Tried>> {
  if (isMachineTrouble(tried.said!)) return { value: tried };
  const gone = new Set(tried.leftOut.map(({ name }) => name));
  const suspects = changed.filter((name) => !gone.has(name));
  const passesWithout = async (names: readonly string[]) => {
    const { value, failure } = await tryTree(wanted, [...tried.leftOut, ...named(names, '')], edge);
    return failure ? undefined : value.said === undefined;
  };
  const found = await firstThatFails(suspects, passesWithout, before ? SEARCH_TESTS_MAX : SEARCH_TESTS_MAX_AT_START);
  if (found === undefined) return { value: tried };
  const more = [...tried.leftOut, ...named([found], tried.said!)];
  const remains = guardRemains(without(wanted, more), more, before);
  return remains.ok ? tryTree(wanted, more, edge) : { value: tried };
}

async function tryTree(
  wanted: VerifiedBundle & Routed,
  leftOut: readonly LeftOut[],
  edge: Edge,
): Promise<Attempt<Tried>> {
  const fit = without(wanted, leftOut);
  const names = leftOut.map(({ name }) => name).sort();
  const rendered = await attempt('render', () =>
    edge.render(fit.config, { ...wanted, chunks: [...fit.chunks] }, names),
  );
  if (rendered.failure) return rendered;
  const { id, files } = rendered.value;
  const tree = guardTree(files);
  if (!tree.ok) return { failure: { stage: 'guard', code: tree.code, detail: tree.detail, fault: 'bundle' } };
  const tested = await attempt('test', async () => edge.web.test(await edge.releases.write(id, files)));
  if (tested.failure) return tested;
  const { ok, detail } = tested.value;
  return { value: { release: rendered.value, fit, leftOut, ...(!ok && { said: detail }) } };
}

function named(names: readonly string[], said: string): LeftOut[] {
  const reason = reasonOf(`nginx refuses it: ${firstWords(said)}`);
  return names.map((name) => ({ name, reason }));
}

/** What nginx says first, without the paths of this machine. */
function firstWords(said: string): string {
  const line = said.split('\n').find((each) => each.includes('[emerg]')) ?? '';
  return line.replace(/^.*\[emerg\] (?:[0-9]+#[0-9]+: )?/, '').replace(/\/\S*\/releases\/[^/\s]+\//g, '');
}

function refused(detail: string): Failure {
  const bounded = detail.slice(0, DETAIL_CHARACTERS_MAX);
  return {
    stage: 'test',
    code: 'nginx_refused',
    detail: bounded,
    fault: isMachineTrouble(detail) ? 'machine' : 'bundle',
  };
}
