// What people and their tools are told of the desired state: sorted, as it is live, made once.
import { expect, it } from 'vitest';
import { listingOf } from './listing.ts';
import { createSite, edge, FLEET, kokoa, route } from './site.fixture.ts';

it('lists what is live, by name, with defaults filled in', async () => {
  const site = createSite();
  await site.run();
  const node = (name: string, address: string) => ({ name, state: 'active', address, generation: 1 });
  expect(listingOf(site.standing.live)).toEqual({
    routes: [
      {
        hostname: 'app.hoge.com',
        team: 'hoge',
        pool: 'default',
        origin: 'o1',
        port: 8080,
        file: 'routes/hoge/app.yaml',
      },
      {
        hostname: 'wiki.fuga.com',
        team: 'fuga',
        pool: 'default',
        origin: 'o2',
        port: 9000,
        file: 'routes/fuga/wiki.yaml',
      },
    ],
    origins: [node('o1', '10.100.1.1'), node('o2', '10.100.1.2')],
    edges: [
      { ...node('e1', '10.100.0.1'), pool: 'default' },
      { ...node('e2', '10.100.0.2'), pool: 'default' },
    ],
  });
});

it('lists what is served, not what is held back or quarantined, but every restriction', async () => {
  const site = createSite();
  await site.run();
  await site.push({ 'routes/hoge/app.yaml': 'port: [', 'routes/hoge/bad.yaml': 'port: [' });
  await site.push({
    'kokoa.yaml': kokoa('colour: red\n'),
    'routes/hoge/b.yaml': route('b.hoge.com'),
    'edges/e2.yaml': edge('e2', { state: 'suspended' }),
  });
  const { routes, edges } = listingOf(site.standing.live);
  expect(routes.map(({ hostname }) => hostname)).toEqual(['app.hoge.com', 'wiki.fuga.com']);
  expect(edges.map(({ state }) => state)).toEqual(['active', 'suspended']);
});

it('makes each list once, and none that nobody asks for', async () => {
  const site = createSite();
  await site.run();
  const { live } = site.standing;
  expect(listingOf(live).routes).toBe(listingOf(live).routes);
  expect(listingOf({ ...live }).routes).not.toBe(listingOf(live).routes);
});

it('lists several backends, paths that go elsewhere, redirects and ends', async () => {
  const routes = {
    'routes/hoge/app.yaml': `hostname: app.hoge.com
backends:
  - { origin: o2, port: 90, backup: true }
  - { origin: o1, host: 192.168.1.20, port: 80, weight: 3 }
paths:
  - { prefix: /same }
  - { prefix: /api, origin: o2, port: 91 }
expiresAt: 2030-01-01T00:00Z
`,
    'routes/fuga/wiki.yaml': 'hostname: wiki.fuga.com\nredirect:\n  to: https://www.fuga.com\n',
  };
  const site = createSite({ ...FLEET, ...routes });
  await site.run();
  expect(listingOf(site.standing.live).routes).toEqual([
    {
      ...{ hostname: 'app.hoge.com', team: 'hoge', pool: 'default', file: 'routes/hoge/app.yaml' },
      ...{ origin: 'o1', host: '192.168.1.20', port: 80, expiresAt: '2030-01-01T00:00Z' },
      backends: [
        { origin: 'o2', port: 90, backup: true },
        { origin: 'o1', host: '192.168.1.20', port: 80, weight: 3 },
      ],
      paths: [{ prefix: '/api', origin: 'o2', port: 91 }],
    },
    {
      ...{ hostname: 'wiki.fuga.com', team: 'fuga', pool: 'default', file: 'routes/fuga/wiki.yaml' },
      redirect: 'https://www.fuga.com',
    },
  ]);
});
