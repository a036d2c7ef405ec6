// Progress as sections to read: what needs somebody first, then what is on its way, then what is done.
import { count } from '../changes/words.ts';
import { hasTaken } from './edge-progress.ts';
import { isNameSettled, isNameTrouble, type NameProgress, type Progress } from './progress.ts';
import { itemOf, type ProgressItem } from './progress-item.ts';
import { countNames, titleOf } from './progress-title.ts';
import { detail, edgeLine } from './progress-words.ts';

export interface ProgressSection {
  title: string;
  loud?: true;
  /** Each is made when there is room for it: there may be thousands. */
  items: readonly (() => ProgressItem)[];
  /** Shown only when asked for, where there are many. */
  isFolded?: true;
  /** YAML to paste, as it is. */
  paste?: string;
  charsMax: number;
}

export interface ProgressDocument {
  title: string;
  sections: readonly ProgressSection[];
  commit: string;
}

const FOLDED_FROM = 11;

export function progressDocument(progress: Progress): ProgressDocument {
  const { commit, state, names, isLate } = progress;
  const title = titleOf(progress);
  if (state === 'rewritten')
    return {
      title,
      commit,
      sections: [{ title: 'The branch was rewritten and no longer holds this merge', items: [], charsMax: 200 }],
    };
  if (state === 'held') return { title, commit, sections: [holdSection(progress)] };
  const [trouble, good] = split(names, (name) => isNameTrouble(name, isLate));
  const [settled, coming] = split(good, (name) => name.state !== 'unpublished' && (isLate || isNameSettled(name)));
  const sections = [
    section('Needs somebody', trouble, isLate, { loud: true, charsMax: 22_000 }),
    edgesSection(progress),
    section('On its way', coming, isLate, { charsMax: 12_000 }),
    section('Done', settled, isLate, { charsMax: 14_000, ...(settled.length >= FOLDED_FROM && { isFolded: true }) }),
    restSection(progress),
  ];
  return { title, commit, sections: sections.filter((one) => one !== undefined) };
}

function section(
  title: string,
  names: readonly NameProgress[],
  isLate: boolean,
  more: Pick<ProgressSection, 'loud' | 'isFolded' | 'charsMax'>,
): ProgressSection | undefined {
  if (names.length === 0) return undefined;
  return {
    title: `${title}: ${countNames(
      names.length,
      names.map(({ touched }) => touched),
    )}`,
    items: names.map((name) => () => itemOf(name, isLate)),
    ...more,
  };
}

function holdSection({ hold }: Progress): ProgressSection {
  const [first = '', ...rest] = (hold?.hint ?? '').split('\n');
  const paste = rest.join('\n').trim();
  return {
    title: 'Nothing of it is published yet, but for restrictions of nodes',
    loud: true,
    items: [() => ({ line: [detail(hold?.message ?? '')], details: first === '' ? [] : [[detail(first)]] })],
    ...(paste !== '' && { paste }),
    charsMax: 6_000,
  };
}

/** The edges that lack it, each once, whatever the number of names. */
function edgesSection({ edges, isLate }: Progress): ProgressSection | undefined {
  const lacking = edges.filter(
    (edge) => !hasTaken(edge) && (edge.isQueued || edge.state !== 'waiting' || isLate || edge.error !== undefined),
  );
  if (lacking.length === 0) return undefined;
  const loud = lacking.some(
    (edge) =>
      edge.state === 'refused' || edge.error !== undefined || (isLate && (edge.state === 'waiting' || edge.isQueued)),
  );
  const items = lacking.map((edge) => () => ({ line: edgeLine(edge, isLate), details: [] }));
  return {
    title: `Edges without it: ${lacking.length} of ${edges.length}`,
    ...(loud && { loud }),
    items,
    charsMax: 6_000,
  };
}

/** Machines and settings, which no visitor sees by name. */
function restSection({ state, touched, edges }: Progress): ProgressSection | undefined {
  if (state !== 'published' || (touched.nodes.length === 0 && !touched.settings && touched.more === 0))
    return undefined;
  const applied = edges.filter(hasTaken).length;
  const items: ProgressItem[] = [
    ...touched.nodes.map(({ node, role, change, state: stated }): ProgressItem => {
      const now = stated === undefined ? [] : [': ', { value: stated }];
      return { line: [`${role} `, { value: node }, ` ${change}`, ...now], details: [] };
    }),
    ...(touched.settings ? [{ line: ['settings (', { value: 'kokoa.yaml' }, ')'], details: [] }] : []),
    ...(touched.more > 0
      ? [{ line: [`${touched.more} more names, which are not followed one by one`], details: [] }]
      : []),
  ];
  return {
    title: `Published, and applied by ${applied} of ${count(edges.length, 'edge')}`,
    items: items.map((item) => () => item),
    charsMax: 4_000,
  };
}

function split<T>(all: readonly T[], is: (one: T) => boolean): [T[], T[]] {
  const [yes, no]: [T[], T[]] = [[], []];
  for (const one of all) (is(one) ? yes : no).push(one);
  return [yes, no];
}
