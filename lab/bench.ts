// `npm run bench`: the numbers the design promises, each beside its goal, measured in one run on this machine.
//   npm run bench -- edge                    one part alone: `scale`, `judge`, `edge` or `line`
//   npm run bench -- edge --nginx PATH       with another nginx than the machine's
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { benchEdge } from './bench-edge.ts';
import { benchJudge } from './bench-judge.ts';
import { benchLine } from './bench-line.ts';
import { benchScale } from './bench-scale.ts';
import { labMode, missingPrograms } from './prerequisites.ts';

const PARTS = ['scale', 'judge', 'edge', 'line'];

const { values, positionals } = parseArgs({
  options: { nginx: { type: 'string', default: '/usr/sbin/nginx' } },
  allowPositionals: true,
});
const wanted = positionals.length === 0 ? PARTS : positionals;
const unknown = wanted.filter((part) => !PARTS.includes(part));
if (unknown.length > 0) skip(`no such part: ${unknown.join(', ')}; there are ${PARTS.join(', ')}`);
if (wanted.includes('scale')) await benchScale();
if (wanted.includes('judge')) await benchJudge();
if (wanted.includes('edge')) {
  const missing = missingPrograms(['openssl', 'wrk', 'haproxy', 'caddy']);
  if (!existsSync(values.nginx)) missing.push(values.nginx);
  if (missing.length === 0) await benchEdge(values.nginx);
  else skip(`the rows of the edge need what is not installed: ${missing.join(', ')}`);
}
if (wanted.includes('line')) {
  const mode = labMode();
  if (mode.mode === 'full') await benchLine();
  else skip(`the first two rows need the full lab: ${mode.why}`);
}

function skip(why: string): void {
  console.error(`\n${why}`);
  process.exitCode = 1;
}
