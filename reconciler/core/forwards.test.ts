// Tunnel ports: what routes name decides them, not the order or the history; and they move only when they must.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FORWARDS_MAX } from '../../bundle/config-schema.ts';
import { claimOf, type Desired, updateDesired } from './desired.ts';
import { forwardsOf, routesOfMovedServices, tunnelPort } from './forwards.ts';
import { serviceAtIn } from './service-at.ts';
import { SECTION_PORTS, SECTIONS_MAX } from './tunnel-ports.ts';
import {
  desiredOf as desiredOfAll,
  loaded,
  OTHER_SERVICE,
  origin,
  route,
  SERVICE,
  SERVICE_PORT,
} from './world.fixture.ts';

type File = ReturnType<typeof loaded>;

const service = (host: string, port: number, team = 'hoge') =>
  loaded('route', `routes/${team}/${host}-${port}.yaml`, {
    hostname: `${host.replaceAll('.', '-')}-${port}.${team}.com`,
    ...{ origin: 'o1', host, port },
  });
const direct = (port: number) => route(`p${port}.hoge.com`, 'o1', port);
const listing = (teams: string[]) => origin('o1', { teams });
/** Two origins that list one team, and what stands beside them. */
const desiredOf = (files: readonly File[]) => desiredOfAll([listing(['hoge']), origin('o2'), ...files]);

const anyFiles = fc
  .uniqueArray(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 })), {
    maxLength: 60,
    selector: String,
  })
  .map((all) => all.map(([host, port]) => service(`192.168.1.${host}`, port)));

const HOGE = { origin: 'o1', team: 'hoge' };
const shown = (desired: Desired) => JSON.stringify(forwardsOf(desired, 'o1'));
const change = (files: File[]) => files.map((file) => ({ path: file.path, file }));

test('any history of services leads to the ports of the last ones: distinct, ascending, in the range', () => {
  fc.assert(
    fc.property(anyFiles, anyFiles, fc.boolean(), (first, last, reversed) => {
      const goal = desiredOf(last);
      const long = updateDesired(desiredOf(first), [
        ...first.map(({ path }) => ({ path })),
        ...change(reversed ? last.toReversed() : last),
      ]);
      expect(shown(long)).toBe(shown(goal));
      const ports = forwardsOf(goal, 'o1').map(({ port }) => port);
      expect(ports).toEqual([...new Set(ports)].sort((a, b) => a - b));
      expect(ports.every((port) => port >= 61_000 && port <= 64_199)).toBe(true);
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
    { port: tunnelPort(after, { ...HOGE, host: '192.168.2.1', port: 8080 }), host: '192.168.2.1', hostPort: 8080 },
  ]);
  expect([...routesOfMovedServices(before, after)]).toEqual([]);
});

const anyTeam = fc
  .uniqueArray(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 })), {
    maxLength: 128,
    selector: String,
  })
  .map((all) => all.map(([host, port]) => service(`192.168.1.${host}`, port, 'fuga')));

test('whatever another team names behind the origin, or declares on it, moves no port of this one', () => {
  const lists = [
    ['fuga', 'hoge'],
    ['hoge', 'fuga'],
    ['a', 'hoge', 'b', 'c', 'd', 'e', 'fuga'],
  ];
  fc.assert(
    fc.property(anyFiles, anyTeam, fc.constantFrom(...lists), (own, others, teams) => {
      const before = desiredOf([listing(teams), ...own]);
      const after = updateDesired(before, change([...others, direct(SERVICE_PORT)]));
      expect([...routesOfMovedServices(before, after)]).toEqual([]);
      const ports = forwardsOf(after, 'o1').map(({ port }) => port);
      expect(new Set(ports).size).toBe(own.length + others.length);
      const kept = new Set(forwardsOf(after, 'o1').map((forward) => JSON.stringify(forward)));
      expect(forwardsOf(before, 'o1').every((forward) => kept.has(JSON.stringify(forward)))).toBe(true);
    }),
    { numRuns: 40 },
  );
});

test('the same service of two teams has two ports, each in the section of its team', () => {
  const files = [service(SERVICE.host, SERVICE.port), service(SERVICE.host, SERVICE.port, 'fuga')];
  const portsWith = (teams: string[]) => {
    const desired = desiredOf([listing(teams), ...files]);
    return ['hoge', 'fuga'].map((team) => tunnelPort(desired, { origin: 'o1', team, ...SERVICE }));
  };
  expect(portsWith(['hoge'])).toEqual([SERVICE_PORT, undefined]);
  // 3200 ports among five, or among 25: 1880 is the remainder of the hash by 3200.
  expect(portsWith(['hoge', 'fuga'])).toEqual([61_000 + (1880 % 640), 61_640 + (1880 % 640)]);
  const many = ['a', 'b', 'c', 'fuga', 'd', 'hoge'];
  expect(portsWith(many)).toEqual([61_000 + 5 * 128 + (1880 % 128), 61_000 + 3 * 128 + (1880 % 128)]);
  const team = (n: number) => `t${n}`;
  const crowd = Array.from({ length: SECTIONS_MAX - 1 }, (_, n) => team(n));
  expect(portsWith([...crowd, 'hoge', 'fuga'])).toEqual([64_199 - 127 + (1880 % 128), undefined]);
});

test('teams that are added at the end move nobody while their number stays within a division', () => {
  const files = [service(SERVICE.host, SERVICE.port), service(SERVICE.host, SERVICE.port, 'fuga')];
  const moved = (from: string[], to: string[]) => {
    const before = desiredOf([listing(from), ...files]);
    const after = updateDesired(before, change([listing(to)]));
    expect(shown(after)).toBe(shown(desiredOf([listing(to), ...files])));
    return [...routesOfMovedServices(before, after)].map(({ team }) => team).sort();
  };
  const five = ['hoge', 'fuga', 'a', 'b', 'c'];
  expect(moved(five.slice(0, 2), five)).toEqual([]);
  expect(moved([...five, 'd'], [...five, 'd', 'e'])).toEqual([]);
  expect(moved(five, [...five, 'd'])).toEqual(['fuga', 'hoge']);
  expect(moved(['hoge'], ['hoge', 'fuga'])).toEqual(['fuga', 'hoge']);
  expect(moved(five, ['hoge', 'a', 'fuga'])).toEqual(['fuga']);
  expect(moved(five, ['hoge', 'a'])).toEqual(['fuga']);
});

test('the services of an origin without a file, or of a team that it does not list, have no port', () => {
  const file = service(SERVICE.host, SERVICE.port);
  const nowhere = [desiredOfAll([file]), desiredOf([listing(['fuga']), file])];
  for (const desired of nowhere) {
    expect([tunnelPort(desired, { ...HOGE, ...SERVICE }), forwardsOf(desired, 'o1')]).toEqual([undefined, []]);
    expect([...routesOfMovedServices(desired, desiredOf([file]))]).toEqual([file]);
  }
});

test('of two services that want one port the same one gets it, whoever came first, and the other one comes back to it', () => {
  const [winner, loser] = [SERVICE, OTHER_SERVICE].map(({ host, port }) => service(host, port));
  const ports = (desired: Desired) => [SERVICE, OTHER_SERVICE].map((one) => tunnelPort(desired, { ...HOGE, ...one }));
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
});

test('an origin that is as full as can be has a port for every service, nobody has one twice, and its agent takes the list', () => {
  const teams = Array.from({ length: SECTIONS_MAX }, (_, n) => `team${n}`);
  const all = teams.flatMap((team) =>
    Array.from({ length: SECTION_PORTS }, (_, n) => service('192.168.3.1', n + 1, team)),
  );
  const forwards = forwardsOf(desiredOf([listing(teams), ...all]), 'o1');
  expect(forwards.map(({ port }) => port)).toEqual(Array.from({ length: FORWARDS_MAX }, (_, n) => 61_000 + n));
});

test('another origin has ports of its own', () => {
  const other = loaded('route', 'routes/hoge/x.yaml', { hostname: 'x.hoge.com', origin: 'o2', ...SERVICE });
  const desired = desiredOf([service(OTHER_SERVICE.host, OTHER_SERVICE.port), other]);
  expect(tunnelPort(desired, { origin: 'o2', team: 'hoge', ...SERVICE })).toBe(SERVICE_PORT);
  expect(tunnelPort(desired, { ...HOGE, ...OTHER_SERVICE })).toBe(SERVICE_PORT);
  expect(forwardsOf(desired, 'o3')).toEqual([]);
});

test('beyond what one team can have there is no port, for always the same services', () => {
  const all = Array.from({ length: 140 }, (_, n) => service('192.168.1.1', n + 1));
  expect(forwardsOf(desiredOf(all), 'o1')).toHaveLength(128);
  expect(shown(desiredOf(all.toReversed()))).toBe(shown(desiredOf(all)));
  const crowded = updateDesired(
    desiredOf(all.slice(0, 118)),
    change(Array.from({ length: 20 }, (_, n) => overUdp('10.0.0.1', n))),
  );
  const shares = Map.groupBy(forwardsOf(crowded, 'o1'), ({ protocol = 'tcp' }) => protocol);
  expect([shares.get('tcp')?.length, shares.get('udp')?.length]).toEqual([118, 10]);
  // Those that lose their place are told of, so that no route leads to a port that is not there.
  const more = updateDesired(crowded, change(all.slice(118, 123)));
  const moved = [...routesOfMovedServices(crowded, more)]
    .filter(({ value }) => value?.protocol === 'udp')
    .map(({ value }) => tunnelPort(more, { ...HOGE, host: '10.0.0.1', port: value!.port!, protocol: 'udp' }));
  expect(moved).toEqual(new Array(5).fill(undefined));
});

test('a tunnel address and port lead back to the service that somebody wrote', () => {
  const desired = desiredOf([service('192.168.1.20', 80), direct(8080)]);
  const [forward] = forwardsOf(desired, 'o1');
  const address = claimOf(desired.origins, 'o1')!.value!.wireguard.address;
  const at = serviceAtIn(desired);
  expect(at(address, forward!.port)).toEqual({ origin: 'o1', host: '192.168.1.20', port: 80 });
  expect(at(address, 8080)).toEqual({ origin: 'o1', port: 8080 });
  expect(at('10.99.0.1', 8080)).toBeUndefined();
});
