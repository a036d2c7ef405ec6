// What a merge is followed by, out of a real standing: which edges have the newest settings.
import { expect, it } from 'vitest';
import { createSite, edge, FLEET, kokoa, route } from '../site.fixture.ts';
import { mergeEdges } from './after-merge-fleet.ts';

it('knows the edges that new settings have not reached', async () => {
  const site = createSite({ ...FLEET, 'edges/e3.yaml': edge('e3', { state: 'draining' }) });
  await site.run();
  await site.hear(['e1', 'e2', 'e3']);
  const behind = () =>
    mergeEdges(site.standing, site.deps.heard).map(({ node, isBehind = false }) => `${node} ${isBehind}`);
  expect(behind()).toEqual(['e1 false', 'e2 false', 'e3 false']);
  await site.push({ 'kokoa.yaml': kokoa().replace('control.hoge', 'other.hoge') });
  expect(behind()).toEqual(['e1 false', 'e2 true', 'e3 true']);
  await site.push({ 'routes/hoge/b.yaml': route('b.hoge.com') });
  expect(behind()).toEqual(['e1 false', 'e2 true', 'e3 true']);
  await site.push({ 'kokoa.yaml': kokoa() });
  expect(behind()).toEqual(['e1 false', 'e2 false', 'e3 false']);
});
