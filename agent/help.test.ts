// The help of `kokoa-agent`, as a terminal of 80 columns shows it.
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const COLUMNS = 80;
/** A program starts slowly where many tests run at once. */
const START = { timeout: 60_000 };

test.each(['', 'approve', 'certs', 'certs import', 'certs forget', 'certs restore', 'leave'])(
  'of kokoa-agent %s fits',
  START,
  async (words) => {
    const { stdout } = await execa(process.execPath, [MAIN, ...words.split(' ').filter(Boolean), '--help']);
    expect(stdout).toContain('Usage: kokoa-agent');
    expect(stdout.split('\n').filter((line) => line.length > COLUMNS)).toEqual([]);
  },
);
