// How a story is told on a terminal: 80 columns, one assertion a line with its time, and a failure explained. Colours only where a
// person watches.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Scene, seconds, UnmetExpectation } from './story.ts';

const COLUMNS = 80;
const TIME_COLUMNS = 8;
/** What the last lines of a failure are taken from, per machine. */
const LOGS = ['agent.log', 'join.log', 'reconciler.log', 'github.log', 'pebble.log', 'hostile.log'];
const LOG_LINES = 6;
const LOG_BYTES_READ = 64 * 1024;
const FOUND_LINES = 20;

type Colour = 'green' | 'red' | 'dim' | 'bold';
const CODES: Record<Colour, number> = { green: 32, red: 31, dim: 2, bold: 1 };
const COLOURED = process.stdout.isTTY === true && !process.env.NO_COLOR;

export function tellHeading(title: string): void {
  console.log(`\n${paint('bold', title)}`);
}

/** `ok  TITLE: NOTE    TIME`, wrapped; the time stands in the last columns of the first line. */
export function tellHeld({ title }: Scene, note: string | undefined, ms: number): void {
  const text = note === undefined ? title : `${title}: ${note}`;
  const [first = '', ...rest] = wrap(text, COLUMNS - 6 - TIME_COLUMNS - 1);
  const time = seconds(ms).padStart(TIME_COLUMNS);
  console.log(`  ${paint('green', 'ok')}  ${first.padEnd(COLUMNS - 6 - TIME_COLUMNS)}${paint('dim', time)}`);
  for (const line of rest) console.log(`      ${line}`);
}

/** The assertion that does not hold, what was expected, what was found, and what the machines said last. */
export function tellFailure(title: string, error: unknown, runDirectory: string): void {
  for (const [index, line] of wrap(title, COLUMNS - 6).entries()) {
    console.log(`  ${index === 0 ? paint('red', 'no') : '  '}  ${line}`);
  }
  console.log('');
  if (error instanceof UnmetExpectation) {
    tellPart('expected', error.expected);
    tellPart('found', error.found);
  } else {
    tellPart('failed', error instanceof Error ? error.message : String(error));
  }
  for (const { name, lines } of lastWords(runDirectory)) {
    console.log(`\n${paint('dim', `last lines of ${name}`)}`);
    for (const line of lines) console.log(`  ${line.length > 300 ? `${line.slice(0, 300)}…` : line}`);
  }
}

/** Lines of prose, wrapped. */
export function tell(text: string): void {
  for (const line of wrap(text, COLUMNS)) console.log(line);
}

function tellPart(word: string, text: string): void {
  const lines = text
    .trimEnd()
    .split('\n')
    .flatMap((line) => wrap(line, COLUMNS - 10));
  const shown = lines.length > FOUND_LINES ? [...lines.slice(0, FOUND_LINES), '…'] : lines;
  for (const [index, line] of shown.entries()) {
    console.log(`${index === 0 ? paint('bold', word.padEnd(10)) : ' '.repeat(10)}${line}`);
  }
}

/** The last lines of every log that matters and holds any. */
function lastWords(runDirectory: string): { name: string; lines: string[] }[] {
  const hosts = join(runDirectory, 'hosts');
  if (!existsSync(hosts)) return [];
  return readdirSync(hosts)
    .sort()
    .flatMap((host) => LOGS.map((log) => ({ name: `${host}/${log}`, path: join(hosts, host, log) })))
    .filter(({ path }) => existsSync(path))
    .map(({ name, path }) => ({ name, lines: lastLines(path) }))
    .filter(({ lines }) => lines.length > 0);
}

function lastLines(path: string): string[] {
  const text = readFileSync(path).subarray(-LOG_BYTES_READ).toString('utf8');
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-LOG_LINES);
}

/** Breaks at spaces; a longer word stays whole. */
function wrap(text: string, columns: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!;
    if (line !== '' && line.length + 1 + word.length > columns) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines;
}

function paint(colour: Colour, text: string): string {
  return COLOURED ? `\u001b[${CODES[colour]}m${text}\u001b[0m` : text;
}
