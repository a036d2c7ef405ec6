// One name as one entry of a list: in a word how it is, then what each edge makes of it; edges that say the same stand together.
import type { Line } from '../changes/document-shape.ts';
import { type AtEdge, isSettled, isTrouble } from './name-progress.ts';
import type { NameProgress } from './progress.ts';
import { atEdgeLine, detail } from './progress-words.ts';

export interface ProgressItem {
  /** What it is; absent: the line says it. */
  word?: 'live' | 'applied' | 'waiting' | 'gone' | 'failing' | 'left out' | 'replaced';
  line: Line;
  details: readonly Line[];
}

export function itemOf({ touched, state, problem, edges }: NameProgress, isLate: boolean): ProgressItem {
  const name = { value: touched.url ?? touched.name };
  if (problem !== undefined) {
    const { file, line, column, rule, message, hint } = problem;
    return {
      word: 'left out',
      line: [name, ': ', { value: `${file}:${line}:${column}` }, ' ', { value: rule }],
      details: [[detail(message)], [detail(hint)], ['Until then its last good version is served, if it has one.']],
    };
  }
  if (state === 'unpublished') return { word: 'waiting', line: [name], details: [] };
  if (state === 'superseded')
    return { word: 'replaced', line: [name, ': a later merge changed it again'], details: [] };
  if (state === 'nowhere')
    return { word: 'failing', line: [name, ': no edge serves pool ', { value: touched.pool }], details: [] };
  const groups = [...Map.groupBy(edges, ({ at }) => JSON.stringify(at)).values()].map((group) => ({
    at: group[0]!.at,
    nodes: group.map(({ edge }) => edge),
  }));
  const word = wordOf(
    groups.map(({ at }) => at),
    isLate,
  );
  const lines = groups.map(({ at, nodes }) => atEdgeLine(at, nodes, isLate));
  const shown = word === 'live' ? linkOf(touched.url, name) : name;
  if (lines.length === 1) return { word, line: [shown, ': ', ...lines[0]!], details: [] };
  return { word, line: [shown], details: lines };
}

/** What answers may be visited. Of a canonical hostname nothing is markup. */
function linkOf(url: string | undefined, name: { value: string }): Line[number] {
  return url !== undefined && /^https:\/\/[a-z0-9.-]+$/.test(url) ? `<${url}>` : name;
}

/** Of an away edge nothing is known; the others say how it is. */
function wordOf(all: readonly AtEdge[], isLate: boolean): NonNullable<ProgressItem['word']> {
  const known = all.filter(({ kind }) => kind !== 'away');
  if (known.some((at) => isTrouble(at, isLate))) return 'failing';
  if (known.length === 0) return all.length === 0 ? 'gone' : isLate ? 'failing' : 'waiting';
  if (known.some((at) => !isSettled(at) && !(isLate && at.kind === 'applied'))) return 'waiting';
  if (known.some(({ kind }) => kind === 'gone')) return 'gone';
  return known.some(({ kind }) => kind === 'live') ? 'live' : 'applied';
}
