// What a plan says, before anything else that is not lost, of pools without an edge.
import type { BereftPool } from './change.ts';
import type { Inline, Item, Section } from './document-shape.ts';
import { count } from './words.ts';

export function bereftSection(bereft: readonly BereftPool[] = []): Section | undefined {
  if (bereft.length === 0) return undefined;
  return {
    title: bereft.length === 1 ? 'A pool without an edge' : 'Pools without an edge',
    loud: true,
    intro: [
      [
        'Nobody takes new configuration or orders certificates there. Certificates and their keys are on the edges alone: let a new edge join first, or see that the pool has an escrow key and that ',
        { value: 'kokoa certs export' },
        ' was kept (',
        { value: 'docs/operate.md' },
        ', The keys of a pool).',
      ],
    ],
    items: bereft.map(itemOf),
    charsMax: 2_000,
  };
}

function itemOf({ pool, hosts, left }: BereftPool): Item {
  const names = left.flatMap(({ node, state }, at): Inline[] => [at === 0 ? '' : ', ', { value: node }, ` (${state})`]);
  const what = left.length === 0 ? 'no edge left' : 'no active edge left';
  const served = left.length === 0 ? [`nobody serves its ${count(hosts, 'host')}`] : names;
  const rest = left.length === 0 ? [] : [` ${left.length === 1 ? 'serves' : 'serve'} what is there now`];
  return { line: ['pool ', { value: pool }, ` has ${what}: `, ...served, ...rest], details: [] };
}
