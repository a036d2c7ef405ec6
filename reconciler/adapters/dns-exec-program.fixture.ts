// A program as an operator writes one: it keeps a zone in a file of its own, and knows nothing of the project but the contract of docs/dns.md.
// Run as `node THIS FILE`. Law: what it decides it decides by itself, so that it cannot agree with a mistake of the adapter.
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

export interface KeptRecord {
  name: string;
  type: string;
  ttl: number;
  /** As a zone file has it. */
  value: string;
}

interface Step {
  name: string;
  types: string[];
  before: { type: string; values: string[] }[];
  after: { type: string; ttl: number; values: string[] }[];
}

const LOCK_MS_MAX = 30_000;

/** Whoever reads or writes the file does it in here, one after the other. */
export function withRecords<T>(file: string, work: (records: KeptRecord[]) => { answer: T; keep?: KeptRecord[] }): T {
  const lock = `${file}.lock`;
  for (const end = Date.now() + LOCK_MS_MAX; ; ) {
    try {
      writeFileSync(lock, '', { flag: 'wx' });
      break;
    } catch {
      if (Date.now() > end) throw new Error(`${lock} stays`);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
  try {
    const { answer, keep } = work(JSON.parse(readFileSync(file, 'utf8')) as KeptRecord[]);
    if (keep !== undefined) {
      writeFileSync(`${file}.new`, JSON.stringify(keep));
      renameSync(`${file}.new`, file);
    }
    return answer;
  } finally {
    rmSync(lock);
  }
}

/** The text of a TXT record, whatever its pieces; of other types the value itself. */
export function plain({ type, value }: Pick<KeptRecord, 'type' | 'value'>): string {
  if (type !== 'TXT') return value;
  return [...value.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, piece]) => piece!.replace(/\\(.)/g, '$1')).join('');
}

function comparable(record: Pick<KeptRecord, 'type' | 'value'>): string {
  const text = plain(record);
  if (record.type === 'CNAME') return text.toLowerCase().replace(/\.$/, '');
  return record.type === 'AAAA' ? new URL(`http://[${text}]/`).hostname.slice(1, -1) : text;
}

function changed(records: KeptRecord[], steps: Step[]): KeptRecord[] | { clash: string } {
  let kept = records;
  for (const { name, types, before, after } of steps) {
    const here = kept.filter((one) => one.name === name);
    const found = here.filter(({ type }) => types.includes(type)).map((one) => `${one.type} ${comparable(one)}`);
    const expected = before.flatMap(({ type, values }) => values.map((value) => `${type} ${value}`));
    const aliased = here.some(({ type }) => type === 'CNAME' && !types.includes(type));
    const becomesAlias = after.some(({ type }) => type === 'CNAME');
    const isAlone = found.length === here.length;
    if (found.sort().join('\n') !== expected.sort().join('\n')) return { clash: name };
    if ((becomesAlias && !isAlone) || (after.length > 0 && aliased)) return { clash: name };
    const added = after.flatMap(({ type, ttl, values }) =>
      values.map((value) => ({
        name,
        type,
        ttl,
        value: type === 'TXT' ? (value.match(/.{1,255}/g) ?? []).map((piece) => `"${piece}"`).join(' ') : value,
      })),
    );
    kept = [...kept.filter((one) => one.name !== name || !types.includes(one.type)), ...added];
  }
  return kept;
}

function main(file: string): void {
  const { version, zone, action, names, changes, credentials } = JSON.parse(readFileSync(0, 'utf8'));
  const say = (answer: unknown) => process.stdout.write(JSON.stringify(answer));
  if (version !== 1) return void say({ error: { kind: 'refused', message: `version ${version} is not known` } });
  if (credentials !== `key of ${zone}`)
    return void say({ error: { kind: 'credentials', message: 'this key is not known' } });
  const shown = (record: KeptRecord) => ({ ...record, value: plain(record) });
  if (action === 'list') return void say({ records: withRecords(file, (records) => ({ answer: records.map(shown) })) });
  if (action === 'read') {
    const asked = new Set(names);
    const found = withRecords(file, (records) => ({ answer: records.filter(({ name }) => asked.has(name)) }));
    return void say({ records: found.map(shown) });
  }
  const outcomes = withRecords(file, (records) => {
    let keep = records;
    const answer = (changes as Step[][]).map((steps) => {
      const made = changed(keep, steps);
      if ('clash' in made) return { kind: 'clash', name: made.clash };
      keep = made;
      return { kind: 'done' };
    });
    return { answer, keep };
  });
  say({ outcomes });
}

if (import.meta.main) main(process.argv[2]!);
