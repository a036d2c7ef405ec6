// What a person does after a file was written: the pull request, then the machine. At most 80 columns.
import type { NodeRole } from '../../bundle/config.ts';

const COLUMNS = 80;

export interface NodeStep {
  role: NodeRole;
  name: string;
  path: string;
  dir: string;
  url: string;
  /** Hex sha256 of root version 1, when it is known here. */
  fingerprint: string | undefined;
}

/** Lines for an edge or origin whose token was just printed. */
export function nodeSteps({ role, name, path, dir, url, fingerprint }: NodeStep): string[] {
  return [
    '',
    'The token above is shown once and kept nowhere: only its hash is in the file.',
    '',
    `1. Propose the file; the ${role} counts from the merge on:`,
    ...proposal(dir, path, `Let ${role} ${name} join`),
    `2. On the ${role}, as root. It asks for the token, or reads standard input:`,
    ...command(
      `kokoa-agent join ${url}`,
      role === 'origin' && '--allow PORTS',
      `--fingerprint ${fingerprint ?? 'FINGERPRINT'}`,
    ),
    ...(fingerprint === undefined ? ['   FINGERPRINT is what `kokoa keys status` shows on the reconciler.'] : []),
    ...(role === 'origin' ? ['   PORTS are what routes may reach on it, such as 8080 or 8000-8010.'] : []),
    `   It waits until ${path} is on main, then starts.`,
  ];
}

/** Lines for a route. */
export function routeSteps(dir: string, path: string, hostname: string, pool: string): string[] {
  return [
    '',
    'Next: propose the file; the merge puts the name on the internet:',
    ...proposal(dir, path, `Route ${hostname}`),
    `DNS: ${hostname} must lead to the edges of pool ${pool}.`,
  ];
}

function proposal(dir: string, path: string, subject: string): string[] {
  const git = dir === '.' ? 'git' : `git -C ${shellWord(dir)}`;
  return [
    `     ${git} switch -c ${branchOf(path)}`,
    `     ${git} add ${path}`,
    `     ${git} commit -m ${shellWord(subject)}`,
    `     ${git} push -u origin HEAD`,
  ];
}

/** One command, broken with backslashes where it would not fit; a whole fingerprint fits only after two spaces. */
function command(start: string, ...options: (string | false)[]): string[] {
  const words = [start, ...options.filter((option) => option !== false)];
  const line = `     ${words.join(' ')}`;
  if (line.length <= COLUMNS) return [line];
  return words.map((word, index) => `  ${word}${index < words.length - 1 ? ' \\' : ''}`);
}

function branchOf(path: string): string {
  return `add-${path.slice(path.lastIndexOf('/') + 1).replace(/\.yaml$/, '')}`;
}

/** Quoted for a POSIX shell where that is needed. */
function shellWord(text: string): string {
  return /^[A-Za-z0-9@%+=:,./_-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
