// A command of this program as a person types it for this state directory: without `--state` it would look at another one.
import { resolve } from 'node:path';

export const STATE_DIR = '/var/lib/kokoa';

/** `kokoa-agent run`, with `--state` where the directory is not the one that it takes by itself. */
export function agentCommand(stateDir: string, words: string): string {
  if (resolve(stateDir) === resolve(process.env.KOKOA_STATE ?? STATE_DIR)) return `kokoa-agent ${words}`;
  const quoted = /^[\w/.,:@+-]+$/.test(stateDir) ? stateDir : `'${stateDir.replaceAll("'", "'\\''")}'`;
  return `kokoa-agent --state ${quoted} ${words}`;
}
