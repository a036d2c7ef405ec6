// What a person does after a file was written: the pull request, then the machine. At most 80 columns.
import type { NodeRole } from '../../bundle/config.ts';
import { shellWord } from './shell-word.ts';

const COLUMNS = 80;
const INDENT = '  ';
/** Below the number of a step. */
const STEP_INDENT = '   ';
/** Of what continues a command. */
const MORE = '  ';
const BREAK = ' \\';

export interface NodeStep {
  role: NodeRole;
  name: string;
  path: string;
  dir: string;
  url: string;
  /** Hex sha256 of root version 1, when it is known here. */
  fingerprint: string | undefined;
  /** Of the token; from 2 on the file was there before. */
  generation: number;
}

/** Lines for an edge or origin whose token was just printed. */
export function nodeSteps({ role, name, path, dir, url, fingerprint, generation }: NodeStep): string[] {
  const proposed =
    generation === 1
      ? { path, branch: `add-${name}`, subject: `Let ${role} ${name} join` }
      : { path, branch: `token-${name}-${generation}`, subject: `Give ${role} ${name} a new token` };
  return [
    '',
    'The token above is shown once and kept nowhere: only its hash is in the file.',
    '',
    `1. Propose the file; ${generation === 1 ? `the ${role}` : 'the new token'} counts from the merge on:`,
    ...proposal(dir, proposed, STEP_INDENT),
    ...trying(STEP_INDENT),
    `2. On the ${role}, as root. It asks for the token, or reads standard input:`,
    ...command(
      [
        ...['kokoa-agent', 'join', url, '--role', role, ...(role === 'origin' ? ['--allow', 'PORTS'] : [])],
        ...['--fingerprint', fingerprint ?? 'FINGERPRINT'],
      ],
      STEP_INDENT,
    ),
    ...(fingerprint === undefined ? ['   FINGERPRINT is what `kokoa keys status` shows on the reconciler.'] : []),
    ...(role === 'origin' ? ['   PORTS are what routes may reach on it, such as 8080 or 8000-8010.'] : []),
    `   It waits until ${path} is on main, then starts.`,
  ];
}

export interface RouteStep {
  /** What a command begins with here: `programWords`. */
  kokoa: string;
  dir: string;
  path: string;
  hostname: string;
  pool: string;
  origin: string;
  /** What the owner of the origin must allow on the machine: `8080`, `192.168.1.20:8080`. */
  allow: string;
}

/** HTTP-01 proves no wildcard (RFC 8555, 7.1.4). */
const WILDCARD = [
  'Next: propose the file. HTTP-01 proves no wildcard, so visitors',
  'get an answer once you have brought one: tls.certificate in the route, or',
  'kokoa-agent certs import on every edge. In a zone that kokoa.yaml lets the',
  'reconciler write, it is ordered (docs/dns.md).',
];

/** Lines for a route. */
export function routeSteps({ kokoa, dir, path, hostname, pool, origin, allow }: RouteStep): string[] {
  return [
    '',
    ...(hostname.startsWith('*.') ? WILDCARD : ['Next: propose the file; the merge puts the name on the internet:']),
    ...command([kokoa, 'validate', ...(dir === '.' ? [] : [shellWord(dir)]), '--base', 'origin/main'], INDENT),
    ...proposal(
      dir,
      { path, branch: `add-${hostname.replace(/^\*/, '_wildcard')}`, subject: `Route ${hostname}` },
      INDENT,
    ),
    ...trying(''),
    `Origin: the owner of ${origin} must have allowed ${allow}`,
    '        (kokoa-agent join --allow), else visitors get 502.',
    `DNS: ${hostname} must lead to the edges of pool ${pool}.`,
  ];
}

interface Proposal {
  path: string;
  branch: string;
  subject: string;
}

function proposal(dir: string, { path, branch, subject }: Proposal, indent: string): string[] {
  const git = dir === '.' ? 'git' : `git -C ${shellWord(dir)}`;
  return [
    `${git} switch -c ${branch}`,
    `${git} add ${path}`,
    `${git} commit -m ${shellWord(subject)}`,
    `${git} push -u origin HEAD`,
  ].map((line) => indent + line);
}

/** Whoever follows a clone with `npm start` has nobody to propose anything to. */
function trying(indent: string): string[] {
  return [`${indent}Trying it out with npm start? Commit on main instead: it follows main.`];
}

/** One command; where it would not fit, broken with backslashes between words, and continued further in. */
function command(words: readonly string[], indent: string): string[] {
  if (indent.length + words.join(' ').length <= COLUMNS) return [indent + words.join(' ')];
  const rows = [indent];
  for (const word of words) {
    const row = rows.at(-1)!;
    const longer = row.trim() === '' ? row + word : `${row} ${word}`;
    if (row.trim() === '' || longer.length <= COLUMNS - BREAK.length) rows[rows.length - 1] = longer;
    else rows.push(`${indent}${MORE}${word}`);
  }
  return rows.map((row, at) => (at < rows.length - 1 ? `${row}${BREAK}` : row));
}
