// `kokoa compile`: what every node would be told, as files. It signs nothing and publishes nothing.
import { open } from 'node:fs/promises';
import type { Command } from 'commander';
import { KokoaError } from '../../bundle/error.ts';
import { writeCompiledTree } from '../adapters/compiled-tree.ts';
import { type Compiled, compile } from '../core/compile.ts';
import { emptyDesired, updateDesired } from '../core/desired.ts';
import { readEnrolments } from '../core/enrolment-list.ts';
import { NOTHING_SEALED } from '../core/sealed.ts';
import { DATA_TOP_HELP, dataTop } from './data-top.ts';
import { writingTo } from './unwritable.ts';
import { judgeDir, renderJudgement } from './validate.ts';

const ENROLMENTS_BYTES_MAX = 64 * 1024 * 1024;
/** With a zone: a local time would mean something else on every machine. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;

const HELP = `
Writes OUT/NODE/config.json for every edge and origin that is not revoked, and
OUT/chunks/SHA256.json. OUT must be missing, empty, or from an earlier compile.
Same data, same bytes.

FILE holds what nodes announced, as JSON: {"NODE": ENROLMENT}, counted as
announced under the token in git, or an array of
{"node", "tokenSha256", "generation", "enrolment"}. An ENROLMENT is
{"wireguardPublicKey", "signingKey", "recipient", "acmeThumbprint",
"address": {"ipv4", "ipv6"}, "allow", "formats"}. Nodes whose keys are neither
there nor in YAML are left out of peer lists and named on stderr.

Exit code: 0 written, 1 errors in the data (nothing is written), 2 wrong usage.`;

export interface CompileOptions {
  out: string;
  enrolments?: string;
  now?: string;
}

/** Adds the command. @throws KokoaError usage, enrolments_invalid, out_foreign, out_unwritable */
export function registerCompile(program: Command): void {
  program
    .command('compile')
    .description('write the configuration of every node to files')
    .argument('[dir]', DATA_TOP_HELP)
    .requiredOption('--out <out>', 'the directory to write')
    .option('--enrolments <file>', 'what nodes announced, as JSON')
    .option('--now <time>', 'the time to compile for, such as 2026-11-21T12:00:00Z')
    .addHelpText('after', HELP)
    .action(async (dir: string | undefined, options: CompileOptions) => {
      const compiled = await compileDir(dataTop(dir), options);
      if (compiled === undefined) process.exitCode = 1;
      else report(compiled, options.out);
    });
}

/** Undefined when the data has errors: they are printed and nothing is written. */
async function compileDir(dir: string, { out, enrolments, now }: CompileOptions): Promise<Compiled | undefined> {
  const at = timeOf(now);
  const judgement = judgeDir(dir);
  if (judgement.problems.some(({ severity }) => severity === 'error')) {
    process.stdout.write(renderJudgement(judgement, dir, 'text'));
    return undefined;
  }
  const files = judgement.loaded.map((file) => ({ path: file.path, file }));
  const desired = updateDesired(emptyDesired(), files);
  const bound = enrolments === undefined ? new Map() : readEnrolments(await readBounded(enrolments), desired);
  const compiled = compile({ desired, enrolments: bound, leases: [], sealed: NOTHING_SEALED, now: at });
  await writingTo(out, writeCompiledTree(out, compiled));
  return compiled;
}

function report({ nodes, blobs, unannounced }: Compiled, out: string): void {
  for (const line of unannounced) console.error(line);
  console.log(`wrote ${nodes.size} configs and ${blobs.size} chunks to ${out}`);
}

function timeOf(text: string | undefined): Date {
  if (text === undefined) return new Date();
  const time = new Date(text);
  if (TIME.test(text) && !Number.isNaN(time.getTime())) return time;
  throw new KokoaError(
    'usage',
    `found --now ${JSON.stringify(text.slice(0, 40))}, expected such as 2026-11-21T12:00:00Z`,
  );
}

async function readBounded(path: string): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      if (size <= ENROLMENTS_BYTES_MAX) return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new KokoaError('usage', `cannot read ${path} (${(cause as NodeJS.ErrnoException).code})`, { cause });
  }
  throw new KokoaError('usage', `${path} is larger than ${ENROLMENTS_BYTES_MAX} bytes`);
}
