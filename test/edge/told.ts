// From the text of the data to what each node is told, through the product's own loader, rules, compiler and reader of the wire.
import { canonicalJson, sha256Hex } from '../../bundle/canonical.ts';
import { checkChunks, readChunk, readConfig } from '../../bundle/check-config.ts';
import type { Chunk, EdgeConfig, NodeConfig, OriginConfig } from '../../bundle/config.ts';
import { isRefusal, type Refusal } from '../../bundle/refusal.ts';
import { problemsAsText } from '../../reconciler/cli/problem-text.ts';
import { checkAll, viewOf } from '../../reconciler/core/check.ts';
import { type Compiled, compile } from '../../reconciler/core/compile.ts';
import { emptyDesired, updateDesired } from '../../reconciler/core/desired.ts';
import { readEnrolments } from '../../reconciler/core/enrolment-list.ts';
import type { AnyLoadedFile } from '../../reconciler/core/files.ts';
import { loadFile } from '../../reconciler/core/load.ts';
import { compareProblems, type Problem } from '../../reconciler/core/problem.ts';
import type { Sealed } from '../../reconciler/core/sealed.ts';
import { EDGE_NODE } from './fleet-data.ts';

export type Files = Readonly<Record<string, string>>;

export interface Told {
  edge: EdgeConfig;
  chunks: Chunk[];
  origins: OriginConfig[];
  /** What was said and is no error. */
  warnings: Problem[];
}

/** Every problem of the data, as `kokoa validate` finds them. */
export function problemsOf(files: Files): Problem[] {
  return judge(files).problems;
}

/** What the compiler takes from elsewhere than the files. */
export interface Given {
  /** As `kokoa compile --enrolments` reads it. */
  enrolments: string;
  sealed: Sealed;
  now: Date;
}

/** @throws Error with the printed problems; with what an agent's reader refuses */
export function toldBy(files: Files, given: Given): Told {
  const { loaded, problems } = judge(files);
  if (problems.some(({ severity }) => severity === 'error')) throw new Error(`\n${printed(problems, files)}`);
  const compiled = compileFiles(loaded, given);
  const configs = [...compiled.nodes.values()].map(({ config }) => accepted(readConfig(canonicalJson(config))));
  const edge = configs.find((config): config is EdgeConfig => config.node === EDGE_NODE && config.role === 'edge');
  if (edge === undefined) throw new Error(`nothing was compiled for the edge ${EDGE_NODE}`);
  const chunks = edge.edge.chunks.map((one) => accepted(readChunk(one, compiled.blobs.get(one.sha256) ?? '')));
  const doubled = checkChunks(chunks);
  if (doubled) accepted(doubled);
  return { edge, chunks, origins: configs.filter(isOrigin), warnings: problems };
}

function judge(files: Files): { loaded: AnyLoadedFile[]; problems: Problem[] } {
  const loaded = Object.entries(files).map(([path, text]) => loadFile(path, sha256Hex(text), Buffer.from(text)));
  const problems = [...loaded.flatMap((file) => file.problems), ...checkAll(viewOf(loaded))];
  return { loaded, problems: problems.sort(compareProblems) };
}

function compileFiles(loaded: readonly AnyLoadedFile[], { enrolments, sealed, now }: Given): Compiled {
  const changes = loaded.map((file) => ({ path: file.path, file }));
  const desired = updateDesired(emptyDesired(), changes);
  return compile({ desired, enrolments: readEnrolments(enrolments, desired), leases: [], sealed, now });
}

function printed(problems: readonly Problem[], files: Files): string {
  return problemsAsText(problems, ({ file, line }) => files[file]?.split('\n')[line - 1], false);
}

function isOrigin(config: NodeConfig): config is OriginConfig {
  return config.role === 'origin';
}

function accepted<T extends object>(read: T | Refusal): T {
  if (isRefusal(read)) throw new Error(`an agent refuses what was compiled: ${read.code}: ${read.detail}`);
  return read;
}
