// From what two versions say to what differs, sorted by field. Law: nothing that may be a secret leaves this file.
import type { FieldChange } from './change.ts';
import type { Fact, Facts } from './facts.ts';
import { plain, shownPair, shownValue } from './shown-value.ts';

const FIELD_CHARS_MAX = 80;

/** Empty when both say the same. A list in another order, with the same items, is one change. */
export function fieldChanges(from: Facts, to: Facts): FieldChange[] {
  const fields = [...new Set([...from.keys(), ...to.keys()])].sort();
  return fields.flatMap((field) => changesOfField(shownName(field), from.get(field), to.get(field)));
}

function changesOfField(field: string, from: Fact | undefined, to: Fact | undefined): FieldChange[] {
  if (textOf(from) === textOf(to)) return [];
  if (from?.kind === 'secret' || to?.kind === 'secret') return [{ field, hidden: hiddenWord(from, to) }];
  if (isListOrAbsent(from) && isListOrAbsent(to)) {
    const items = itemChanges(field, from?.items ?? [], to?.items ?? []);
    if (items.length > 0) return items;
  }
  if (from === undefined) return [{ field, to: shownValue(textOf(to)!) }];
  if (to === undefined) return [{ field, from: shownValue(textOf(from)!) }];
  const [before, after] = shownPair(textOf(from)!, textOf(to)!);
  return [before === after ? { field, hidden: 'changed' } : { field, from: before, to: after }];
}

function itemChanges(field: string, from: readonly string[], to: readonly string[]): FieldChange[] {
  const [before, after] = [new Set(from), new Set(to)];
  return [
    ...[...before].filter((item) => !after.has(item)).map((item) => ({ field, from: shownValue(item) })),
    ...[...after].filter((item) => !before.has(item)).map((item) => ({ field, to: shownValue(item) })),
  ];
}

function isListOrAbsent(fact: Fact | undefined): fact is Extract<Fact, { kind: 'list' }> | undefined {
  return fact === undefined || fact.kind === 'list';
}

function textOf(fact: Fact | undefined): string | undefined {
  return fact?.kind === 'list' ? fact.items.join(', ') : fact?.text;
}

function hiddenWord(from: Fact | undefined, to: Fact | undefined): FieldChange['hidden'] & string {
  if (from === undefined) return 'added';
  return to === undefined ? 'removed' : 'changed';
}

function shownName(field: string): string {
  const name = [...plain(field)];
  return name.length > FIELD_CHARS_MAX ? `${name.slice(0, FIELD_CHARS_MAX).join('')}…` : name.join('');
}
