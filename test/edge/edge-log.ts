// What the edge wrote down: nothing that strangers can make happen at will may stand there.
import { readFileSync } from 'node:fs';
import type { OneEdge } from './one-edge.ts';

/** What `doing` added to the log of nginx. */
export async function loggedDuring(edge: Pick<OneEdge, 'tree'>, doing: () => Promise<void>): Promise<string> {
  const path = /^error_log (\S+) /m.exec(edge.tree().get('nginx.conf') ?? '')?.[1];
  if (path === undefined) throw new Error('the tree names no log');
  const before = readFileSync(path, 'utf8').length;
  await doing();
  return readFileSync(path, 'utf8').slice(before);
}
