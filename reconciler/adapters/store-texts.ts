// JSON texts of the embedded store, read back. Law: a text that is not what was once written counts as absent and is said once; it never keeps
// a reconciler from starting. What is lost with it comes again from git or from the nodes.
import type { SQLOutputValue } from 'node:sqlite';
import { sha256Hex } from '../../bundle/canonical.ts';

/** What was found damaged, for people. */
export interface DamagedText {
  /** `enrolments tokyo-1`: table and row. */
  place: string;
  problem: string;
  todo: string;
}

export interface StoredTexts {
  /** Undefined: it is none. `problemOf`: why a value is not of the kind. */
  read<T>(
    place: Place,
    text: SQLOutputValue | undefined,
    problemOf: (value: unknown) => string | undefined,
  ): T | undefined;
  /** Something else about a row. */
  say(place: Place, problem: string): void;
}

/** Table and row. */
type Place = readonly [table: keyof typeof TODO, row: string];

const TODO = {
  head: 'nothing: the settings of kokoa.yaml go out again, from the first wave on',
  nodes: 'nothing: its bundle is signed again with the next run',
  enrolments:
    'nothing while its agent runs: its keys are taken from its last report or from what is published, and it announces the rest again; where it is refused, raise its generation with a new token',
  reports: 'nothing while its agent runs: it reports again',
  identities: 'nothing: an edge of the pool hands it over again; restart the agents of the pool if none does',
  certificates: 'nothing: the edges that hold it serve it; another one gets it with the next renewal',
  proposals: 'nothing: a program that repeats its request is told what the forge knows',
} as const;

const PROBLEM_CHARACTERS_MAX = 200;
/** Damage beyond this is all of one kind: the lines would be as many as the rows. */
const SAID_MAX = 100;

export function createStoredTexts(damaged: (text: DamagedText) => void): StoredTexts {
  /** What was said already: texts are read again and again. */
  const said = new Set<string>();

  function say([table, row]: Place, problem: string): void {
    const place = `${table} ${row}`.trim();
    const key = sha256Hex(`${place}: ${problem}`);
    if (said.has(key) || said.size >= SAID_MAX) return;
    said.add(key);
    damaged({ place, problem: problem.slice(0, PROBLEM_CHARACTERS_MAX), todo: TODO[table] });
  }

  return {
    say,
    read<T>(place: Place, text: SQLOutputValue | undefined, problemOf: (value: unknown) => string | undefined) {
      const value = parsed(text);
      const problem = value === undefined ? 'it is no JSON' : problemOf(value);
      if (problem === undefined) return value as T;
      say(place, problem);
      return undefined;
    },
  };
}

/** For what whoever reads it judges by itself. */
export function notAnObject(value: unknown): string | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? undefined : 'it is no object';
}

/** Undefined, which JSON does not have: it is none. */
export function parsed(text: SQLOutputValue | undefined): unknown {
  try {
    return typeof text === 'string' ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}
