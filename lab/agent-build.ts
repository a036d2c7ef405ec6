// The agent as machines get it: the one file of `npm run build`, made afresh into the directory of the run.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type InputOptions, type OutputOptions } from 'rolldown';
import config from '../rolldown.config.ts';
import type { Run } from './run.ts';

const TOP = fileURLToPath(new URL('..', import.meta.url));

/** Absolute path of the built program. Takes about 0.5 s. */
export async function buildAgent(run: Run): Promise<string> {
  const file = join(run.directory, 'kokoa-agent.mjs');
  const { output, ...input } = config as InputOptions & { output: OutputOptions };
  await build({ ...input, cwd: TOP, logLevel: 'warn', output: { ...output, file } });
  return file;
}
