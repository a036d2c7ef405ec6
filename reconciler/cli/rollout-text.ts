// A rollout for people, in 80 columns: where it is, whom it waits for, and what to do when it has stopped. Pure; nothing in it is trusted.
import type { RolloutView } from '../core/rollout/rollout-view.ts';
import { printable, wrap } from './problem-text.ts';

type Waiting = NonNullable<RolloutView['waitsFor']>[number];

const LABEL_COLUMNS = 11;
/** Of a wave, and of those that are waited for. */
const NAMES_MAX = 20;

const TODO =
  'correct or revert the settings in kokoa.yaml; routes go on to everybody, and those that have not got them keep what they have';

/** `rollout` of `GET /api/v1/rollout`. */
export function rolloutText(rollout: RolloutView | null): string {
  if (rollout === null) return 'no rollout: everybody has the same settings\n';
  const { commit, state, wave, waves, since, waitsFor = [], soakEnds, stopped } = rollout;
  const rows = [
    ...labelled('state', `${state}${soakEnds === undefined ? '' : ` until ${second(soakEnds)}`}`),
    ...labelled('commit', commit),
    ...labelled('since', second(since)),
    ...labelled('wave', `${wave} of ${waves.length + 1}`),
    ...waves.flatMap((names, at) => labelled(`  ${at + 1}`, `${namesOf(names)}${at < wave ? ': has them' : ''}`)),
    ...labelled(`  ${waves.length + 1}`, `everybody else${waves.length < wave ? ': has them' : ''}`),
    ...waitsFor.slice(0, NAMES_MAX).flatMap((one) => labelled('waits for', nodeText(one))),
    ...(waitsFor.length > NAMES_MAX ? labelled('', `and ${waitsFor.length - NAMES_MAX} more`) : []),
    ...(stopped ? [...labelled('stopped by', nodeText(stopped)), ...labelled('todo', TODO)] : []),
  ];
  return `${rows.join('\n')}\n`;
}

function nodeText({ node, error }: Waiting): string {
  return error === undefined ? node : `${node}: ${error.code} (${error.stage}): ${error.detail}`;
}

function namesOf(names: readonly string[]): string {
  const more = names.length - NAMES_MAX;
  return `${names.slice(0, NAMES_MAX).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function labelled(label: string, text: string): string[] {
  const [first = '', ...rest] = wrap(text, ' '.repeat(LABEL_COLUMNS), ' '.repeat(LABEL_COLUMNS));
  return [label.padEnd(LABEL_COLUMNS) + first.slice(LABEL_COLUMNS), ...rest];
}

/** A moment without its milliseconds. */
function second(iso: string): string {
  return printable(iso).replace(/\.\d+Z$/, 'Z');
}
