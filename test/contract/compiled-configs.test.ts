// Both halves judge a config by themselves: what the reconciler compiles, agents must read, let pass their guard and be able to render.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { guardConfig } from '../../agent/core/guard.ts';
import { tabulateStreams } from '../../agent/core/nginx-streams.ts';
import { canonicalJson } from '../../bundle/canonical.ts';
import { readChunk, readConfig } from '../../bundle/check-config.ts';
import type { Chunk } from '../../bundle/config.ts';
import { isRefusal } from '../../bundle/refusal.ts';
import { type Compiled, compile } from '../../reconciler/core/compile.ts';
import { anyWorld, edge, inputOf, kokoa, origin, portRoute } from '../../reconciler/core/world.fixture.ts';

function accepted({ nodes, blobs }: Compiled): void {
  for (const { config } of nodes.values()) {
    const read = readConfig(canonicalJson(config));
    if (isRefusal(read)) throw new Error(read.detail);
    const references = read.role === 'edge' ? read.edge.chunks : [];
    const chunks = references.map((chunk) => readChunk(chunk, blobs.get(chunk.sha256)!) as Chunk);
    expect(guardConfig(read, chunks)).toMatchObject({ ok: true });
    if (read.role === 'edge')
      expect(tabulateStreams(read.edge, chunks).servers).toHaveLength(read.edge.streams?.length ?? 0);
  }
}

it('whatever the state, every config passes the guard of the agent that gets it', () => {
  let streams = 0;
  fc.assert(
    fc.property(anyWorld, ({ files, ...rest }) => {
      const compiled = compile(inputOf(files, rest));
      accepted(compiled);
      streams += [...compiled.routing.streams.values()].reduce((sum, { list }) => sum + list.length, 0);
    }),
    { numRuns: 60 },
  );
  expect(streams).toBeGreaterThan(0);
});

it('as many public ports as a pool may have, with lists as long as they may be, are one config that passes', () => {
  const networks = Array.from({ length: 5 }, (_, n) => `2001:db8:1111:2222:3333:4444:5555:${1000 + n}`);
  const files = Array.from({ length: 1000 }, (_, n) => portRoute(`p${n}`, 1000 + n, { allow: networks }));
  accepted(compile(inputOf([kokoa(), edge('e1'), origin('o1'), ...files])));
});
