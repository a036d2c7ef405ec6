// Settings that were on their way when the store lost how far. Law: what the others have is looked for in git, never in the store; of several
// the ones that explain what the nodes are told, else the newest; and where all are told the newest settings, nothing was on its way.
import { canonicalJson, sha256Hex } from '../bundle/canonical.ts';
import type { Compiled } from './core/compile.ts';
import type { Desired } from './core/desired.ts';
import { compileBehind } from './core/rollout/behind.ts';
import { type KokoaFile, underSettled, wavedHash } from './core/rollout/waved-settings.ts';
import type { PublishedNode } from './ports/store.ts';

/** Each is compiled. */
const SETTINGS_TRIED_MAX = 8;

interface Known {
  live: Desired;
  compiled: Compiled;
  nodes: ReadonlyMap<string, PublishedNode>;
}

/** True when every node is told what `compiled` says. */
export function isToldToAll({ compiled, nodes }: Pick<Known, 'compiled' | 'nodes'>): boolean {
  return explained(compiled, nodes) === compiled.nodes.size;
}

/**
 * `older`: versions of kokoa.yaml, newest first. Undefined: none of them has other settings. One that today's rules refuse may never have been
 * published: it counts only where it explains something.
 */
export async function likelySettled(
  older: AsyncIterable<KokoaFile>,
  { live, compiled, nodes }: Known,
  build: (desired: Desired, previous: Compiled | undefined) => Compiled,
): Promise<KokoaFile | undefined> {
  let best: { file: KokoaFile; score: number } | undefined;
  const tried = new Set<string>();
  for await (const file of older) {
    const mixed = underSettled(live, file.value);
    const settings = sha256Hex(canonicalJson(mixed.kokoa?.value ?? null));
    const isNewest = wavedHash(mixed, file.value) === wavedHash(live, file.value);
    if (isNewest || tried.has(settings)) continue;
    const behind = compileBehind(mixed, compiled, build);
    if (behind.kind === 'misfit') continue;
    const score = explained(behind.compiled, nodes);
    const isKnown = file.problems.length === 0 || score > 0;
    if (!isKnown) continue;
    if (best === undefined || score > best.score) best = { file, score };
    if (tried.add(settings).size >= SETTINGS_TRIED_MAX) break;
  }
  return best?.file;
}

/** How many nodes are told what a state says. */
function explained(compiled: Compiled, nodes: Known['nodes']): number {
  const told = [...compiled.nodes].filter(
    ([node, { config }]) => nodes.get(node)?.configHash === sha256Hex(canonicalJson(config)),
  );
  return told.length;
}
