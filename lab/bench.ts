// `npm run bench`: the numbers the design promises, each beside its goal, measured in one run on this machine.
//   npm run bench -- edge                    one part alone: `scale`, `judge`, `edge`, `changes`, `certificates` or `line`
//   npm run bench -- edge --nginx PATH       with another nginx than the machine's
//   npm run bench -- changes --changes 50    a look at the thousand; `--newer PATH`: with this nginx beside the machine's
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { benchCertificates } from './bench-certificates.ts';
import { benchChanges } from './bench-changes.ts';
import { benchEdge } from './bench-edge.ts';
import { benchJudge } from './bench-judge.ts';
import { benchLine } from './bench-line.ts';
import { benchScale } from './bench-scale.ts';
import { labMode, missingPrograms } from './prerequisites.ts';

const PARTS = ['scale', 'judge', 'edge', 'changes', 'certificates', 'line'];

const { values, positionals } = parseArgs({
  options: {
    nginx: { type: 'string', default: '/usr/sbin/nginx' },
    newer: { type: 'string' },
    changes: { type: 'string', default: '1000' },
  },
  allowPositionals: true,
});
const wanted = positionals.length === 0 ? PARTS : positionals;
const unknown = wanted.filter((part) => !PARTS.includes(part));
if (unknown.length > 0) skip(`no such part: ${unknown.join(', ')}; there are ${PARTS.join(', ')}`);
if (wanted.includes('scale')) await benchScale();
if (wanted.includes('judge')) await benchJudge();
if (wanted.includes('edge')) {
  const missing = missingFor([values.nginx], ['openssl', 'wrk', 'haproxy', 'caddy']);
  if (missing.length === 0) await benchEdge(values.nginx);
  else skip(`the rows of the edge need what is not installed: ${missing.join(', ')}`);
}
if (wanted.includes('changes')) {
  const { nginx, newer } = values;
  const missing = missingFor(newer === undefined ? [nginx] : [nginx, newer], ['openssl', 'haproxy', 'caddy']);
  const changes = Number(values.changes);
  if (missing.length > 0) skip(`changes in a row need what is not installed: ${missing.join(', ')}`);
  else if (!Number.isInteger(changes) || changes < 2) skip(`--changes ${values.changes}: expected 2 or more`);
  else if (!(await benchChanges({ nginx, ...(newer !== undefined && { newer }), changes }))) process.exitCode = 1;
}
if (wanted.includes('certificates') || wanted.includes('line')) {
  const mode = labMode();
  if (mode.mode !== 'full') skip(`certificates and the first two rows need the full lab: ${mode.why}`);
  else {
    if (wanted.includes('certificates') && !(await benchCertificates())) process.exitCode = 1;
    if (wanted.includes('line')) await benchLine();
  }
}

function missingFor(nginxes: readonly string[], programs: readonly string[]): string[] {
  return [...missingPrograms(programs), ...nginxes.filter((nginx) => !existsSync(nginx))];
}

function skip(why: string): void {
  console.error(`\n${why}`);
  process.exitCode = 1;
}
