// The words for how a name and an edge are doing, and what to do about it. Law: whatever comes from the data or from an edge is a value.
import type { Line } from '../changes/document-shape.ts';
import { plain } from '../changes/shown-value.ts';
import type { EdgeProgress } from './edge-progress.ts';
import type { AtEdge } from './name-progress.ts';

const EDGES_MAX = 6;
const DETAIL_CHARS_MAX = 300;
const TROUBLESHOOTING: Line = ['; see ', { value: 'docs/troubleshooting.md' }];

/** What these edges make of a name: `200 from tokyo-1, osaka-1`. */
export function atEdgeLine(at: AtEdge, edges: readonly string[], isLate: boolean): Line {
  const names = edgesLine(edges);
  switch (at.kind) {
    case 'waiting':
      return [isLate ? 'nothing heard of it from ' : 'not yet at ', ...names];
    case 'away':
      return [...names, isAre(edges), 'away'];
    case 'refused':
      return ['refused by ', ...names];
    case 'certificate':
      return at.reason === undefined
        ? [isLate ? 'no certificate yet at ' : 'waiting for its certificate at ', ...names]
        : ['no certificate at ', ...names, ': ', detail(at.reason), ...TROUBLESHOOTING, ', No certificate'];
    case 'left_out':
      return ['left out by ', ...names, ': ', detail(at.reason)];
    case 'applied':
      return ['applied by ', ...names, ...(at.isAsked ? [isLate ? ', which tells no answer' : ', asking it'] : [])];
    case 'live':
      return [`${at.status} from `, ...names];
    case 'failing':
      if (at.status === undefined)
        return ['no answer at ', ...names, ': ', detail(at.failure ?? ''), ...TROUBLESHOOTING, ', step 4'];
      return [`${at.status} from `, ...names, `: ${adviceFor(at.status)}`, ...TROUBLESHOOTING, ', step 5'];
    case 'gone':
      return ['gone from ', ...names];
  }
}

/** What keeps an edge from having the change. */
export function edgeLine({ node, state, error, isUnknown, isQueued }: EdgeProgress, isLate: boolean): Line {
  const name = { value: node };
  const why: Line = error === undefined ? [] : [': ', detail(`${error.stage}: ${error.code}: ${error.detail}`)];
  if (state === 'away')
    return [
      name,
      isUnknown ? ' has never been heard of: let it join' : ' is away: it has not been heard of for 10 minutes',
      '. Nobody waits for it; it takes the change when it is there.',
    ];
  if (state === 'refused')
    return [name, ' refuses the new configuration and serves what it had', ...why, '. An operator looks into its log.'];
  if (isQueued && isLate)
    return [name, ' did not get the settings within an hour: an earlier wave has not ended. An operator looks why.'];
  if (isQueued) return [name, ' waits for its wave: new settings go out to a few edges first', ...why];
  if (isLate) return [name, ' did not take it within an hour', ...why, '. An operator looks into its log.'];
  return [name, ' has not taken it yet', ...why];
}

export function edgesLine(edges: readonly string[]): Line {
  const rest = edges.length - EDGES_MAX;
  const shown = edges.slice(0, EDGES_MAX).flatMap((value, at) => (at === 0 ? [{ value }] : [', ', { value }]));
  return rest > 0 ? [...shown, ` and ${rest} more`] : shown;
}

/** A long text of somebody else's, on one line. */
export function detail(text: string): { value: string } {
  const characters = [...plain(text.slice(0, DETAIL_CHARS_MAX * 4))];
  const cut = characters.slice(0, DETAIL_CHARS_MAX).join('');
  return { value: characters.length > DETAIL_CHARS_MAX ? `${cut}…` : cut };
}

/** As docs/troubleshooting.md says it. */
function adviceFor(status: number): string {
  if (status === 500) return 'the service failed, or its login service cannot be asked';
  if (status === 502) return 'the origin does not answer';
  if (status === 503) return 'the service says that it is not available';
  if (status === 504) return 'the service answers too slowly';
  return 'the service failed';
}

function isAre({ length }: readonly string[]): string {
  return length === 1 ? ' is ' : ' are ';
}
