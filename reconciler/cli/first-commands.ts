// What somebody who started the reconciler types next. Law: each command works as it is printed, where it is printed.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseRemote } from '../adapters/git-remote.ts';
import { programWords } from './program-words.ts';
import { shellWord } from './shell-word.ts';

/** Of a command, before what it does. */
const COLUMNS_MIN = 27;

/** Lines for `repository` as `--repository` names it: a folder with the data, or something of which somebody has a clone. */
export function firstCommands(repository: string, branch: string, folder: string = process.cwd()): string[] {
  const { localPath } = parseRemote(repository);
  const isHere = localPath === folder;
  const isFolder = localPath !== undefined && existsSync(join(localPath, 'kokoa.yaml'));
  const place = isHere || !isFolder ? '' : ` ${shellWord(repository.startsWith('file:') ? localPath : repository)}`;
  const dir = place === '' ? '' : ` --dir${place}`;
  const kokoa = programWords(folder);
  const commands = [`${kokoa} edge add NAME${dir}`, `${kokoa} validate${place}`] as const;
  const columns = Math.max(COLUMNS_MIN, ...commands.map(({ length }) => length));
  return [
    `next: ${isFolder ? '' : 'in a clone of it, '}add a route or a machine, commit it on ${branch}, and it is published`,
    `  ${kokoa} route add blog.hoge.com --origin home --port 9000${dir}`,
    `  ${commands[0].padEnd(columns)}  prints a token and the command that joins`,
    `  ${commands[1].padEnd(columns)}  says what is wrong before the commit`,
  ];
}
