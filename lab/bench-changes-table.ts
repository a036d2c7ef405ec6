// Prints what web servers did with changes in a row: when a visitor saw them, what visitors lost, and what was held.
import { loadavg } from 'node:os';
import type { ChangesResult } from './bench-changes-run.ts';
import type { Census } from './bench-changes-subject.ts';
import type { Tally } from './bench-changes-tally.ts';
import { median, milliseconds, percentile } from './statistics.ts';

const TITLE_WIDTH = 26;
const CELL_WIDTH = 17;

/** `routes`: of each. The first result is what the others are compared with. */
export function printChanges(results: readonly ChangesResult[], routes: number, loadBefore: number): void {
  const load = `${loadBefore.toFixed(1)} before, ${loadavg()[0]!.toFixed(1)} after`;
  console.log(`\nchanges in a row under load, ${routes} routes, one moved each time (load of the machine ${load})`);
  printTimes(results);
  printLosses(results);
  printHeld(results);
}

function printTimes(results: readonly ChangesResult[]): void {
  console.log(row('', 'changes', 'seen p50', 'seen p99', 'beside ours', 'to reloaded', 'p99'));
  const ours = median(results[0]!.steps.live!);
  for (const { title, changes, steps } of results) {
    const { live = [], untilReloaded } = steps;
    const share = `${(median(live) / ours).toFixed(2)} ×`;
    const agent = untilReloaded ? pair(untilReloaded) : [];
    console.log(row(title, String(changes), ...pair(live), share, ...agent));
  }
  console.log('  seen: a new visitor is answered by the other service. to reloaded: the agent has the bundle, until');
  console.log('  nginx serves it and nothing older accepts; goal 0.5 s at 10 000 routes, see below');
}

function printLosses(results: readonly ChangesResult[]): void {
  console.log(`\n${row('lost of asked', 'new', 'kept, busy', 'kept, idle', 'HTTP/2', 'WebSocket')}`);
  for (const { title, visitors } of results) {
    const { fresh, busy, idle, http2, webSockets } = visitors;
    const first = [fresh, busy, idle, http2, webSockets].map(({ failed, asked }) => `${failed}/${asked}`);
    console.log(row(title, ...first));
    const careful = [busy, idle, http2] as readonly Tally[];
    console.log(row('  asked again', '', ...careful.map(({ lost }) => String(lost))));
  }
  console.log(
    '  goal: new 0; kept 0 from nginx 1.27.4 on. asked again: once more where HTTP allows, on a new connection',
  );
}

function printHeld(results: readonly ChangesResult[]): void {
  console.log(`\n${row('held', 'memory', 'agent', 'open files', 'files', 'releases', 'old workers')}`);
  for (const { title, start, middle, end, rest, oldWorkersMost } of results) {
    const all = (of: (census: Census) => number | undefined, unit = 1) =>
      [start, middle, end, rest].map((census) => shown(of(census), unit)).join(' ');
    console.log(
      row(
        title,
        all(({ memory }) => memory, 1e6),
        all(({ agent }) => agent, 1e6),
        all(({ openFiles }) => openFiles),
        all(({ files }) => files),
        all(({ releases }) => releases),
        `${oldWorkersMost} at most`,
      ),
    );
  }
  console.log(
    '  after a tenth of the changes, half, all, and when everybody has gone. Memory in MB, shared counted once',
  );
}

function shown(value: number | undefined, unit: number): string {
  return value === undefined ? '-' : String(Math.round(value / unit));
}

function pair(values: readonly number[]): [string, string] {
  return [milliseconds(median(values)), milliseconds(percentile(values, 0.99))];
}

function row(title: string, ...cells: readonly string[]): string {
  return `  ${title.padEnd(TITLE_WIDTH)}${cells.map((cell) => ` ${cell.padStart(CELL_WIDTH - 1)}`).join('')}`.trimEnd();
}
