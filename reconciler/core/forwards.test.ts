// Tunnel ports: what routes name decides them, not the order or the history; and they move only when they must.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Desired, updateDesired } from './desired.ts';
import { forwardsOf, routesOfMovedServices, tunnelPort } from './forwards.ts';
import { desiredOf, loaded, OTHER_SERVICE, SERVICE, SERVICE_PORT } from './world.fixture.ts';

const service = (host: string, port: number) =>
  loaded('route', `routes/hoge/${host}-${port}.yaml`, {
    hostname: `${host.replaceAll('.', '-')}-${port}.hoge.com`,
    ...{ origin: 'o1', host, port },
  });
const direct = (port: number) =>
  loaded('route', `routes/hoge/p${port}.yaml`, { hostname: `p${port}.hoge.com`, origin: 'o1', port });

const anyFiles = fc
  .uniqueArray(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 })), {
    maxLength: 60,
    selector: String,
  })
  .map((all) => all.map(([host, port]) => service(`192.168.1.${host}`, port)));

const shown = (desired: Desired) => JSON.stringify(forwardsOf(desired, 'o1'));
const change = (files: ReturnType<typeof service>[]) => files.map((file) => ({ path: file.path, file }));

test('any history of services leads to the ports of the last ones: distinct, ascending, in the range, of no declared port', () => {
  fc.assert(
    fc.property(anyFiles, anyFiles, fc.boolean(), (first, last, reversed) => {
      const goal = desiredOf([...last, direct(SERVICE_PORT)]);
      const long = updateDesired(desiredOf(first), [
        ...first.map(({ path }) => ({ path })),
        ...change(reversed ? last.toReversed() : last),
        ...change([direct(SERVICE_PORT)]),
      ]);
      expect(shown(long)).toBe(shown(goal));
      const ports = forwardsOf(goal, 'o1').map(({ port }) => port);
      expect(ports).toEqual([...new Set(ports)].sort((a, b) => a - b));
      expect(ports.every((port) => port >= 20_000 && port <= 59_999 && port !== SERVICE_PORT)).toBe(true);
      expect(ports).toHaveLength(last.length);
    }),
    { numRuns: 60 },
  );
});

test('a newcomer moves nobody who does not want its port', () => {
  const hosts = Array.from({ length: 40 }, (_, n) => service(`192.168.2.${n + 1}`, 8080));
  const before = desiredOf(hosts.slice(1));
  const after = updateDesired(before, change(hosts.slice(0, 1)));
  const kept = new Set(forwardsOf(before, 'o1').map((forward) => JSON.stringify(forward)));
  expect(forwardsOf(after, 'o1').filter((forward) => !kept.has(JSON.stringify(forward)))).toEqual([
    { port: tunnelPort(after, { origin: 'o1', host: '192.168.2.1', port: 8080 }), host: '192.168.2.1', hostPort: 8080 },
  ]);
  expect([...routesOfMovedServices(before, after)]).toEqual([]);
});

test('a service gives way to a route that declares its port on the machine itself, and comes back when that is gone', () => {
  const one = service(SERVICE.host, SERVICE.port);
  const before = desiredOf([one]);
  const after = updateDesired(before, change([direct(SERVICE_PORT)]));
  const portIn = (desired: Desired) => tunnelPort(desired, { origin: 'o1', ...SERVICE });
  expect([portIn(before), portIn(after)]).toEqual([SERVICE_PORT, SERVICE_PORT + 1]);
  expect([...routesOfMovedServices(before, after)]).toEqual([one]);
  expect(portIn(updateDesired(after, [{ path: `routes/hoge/p${SERVICE_PORT}.yaml` }]))).toBe(SERVICE_PORT);
});

test('of two services that want one port the same one gets it, whoever came first, and the other one comes back to it', () => {
  const [winner, loser] = [SERVICE, OTHER_SERVICE].map(({ host, port }) => service(host, port));
  const ports = (desired: Desired) =>
    [SERVICE, OTHER_SERVICE].map((one) => tunnelPort(desired, { origin: 'o1', ...one }));
  const alone = desiredOf([loser!]);
  const both = updateDesired(alone, change([winner!]));
  expect(ports(alone)).toEqual([undefined, SERVICE_PORT]);
  expect(ports(both)).toEqual([SERVICE_PORT, SERVICE_PORT + 1]);
  expect([...routesOfMovedServices(alone, both)]).toEqual([loser]);
  expect([...routesOfMovedServices(both, alone)]).toEqual([loser]);
  expect(ports(updateDesired(desiredOf([winner!]), change([loser!])))).toEqual(ports(both));
});

const overUdp = (host: string, port: number) =>
  loaded('route', `routes/hoge/udp-${host}-${port}.yaml`, {
    ...{ protocol: 'udp', publicPort: 1000 + port, origin: 'o1', host, port },
  });

test('UDP has ports of its own, so that what routes say of it moves no service of TCP, and the other way round', () => {
  const services = [SERVICE, OTHER_SERVICE].map(({ host, port }) => service(host, port));
  const doubles = [SERVICE, OTHER_SERVICE].map(({ host, port }) => overUdp(host, port));
  const before = desiredOf(services);
  const tcp = forwardsOf(before, 'o1');
  const both = updateDesired(before, change(doubles));
  expect([...routesOfMovedServices(before, both)]).toEqual([]);
  expect(forwardsOf(both, 'o1')).toEqual(tcp.flatMap((one) => [one, { ...one, protocol: 'udp' }]));
  expect(forwardsOf(desiredOf(doubles), 'o1')).toEqual(tcp.map((one) => ({ ...one, protocol: 'udp' })));
  const portIn = (desired: Desired, protocol: 'tcp' | 'udp') =>
    tunnelPort(desired, { origin: 'o1', protocol, ...SERVICE });
  const declared = updateDesired(both, change([direct(SERVICE_PORT)]));
  expect([portIn(declared, 'tcp'), portIn(declared, 'udp')]).toEqual([SERVICE_PORT + 1, SERVICE_PORT]);
  expect([...routesOfMovedServices(both, declared)].sort()).toEqual([...services].sort());
});

test('among several hundred services of both protocols nobody has a port twice', () => {
  const all = Array.from({ length: 300 }, (_, n) => [
    service(`192.168.3.${n % 250}`, n),
    overUdp(`192.168.3.${n % 250}`, n),
  ]);
  const forwards = forwardsOf(desiredOf(all.flat()), 'o1');
  expect(new Set(forwards.map(({ protocol, port }) => `${protocol} ${port}`)).size).toBe(600);
  expect(forwards).toEqual(forwards.toSorted((a, b) => a.port - b.port));
});

test('another origin has ports of its own', () => {
  const other = loaded('route', 'routes/hoge/x.yaml', { hostname: 'x.hoge.com', origin: 'o2', ...SERVICE });
  const desired = desiredOf([service(SERVICE.host, SERVICE.port), other, direct(SERVICE_PORT)]);
  expect(tunnelPort(desired, { origin: 'o2', ...SERVICE })).toBe(SERVICE_PORT);
  expect(forwardsOf(desired, 'o3')).toEqual([]);
});

test('beyond what one machine can be told there is no port, for always the same services', () => {
  const all = Array.from({ length: 1100 }, (_, n) => service(`192.168.${n >> 8}.${n & 255}`, 80));
  expect(forwardsOf(desiredOf(all), 'o1')).toHaveLength(1000);
  expect(shown(desiredOf(all.toReversed()))).toBe(shown(desiredOf(all)));
  const crowded = updateDesired(
    desiredOf(all.slice(0, 990)),
    change(Array.from({ length: 20 }, (_, n) => overUdp('10.0.0.1', n))),
  );
  const shares = Map.groupBy(forwardsOf(crowded, 'o1'), ({ protocol = 'tcp' }) => protocol);
  expect([shares.get('tcp')?.length, shares.get('udp')?.length]).toEqual([990, 10]);
  // Those that lose their place are told of, so that no route leads to a port that is not there.
  const more = updateDesired(crowded, change(all.slice(990, 995)));
  const moved = [...routesOfMovedServices(crowded, more)].map(({ value }) =>
    tunnelPort(more, { origin: 'o1', host: '10.0.0.1', port: value!.port!, protocol: 'udp' }),
  );
  expect(moved).toEqual(new Array(5).fill(undefined));
});
