// Measures web servers in turn, round after round, and prints a row for each: how much they did, and what it cost their processes.
import { cpuPerPiece, inTurn, type Measured, percent, piecesPerSecond, workRatio } from './bench-edge-ratios.ts';
import { median } from './statistics.ts';

const ROUNDS = 9;
export const ROUND_SECONDS = 2;

export interface Row {
  title: string;
  /** Title of the row that it is compared with. */
  beside?: string;
  /** Keeps the web server busy for `ROUND_SECONDS`. */
  ask: () => Promise<Measured>;
}

/** Measures all rows and prints them as one table. `goal`: its last line. */
export async function measure(what: string, rows: readonly Row[], goal: string): Promise<void> {
  const measured = new Map<Row, Measured[]>(rows.map((row) => [row, []]));
  for (const row of inTurn(rows, ROUNDS)) {
    measured.get(row)!.push(await row.ask());
  }
  console.log(`\n${what} (${ROUNDS} rounds of ${ROUND_SECONDS} s, in turn)`);
  console.log(line('', 'per s', 'CPU each', 'work per CPU second'));
  for (const [row, rounds] of measured) {
    const theirs = rows.find(({ title }) => title === row.beside);
    console.log(
      line(
        row.title,
        median(rounds.map(piecesPerSecond)).toFixed(0),
        `${Math.round(1e6 * median(rounds.map(cpuPerPiece)))} µs`,
        theirs === undefined ? '' : percent(workRatio(rounds, measured.get(theirs)!)),
      ),
    );
  }
  console.log(`  ${goal}`);
}

function line(title: string, rate: string, each: string, ratio: string): string {
  return `  ${title.padEnd(31)}${rate.padStart(9)}${each.padStart(11)}  ${ratio}`.trimEnd();
}
