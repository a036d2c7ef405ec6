// What people and their tools are told of the desired state: sorted, as it is live, made once.
import { expect, it } from 'vitest';
import { listingOf } from './listing.ts';
import { createSite, edge, FLEET, granting, kokoa, origin, portRoute, route } from './site.fixture.ts';

it('lists what is live, by name, with defaults filled in', async () => {
  const site = createSite();
  await site.run();
  const node = (name: string, address: string) => ({ name, state: 'active', address, generation: 1 });
  const { serviceAt, ...lists } = listingOf(site.standing.live);
  expect(serviceAt!('10.100.1.1', 8080)).toEqual({ origin: 'o1', port: 8080 });
  expect(lists).toEqual({
    zones: [],
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

it('lists what passes through and public ports, the latter last, by protocol, port and pool', async () => {
  const udp = portRoute(30_000, 53).replace('tcp', 'udp').replace('proxyProtocol: true\n', '');
  const several = 'backends: [{ origin: o1, port: 1 }, { origin: o1, port: 2, weight: 2 }]\n';
  const site = createSite({
    'edges/e1.yaml': edge('e1'),
    'origins/o1.yaml': origin('o1'),
    'kokoa.yaml': granting("'25565', 30000-30010", '    tlsPassthrough: true\n  - name: spare\n'),
    'routes/hoge/a.yaml': udp,
    'routes/hoge/b.yaml': portRoute(30_000, 2, 'pool: spare\n'),
    'routes/hoge/c.yaml': portRoute(30_000, 3, 'pool: default\n'),
    'routes/hoge/d.yaml': portRoute(25_565, 4, 'host: 192.168.1.20\nexpiresAt: 2030-01-01T00:00Z\n'),
    'routes/hoge/e.yaml': udp.replace('30000', '30001').replace(/origin(.|\n)*/, several),
    'routes/hoge/z.yaml': `${route('z.hoge.com')}protocol: tls\nproxyProtocol: false\n`,
  });
  await site.run();
  const to = (port: number, name: string, pool = 'default') => ({
    ...{ team: 'hoge', pool, origin: 'o1', port, file: `routes/hoge/${name}.yaml` },
  });
  expect(listingOf(site.standing.live).routes).toEqual([
    { hostname: 'z.hoge.com', protocol: 'tls', ...to(8080, 'z') },
    { publicPort: 25_565, protocol: 'tcp', host: '192.168.1.20', expiresAt: '2030-01-01T00:00Z', ...to(4, 'd') },
    { publicPort: 30_000, protocol: 'tcp', ...to(3, 'c') },
    { publicPort: 30_000, protocol: 'tcp', ...to(2, 'b', 'spare') },
    { publicPort: 30_000, protocol: 'udp', ...to(53, 'a') },
    {
      ...{ publicPort: 30_001, protocol: 'udp', ...to(1, 'e') },
      backends: [
        { origin: 'o1', port: 1 },
        { origin: 'o1', port: 2, weight: 2 },
      ],
    },
  ]);
});
