// The one line that says it all to those who read nothing else.
import { count } from '../changes/words.ts';
import { hasTaken } from './edge-progress.ts';
import { isNameSettled, isNameTrouble, type Progress } from './progress.ts';
import type { Touched, TouchedName } from './touched.ts';

export function titleOf(progress: Progress): string {
  const { state, names, edges, isDone, isLate, touched } = progress;
  if (state === 'rewritten') return 'Merged, and taken back';
  if (state === 'held') return 'Merged, but held back';
  if (state === 'unpublished') return 'Merged: about to be published';
  const trouble = names.filter((name) => isNameTrouble(name, isLate)).length;
  if (trouble > 0)
    return `Published: ${trouble} of ${countNames(names.length, touched.names)} ${trouble === 1 ? 'needs' : 'need'} somebody`;
  const late = edges.filter((edge) => edge.state === 'refused' || (isLate && !hasTaken(edge))).length;
  if (late > 0)
    return `Published: ${late} of ${count(edges.length, 'edge')} ${late === 1 ? 'has' : 'have'} not taken it`;
  if (isDone) return `${isOnlyRemoval(touched) ? 'Gone' : 'Live'}: ${whatChanged(touched)}`;
  const settled = names.filter(isNameSettled).length;
  return names.length > 0
    ? `Published: ${settled} of ${countNames(names.length, touched.names)} live`
    : `Published: ${edges.filter(hasTaken).length} of ${count(edges.length, 'edge')} applied it`;
}

function isOnlyRemoval({ names, more, nodes, settings }: Touched): boolean {
  const isRest = more > 0 || nodes.length > 0 || settings;
  return names.length > 0 && !isRest && names.every(({ change }) => change === 'removed');
}

function whatChanged({ names, more, nodes, settings }: Touched): string {
  const words = (['removed', 'added', 'changed'] as const).flatMap((change) => {
    const found = names.filter((name) => name.change === change);
    return found.length === 0 ? [] : [`${countNames(found.length, found)} ${change}`];
  });
  if (more > 0) words.push(`${more} more touched`);
  if (nodes.length > 0) words.push(`${count(nodes.length, 'node')} changed`);
  if (settings) words.push('settings changed');
  return words.length === 0 ? 'nothing changes' : words.join(', ');
}

/** `3 hosts`, `1 public port`; `names` where both are meant. */
export function countNames(number: number, names: readonly TouchedName[]): string {
  if (names.every(({ kind }) => kind === 'host')) return count(number, 'host');
  return count(number, names.every(({ kind }) => kind === 'port') ? 'public port' : 'name');
}
