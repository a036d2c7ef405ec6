// What `kokoa plan` says of the guards before a merge is what publishing then does: the same verdict, the same hash, the same override.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { judgeData } from './cli/judgement.ts';
import { type Planned, plannedOf } from './cli/plan.ts';
import { createSite, edge, type Files, kokoa, origin, route, type Site } from './site.fixture.ts';

const sideOf = (files: Files, now: Date) =>
  judgeData(
    {
      files: Object.entries(files).flatMap(([path, text]) => {
        if (text === undefined) return [];
        const bytes = Buffer.from(text);
        return [{ path, blob: createHash('sha1').update(bytes).digest('hex'), bytes }];
      }),
      problems: [],
    },
    now,
  );

async function foretold(site: Site, before: Files, after: Files): Promise<Planned> {
  const now = new Date(site.clock.ms);
  const sides = { before: sideOf(before, now), after: sideOf(after, now) };
  return plannedOf({ ...sides, base: site.standing.head!.commit, from: 'main', notes: [], now });
}

/** What leads from one set of files to another. */
function changeBetween(before: Files, after: Files): Files {
  const gone = Object.keys(before).filter((path) => after[path] === undefined);
  return { ...Object.fromEntries(gone.map((path) => [path, undefined])), ...after };
}

const HOSTS = Array.from({ length: 12 }, (_, n) => `h${n}.hoge.com`);
const EDGES = ['e1', 'e2', 'e3'];
/** No route leads to it, so that it may be missing. */
const IDLE_ORIGIN = 'o3';

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 5 });
const state = fc.constantFrom('active', 'active', 'suspended', 'revoked');
const anyRoutes = fc
  .tuple(
    ...HOSTS.map((host) =>
      maybe(
        fc
          .tuple(fc.constantFrom('o1', 'o1', 'o2'), fc.constantFrom(8080, 8080, 8080, 9090))
          .map(([to, port]) => route(host, to, port)),
      ),
    ),
  )
  .map((texts) => Object.fromEntries(texts.map((text, n) => [`routes/hoge/h${n}.yaml`, text])));
const anyEdges = fc
  .tuple(...EDGES.map((name) => maybe(state.map((one) => edge(name, { state: one })))))
  .map((texts) => Object.fromEntries(texts.map((text, n) => [`edges/${EDGES[n]}.yaml`, text])));
const anyFleet: fc.Arbitrary<Files> = fc
  .record({
    routes: fc.oneof({ weight: 6, arbitrary: anyRoutes }, { weight: 1, arbitrary: fc.constant({}) }),
    edges: anyEdges,
    idle: maybe(state),
  })
  .map(({ routes, edges, idle }) => ({
    'kokoa.yaml': kokoa(),
    'origins/o1.yaml': origin('o1'),
    'origins/o2.yaml': origin('o2'),
    [`origins/${IDLE_ORIGIN}.yaml`]: idle && origin(IDLE_ORIGIN, { state: idle }),
    ...routes,
    ...edges,
  }));

it('holds what the plan says is refused, with that hash, and publishes the rest; its override does what it says', async () => {
  const seen = { pass: 0, refused: 0, overridden: 0 };
  await fc.assert(
    fc.asyncProperty(anyFleet, anyFleet, async (before, after) => {
      const site = createSite(before);
      await site.run();
      const planned = await foretold(site, before, after);
      if (planned.kind !== 'planned') throw new Error('these fleets have no errors');
      const { guard, base } = planned.changes;
      seen[guard.kind] += 1;
      const { hold } = (await site.push(changeBetween(before, after))).standing;
      if (guard.kind === 'pass') {
        expect(hold).toBeUndefined();
        return;
      }
      if (guard.kind !== 'refused') throw new Error('nothing was overridden');
      expect(hold).toMatchObject({ reason: 'guard', refused: { plan: guard.planHash, base } });
      expect(hold!.message).toBe(guard.reasons.map(({ message }) => message).join('; '));

      const overridden: Files = { ...after, 'kokoa.yaml': kokoa(guard.override) };
      const again = await foretold(site, before, overridden);
      expect(again).toMatchObject({ changes: { guard: { kind: 'overridden', planHash: guard.planHash } } });
      seen.overridden += 1;
      expect((await site.push({ 'kokoa.yaml': overridden['kokoa.yaml'] })).standing.hold).toBeUndefined();
      expect(await site.store.head()).toMatchObject({ overrideBase: base });
    }),
    { numRuns: 60 },
  );
  // The fleets are such that all of it happens.
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(5);
});
