// Answers of an authority as dig prints them, and what they say of one name. Law: only what the authority itself says of the very name counts;
// what it follows, hands down or leads on to does not.

import { type PrintedRecord, readRecord } from './printed-record.ts';
import { canonicalRecordName } from './record-set.ts';
import { isIn } from './transfer.ts';

export interface Question {
  name: string;
  type: string;
}

export interface Answer extends Question {
  /** NOERROR, NXDOMAIN … */
  status: string;
  isAuthoritative: boolean;
  answer: readonly PrintedRecord[];
  authority: readonly PrintedRecord[];
}

/** In the order of the questions. Undefined: something was printed that is no answer. */
export function readAnswers(text: string): Answer[] | undefined {
  const answers: Answer[] = [];
  for (const block of text.split(/^;; Got answer:$/m).slice(1)) {
    const answer = readAnswer(block);
    if (answer === undefined) return undefined;
    answers.push(answer);
  }
  return answers;
}

function readAnswer(block: string): Answer | undefined {
  const status = /^;; ->>HEADER<<- opcode: QUERY, status: ([A-Z]+),/m.exec(block)?.[1];
  const flags = /^;; flags: ([a-z ]*);/m.exec(block)?.[1];
  const [, asked = '', type] = /^;(?![; ])(\S+)\s+IN\s+([A-Z0-9]+)$/m.exec(block) ?? [];
  const name = canonicalRecordName(asked);
  if (status === undefined || flags === undefined || type === undefined || name === undefined) return undefined;
  const sections: Record<string, PrintedRecord[]> = { ANSWER: [], AUTHORITY: [] };
  let section: PrintedRecord[] | undefined;
  for (const line of block.split('\n')) {
    if (line.startsWith(';')) section = sections[/^;; ([A-Z]+) SECTION:$/.exec(line)?.[1] ?? ''];
    else if (line !== '') {
      const record = readRecord(line);
      if (record === undefined || section === undefined) return undefined;
      section.push(record);
    }
  }
  const isAuthoritative = flags.split(' ').includes('aa');
  return { name, type, status, isAuthoritative, answer: sections.ANSWER ?? [], authority: sections.AUTHORITY ?? [] };
}

export type Told =
  /** `isWhole`: no record of another type can be there. */
  | { kind: 'told'; records: readonly PrintedRecord[]; isWhole: boolean }
  /** Whoever was asked is not the authority, or does not say. */
  | { kind: 'untold' };

/** What an answer says of the name that was asked. */
export function toldOf({ name, status, isAuthoritative, answer, authority }: Answer, zone: string): Told {
  if (status !== 'NOERROR' && status !== 'NXDOMAIN') return { kind: 'untold' };
  if (!isAuthoritative) {
    // Another zone begins there, or above.
    const cut = authority.filter((record) => record.type === 'NS' && record.name !== zone && isIn(record.name, zone));
    if (cut.length === 0 || answer.length > 0 || !cut.every((record) => isIn(name, record.name ?? '')))
      return { kind: 'untold' };
    return { kind: 'told', records: cut.filter((record) => record.name === name), isWhole: true };
  }
  if (answer.some((record) => record.type === 'DNAME' && record.name !== name))
    return { kind: 'told', records: [], isWhole: true };
  const records = answer.filter((record) => record.name === name);
  const isCname = records.some(({ type }) => type === 'CNAME');
  // The status is that of the last name that was followed.
  return { kind: 'told', records, isWhole: isCname || (status === 'NXDOMAIN' && records.length === 0) };
}
