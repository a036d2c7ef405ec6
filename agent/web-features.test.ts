import { describe, expect, it } from 'vitest';
import { createFakeNode } from './node.fixture.ts';
import { rememberFeatures } from './web-features.ts';

describe('the features of the web server', () => {
  async function remember() {
    const node = await createFakeNode();
    const world = { now: 0, asked: 0, version: '1.22.1' };
    const inner = {
      ...node.machine.edge!.web,
      async features() {
        world.asked += 1;
        return {
          version: world.version,
          http2Directive: false,
          certificateCache: false,
          http3: false,
          stream: 'none' as const,
        };
      },
    };
    node.state.webRuns = true;
    return { node, world, web: rememberFeatures(inner, () => world.now) };
  }

  it('are asked once, and again beside the work when a minute has passed', async () => {
    const { world, web } = await remember();
    await web.features();
    await web.running();
    await web.features();
    expect(world.asked).toBe(1);
    world.now = 61_000;
    world.version = '1.30.0';
    expect((await web.features()).version).toBe('1.22.1');
    await web.running();
    expect((await web.features()).version).toBe('1.30.0');
  });

  it('are forgotten when no web server runs', async () => {
    const { node, world, web } = await remember();
    await web.features();
    node.state.webRuns = false;
    await web.running();
    await web.features();
    expect(world.asked).toBe(2);
  });

  it('are forgotten when it refused a tree: another program may be there', async () => {
    const { node, world, web } = await remember();
    await node.machine.edge!.releases.write('x', new Map([['hosts.map', 'bad.test t;']]));
    node.refusedByTest.add('bad.test');
    await web.features();
    expect((await web.test('x')).ok).toBe(false);
    await web.features();
    expect(world.asked).toBe(2);
  });
});
