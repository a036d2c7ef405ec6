// Is every node where git says it should be? Asked of the control plane, which knows what it published and what nodes say they applied.
import { askControl } from './ask.ts';
import type { SlotName } from './example-data.ts';
import { eventually } from './story.ts';
import type { World } from './world.ts';

/** What the lists say of one node, as far as scenes look at it. */
export interface ListedNode {
  name: string;
  reported?: string;
  published?: string;
  applied?: string;
  error?: { stage: string; code: string; detail: string };
  restored?: { at: string; what: string[] };
}

export async function listedNodes(world: World): Promise<ListedNode[]> {
  const { token } = world.agents['tokyo-1'];
  const [edges, origins] = await Promise.all([
    askControl(world, '/api/v1/edges', token),
    askControl(world, '/api/v1/origins', token),
  ]);
  const found = { ...JSON.parse(edges.body), ...JSON.parse(origins.body) } as Record<string, ListedNode[]>;
  return [...(found.edges ?? []), ...(found.origins ?? [])];
}

/** Waits until each of these nodes has applied what is published for it, and is well. @throws UnmetExpectation */
export async function allApplied(world: World, slots: readonly SlotName[], timeoutMs: number): Promise<void> {
  let said = '';
  await eventually({
    expected: `${slots.join(', ')} applied what is published`,
    async look() {
      const nodes = await listedNodes(world).catch((error: Error) => error);
      if (nodes instanceof Error) {
        // A reconciler that has just been killed, or is busy, is asked again.
        said = nodes.message;
        return undefined;
      }
      const wanted = nodes.filter(({ name }) => (slots as readonly string[]).includes(name));
      said = JSON.stringify(
        wanted.map(({ name, reported, published, applied }) => ({ name, reported, published, applied })),
      );
      const well = ({ reported, published, applied }: ListedNode) => reported === 'applied' && published === applied;
      return wanted.length === slots.length && wanted.every(well) ? true : undefined;
    },
    found: () => said,
    timeoutMs,
    everyMs: 250,
  });
}
