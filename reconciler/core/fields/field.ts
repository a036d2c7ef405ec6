// How a field of a route is judged beyond its schema. Law: a property that no check claims does not compile, and a check answers
// problems only: it never throws and never changes a value. Values have passed the schema, so their types and bounds hold.
import type { Kokoa } from '../../../schemas/types.ts';
import type { LoadedFile } from '../files.ts';
import type { Problem } from '../problem.ts';
import type { RuleId } from '../rules.ts';
import { fieldName } from '../schema-problems.ts';

export { shown } from '../shown.ts';

/** Where a value stands, and what a check may ask besides it. */
export interface FieldPlace {
  /** JSON pointer of the value. */
  readonly pointer: string;
  /** The route's hostname in canonical form. */
  readonly hostname: string | undefined;
  /** Of a route. */
  readonly team?: string | undefined;
  /** Undefined: kokoa.yaml is missing or broken, and questions about it are not asked. */
  readonly kokoa: Kokoa | undefined;
}

/** A problem before it has a line. */
export interface FieldProblem {
  pointer: string;
  part?: 'key';
  rule: RuleId;
  severity?: 'warning';
  message: string;
  hint: string;
}

export type Judge<V> = (value: V, place: FieldPlace) => readonly FieldProblem[];

/** What judges a value: itself, and everything in it. Made by the functions below. */
export interface FieldCheck<V> {
  /** Of the value as a whole. A method, so that a check of more may stand where a check of less is asked for. */
  judge?(value: V, place: FieldPlace): readonly FieldProblem[];
  /** Of a block, by property. */
  readonly properties?: Readonly<Record<string, FieldCheck<never>>>;
  /** Of each entry of a list. */
  readonly items?: FieldCheck<never>;
  /** Of each value of a block with free names. */
  readonly values?: FieldCheck<never>;
}

/** The problems of a value and of everything in it. Cost: the value; what it does not have is not asked for. */
export function judgeField<V>(check: FieldCheck<V>, value: V, place: FieldPlace): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const below = (inner: FieldCheck<never> | undefined, step: string | number, part: unknown) => {
    if (inner !== undefined && inner !== saidBySchema)
      problems.push(...judgeField<never>(inner, part as never, { ...place, pointer: `${place.pointer}/${step}` }));
  };
  if (Array.isArray(value)) for (const [index, item] of value.entries()) below(check.items, index, item);
  else if (typeof value === 'object')
    for (const [name, part] of Object.entries(value as object))
      below(check.properties?.[name] ?? check.values, name, part);
  if (check.judge !== undefined) problems.push(...check.judge(value, place));
  return problems;
}

/** For a value about which the schema says everything: a closed set of words, a number in its range, yes or no, a name. */
export const saidBySchema: FieldCheck<unknown> = {};

/** A check of a single value. */
export function one<V>(judge: Judge<V>): FieldCheck<V> {
  return { judge };
}

/** Checks of every property of a block, and of how they go together. */
export function block<V extends object>(
  properties: { readonly [F in keyof Required<V>]: FieldCheck<NonNullable<V[F]>> },
  whole?: Judge<V>,
): FieldCheck<V> {
  return { properties, ...(whole && { judge: whole }) };
}

/** A check of every entry of a list, and of how they go together. */
export function listOf<V>(items: FieldCheck<V>, whole?: Judge<readonly V[]>): FieldCheck<readonly V[]> {
  return { items, ...(whole && { judge: whole }) };
}

/** A check of every value of a block with free names, and of the names. */
export function mapOf<V>(
  values: FieldCheck<V>,
  whole?: Judge<Readonly<Record<string, V>>>,
): FieldCheck<Record<string, V>> {
  return { values, ...(whole && { judge: whole }) };
}

/** A problem of the value at `place`, or with `step` of one in it. `message` goes on after the name of the field. */
export function refuse(place: FieldPlace, rule: RuleId, message: string, hint: string, step = ''): FieldProblem {
  const pointer = place.pointer + step;
  const field = fieldName(pointer);
  return { pointer, rule, message: field === '' ? message : `${field}: ${message}`, hint };
}

/** The problem with its line and column. */
export function placed(file: LoadedFile, { pointer, part, ...problem }: FieldProblem): Problem {
  return { file: file.path, ...file.locate(pointer, part), severity: 'error', ...problem };
}

export function meantOr(meant: string | undefined, otherwise: string): string {
  return meant === undefined ? otherwise : `did you mean ${meant}?`;
}
