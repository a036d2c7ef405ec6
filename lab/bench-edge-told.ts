// From YAML to what the edge is told, through the product's own loader, rules, compiler and reader of the wire: a benchmark of a tree
// that no reconciler would make says nothing.
import { canonicalJson, sha256Hex } from '../bundle/canonical.ts';
import { readChunk, readConfig } from '../bundle/check-config.ts';
import type { Chunk, EdgeConfig } from '../bundle/config.ts';
import { isRefusal, type Refusal } from '../bundle/refusal.ts';
import { checkAll, viewOf } from '../reconciler/core/check.ts';
import { compile } from '../reconciler/core/compile.ts';
import { emptyDesired, updateDesired } from '../reconciler/core/desired.ts';
import { readEnrolments } from '../reconciler/core/enrolment-list.ts';
import type { AnyLoadedFile } from '../reconciler/core/files.ts';
import { loadFile } from '../reconciler/core/load.ts';
import type { Sealed } from '../reconciler/core/sealed.ts';
import { EDGE_NODE, type Files } from './bench-edge-fleet.ts';

const PROBLEMS_SHOWN = 5;

export interface Told {
  config: EdgeConfig;
  chunks: Chunk[];
  /** By path, to be used again by the next. */
  loaded: ReadonlyMap<string, AnyLoadedFile>;
}

export interface Given {
  /** As `announcements` makes it. */
  enrolments: string;
  sealed: Sealed;
}

/** `previous`: its files are not parsed again. @throws Error with the first problems of the files, or what an agent would refuse */
export function tellEdge(files: Files, { enrolments, sealed }: Given, previous?: Told): Told {
  const loaded = new Map(
    Object.entries(files).map(([path, text]) => {
      const blob = sha256Hex(text);
      const known = previous?.loaded.get(path);
      return [path, known?.blob === blob ? known : loadFile(path, blob, Buffer.from(text))];
    }),
  );
  const all = [...loaded.values()];
  const problems = [...all.flatMap((file) => file.problems), ...checkAll(viewOf(all))];
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (errors.length > 0)
    throw new Error(
      errors
        .slice(0, PROBLEMS_SHOWN)
        .map(({ file, message }) => `${file}: ${message}`)
        .join('\n'),
    );

  const changes = all.map((file) => ({ path: file.path, file }));
  const desired = updateDesired(emptyDesired(), changes);
  const announced = readEnrolments(enrolments, desired);
  const { nodes, blobs } = compile({ desired, enrolments: announced, leases: [], sealed, now: new Date() });
  const config = accepted(readConfig(canonicalJson(nodes.get(EDGE_NODE)!.config)));
  if (config.role !== 'edge') throw new Error(`${EDGE_NODE} was compiled as ${config.role}, expected edge`);
  const chunks = config.edge.chunks.map((one) => accepted(readChunk(one, blobs.get(one.sha256) ?? '')));
  return { config, chunks, loaded };
}

function accepted<T extends object>(read: T | Refusal): T {
  if (isRefusal(read)) throw new Error(`an agent refuses what was compiled: ${read.code}: ${read.detail}`);
  return read;
}
