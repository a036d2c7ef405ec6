// Version 1 of what a program of an operator is asked about a zone, and what it may answer (docs/dns.md). Law: an answer is taken whole, or
// not at all: a program that speaks of other names, or in other words than these, is not understood.
import { type Shape, shape } from '../../../bundle/shape.ts';
import type { ChangeOutcome, NameChange, RecordType, ZoneChange, ZoneRecords } from '../../ports/dns-zone.ts';
import { canonicalRecordName, nameRecords, typesOf } from './record-set.ts';

/** Of a whole zone. */
export const RECORDS_MAX = 300_000;
export const RECORDS_PER_NAME_MAX = 500;
const WORDS_CHARACTERS_MAX = 10_000;
/** A TXT record holds no more. */
const VALUE_CHARACTERS_MAX = 65_535;
const TTL_MAX = 2 ** 31 - 1;

export type ExecQuestion =
  | { action: 'list' }
  | { action: 'read'; names: readonly string[] }
  | { action: 'write'; changes: readonly (readonly (NameChange & { types: readonly RecordType[] })[])[] };

export type ExecRequest = ExecQuestion & { version: 1; zone: string; credentials?: string };

export interface ExecFailure {
  kind: 'throttled' | 'refused' | 'credentials' | 'unreachable';
  message: string;
  retryAfterSeconds?: number;
}

interface FoundRecord {
  name: string;
  type: string;
  ttl: number;
  value: string;
  steered?: string;
}

interface FoundOutcome {
  kind: ChangeOutcome['kind'];
  name?: string;
  reason?: string;
}

export type Understood<T> =
  | { kind: 'understood'; value: T }
  | { kind: 'failed'; failure: ExecFailure }
  | { kind: 'wrong'; mistake: string };

const words = { type: 'string', maxLength: WORDS_CHARACTERS_MAX } as const;
const name = { type: 'string', minLength: 1, maxLength: 1_024 } as const;
const strictly = <P extends object>(required: readonly string[], properties: P) =>
  ({ type: 'object', additionalProperties: false, required, properties }) as const;

const failure = strictly(['kind', 'message'], {
  kind: { enum: ['throttled', 'refused', 'credentials', 'unreachable'] },
  message: words,
  retryAfterSeconds: { type: 'number', minimum: 0, maximum: TTL_MAX },
});
const record = strictly(['name', 'type', 'ttl', 'value'], {
  name,
  type: { type: 'string', pattern: '^[A-Za-z][A-Za-z0-9-]{0,19}$' },
  ttl: { type: 'integer', minimum: 0, maximum: TTL_MAX },
  value: { type: 'string', maxLength: VALUE_CHARACTERS_MAX },
  steered: { type: 'string', minLength: 1, maxLength: 100, pattern: '^[ -~]*$' },
});
const outcome = strictly(['kind'], {
  kind: { enum: ['done', 'clash', 'refused', 'unknown'] },
  name,
  reason: words,
});

const isFailure = shape<{ error: ExecFailure }>(strictly(['error'], { error: failure }));
const isUnsupported = shape<{ unsupported: true }>(strictly(['unsupported'], { unsupported: { const: true } }));
const isRecords = shape<{ records: FoundRecord[] }>(
  strictly(['records'], { records: { type: 'array', maxItems: RECORDS_MAX, items: record } }),
);
const isOutcomes = shape<{ outcomes: FoundOutcome[]; error?: ExecFailure }>(
  strictly(['outcomes'], { outcomes: { type: 'array', items: outcome }, error: failure }),
);

export function writeQuestion(changes: readonly ZoneChange[]): ExecQuestion {
  return {
    action: 'write',
    changes: changes.map((change) => change.map((step) => ({ ...step, types: typesOf(step) }))),
  };
}

/** Undefined: it does not list. */
export function understandList(answer: unknown, zone: string): Understood<ZoneRecords | undefined> {
  if (isUnsupported(answer)) return { kind: 'understood', value: undefined };
  return understandRecords(answer, (found) => found === zone || found.endsWith(`.${zone}`), `of ${zone}`);
}

export function understandRead(answer: unknown, names: readonly string[]): Understood<ZoneRecords> {
  const asked = new Set(names);
  return understandRecords(answer, (found) => asked.has(found), 'that it was asked for');
}

export function understandWrite(
  answer: unknown,
  changes: readonly ZoneChange[],
): Understood<{ outcomes: ChangeOutcome[]; failure?: ExecFailure }> {
  if (isFailure(answer)) return { kind: 'failed', failure: answer.error };
  if (!isOutcomes(answer)) return wrong(isOutcomes, answer);
  const { outcomes: found, error } = answer;
  if (found.length !== changes.length)
    return { kind: 'wrong', mistake: `${found.length} outcomes, expected one for each of ${changes.length} changes` };
  const outcomes: ChangeOutcome[] = [];
  for (const [at, { kind, name = '', reason }] of found.entries()) {
    const clashing = canonicalRecordName(name);
    if (kind === 'clash' && !changes[at]!.some((step) => step.name === clashing))
      return { kind: 'wrong', mistake: `/outcomes/${at}/name is no name of this change` };
    if (kind === 'refused' && reason === undefined)
      return { kind: 'wrong', mistake: `/outcomes/${at} is refused without a reason` };
    if (kind === 'unknown' && error === undefined)
      return { kind: 'wrong', mistake: `/outcomes/${at} is unknown, and no error says why` };
    if (kind === 'clash') outcomes.push({ kind, name: clashing! });
    else if (kind === 'refused') outcomes.push({ kind, reason: reason! });
    else outcomes.push({ kind });
  }
  return { kind: 'understood', value: { outcomes, ...(error !== undefined && { failure: error }) } };
}

function understandRecords(
  answer: unknown,
  isMeant: (name: string) => boolean,
  meant: string,
): Understood<ZoneRecords> {
  if (isFailure(answer)) return { kind: 'failed', failure: answer.error };
  if (!isRecords(answer)) return wrong(isRecords, answer);
  const byName = new Map<string, FoundRecord[]>();
  for (const [at, found] of answer.records.entries()) {
    const name = found.name.toLowerCase().replace(/\.$/, '');
    if (!isMeant(name)) return { kind: 'wrong', mistake: `/records/${at}/name is no name ${meant}` };
    // A zone may hold names that are none of ours: with spaces, or escapes.
    if (canonicalRecordName(name) === undefined) continue;
    const there = byName.get(name) ?? [];
    if (there.push(found) > RECORDS_PER_NAME_MAX)
      return { kind: 'wrong', mistake: `more than ${RECORDS_PER_NAME_MAX} records at ${name}` };
    byName.set(name, there);
  }
  const value = new Map(
    [...byName].map(([name, found]) => [name, nameRecords(found, found.find(({ steered }) => steered)?.steered)!]),
  );
  return { kind: 'understood', value };
}

function wrong(expected: Shape<unknown>, answer: unknown): { kind: 'wrong'; mistake: string } {
  // A failure that is not told rightly is more likely than an answer with an error in it.
  const isError =
    typeof answer === 'object' && answer !== null && 'error' in answer && Object.keys(answer).length === 1;
  const { instancePath, message } = (isError ? isFailure : expected).mistake(answer) ?? {};
  return { kind: 'wrong', mistake: `${instancePath || 'it'} ${message ?? 'is not valid'}` };
}
