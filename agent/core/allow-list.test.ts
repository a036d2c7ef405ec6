import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { validateEnrolment } from '../../bundle/api-schema.ts';
import type { Forward } from '../../bundle/config.ts';
import { allowedForwards, allowedPorts, allowListEntries, formatAllowList, parseAllowList } from './allow-list.ts';

const HOSTS = ['10.0.0.9', '10.0.0.10', '192.168.1.20', '127.0.0.1'];
const arbitraryPort = fc.integer({ min: 1, max: 65_535 });
const arbitraryRanges = fc.array(
  fc
    .tuple(arbitraryPort, arbitraryPort, fc.constantFrom(undefined, ...HOSTS), fc.boolean())
    .map(([a, b, host, udp]) => ({
      ...(udp && { protocol: 'udp' as const }),
      ...(host && { host }),
      from: Math.min(a, b),
      to: Math.max(a, b),
    })),
  { maxLength: 20 },
);

describe('parseAllowList', () => {
  test.each([
    ['none', 'none'],
    ['', 'none'],
    ['8080', '8080'],
    ['8080,9000-9010', '8080,9000-9010'],
    [' 9000-9010 , 8080 ', '8080,9000-9010'],
    ['80,81,82', '80-82'],
    ['1-100,50-60,101', '1-101'],
    ['08080', '8080'],
    ['1-65535', '1-65535'],
    ['443-443', '443'],
    ['192.168.1.20:8080', '192.168.1.20:8080'],
    ['127.0.0.1:3000,8080', '8080,127.0.0.1:3000'],
    ['10.0.0.10:80,10.0.0.9:81,10.0.0.9:80,80', '80,10.0.0.9:80-81,10.0.0.10:80'],
    ['172.16.0.1:1-65535, 172.31.255.255:443-443', '172.16.0.1:1-65535,172.31.255.255:443'],
    ['192.168.1.20:80,81', '81,192.168.1.20:80'],
    ['53/udp', '53/udp'],
    ['8080/tcp,9000-9010/tcp,192.168.1.20:53/tcp', '8080,9000-9010,192.168.1.20:53'],
    ['5100-5100/udp,05000-5099/udp', '5000-5100/udp'],
    ['53/udp,54,53,54/udp,8080', '53-54,8080,53-54/udp'],
    [
      '192.168.1.20:53/udp,127.0.0.1:53/udp,192.168.1.20:53,53/udp',
      '53/udp,127.0.0.1:53/udp,192.168.1.20:53,192.168.1.20:53/udp',
    ],
  ])('%j is written %s', (text, canonical) => {
    expect(formatAllowList(parseAllowList(text))).toBe(canonical);
  });

  test.each(['0', '65536', '9010-9000', '80,', ',80', '80;81', '-1', '1-', '1-2-3', '8e3', '0x50', 'all', '80 81'])(
    'refuses %j and says what to write',
    (text) => {
      expect(() => parseAllowList(text)).toThrow(expect.objectContaining({ code: 'bad_allow_list' }));
    },
  );

  test.each([
    ['an address of the internet', '8.8.8.8:80'],
    ['another address of loopback', '127.0.0.2:80'],
    ['all addresses', '0.0.0.0:80'],
    ['link-local, where clouds keep secrets', '169.254.169.254:80'],
    ['just outside of 172.16.0.0/12', '172.32.0.1:80'],
    ['carrier-grade NAT', '100.64.0.1:80'],
    ['an octal address', '010.0.0.1:80'],
    ['a short address', '10.1:80'],
    ['a number', '167772161:80'],
    ['a network', '10.0.0.0/8:80'],
    ['a range of addresses', '10.0.0.1-10.0.0.9:80'],
    ['a name', 'localhost:80'],
    ['no address', ':80'],
    ['an address without a port', '10.0.0.1'],
    ['an address with an empty port', '10.0.0.1:'],
    ['any port', '10.0.0.1:*'],
    ['port 0', '10.0.0.1:0'],
    ['a backward range', '10.0.0.1:90-80'],
    ['two ports', '10.0.0.1:80:81'],
    ['IPv6', '[fd00::1]:80'],
    ['IPv6 without brackets', 'fd00::1:80'],
    ['an IPv4 address in IPv6', '::ffff:10.0.0.1:80'],
    ['a space', '10.0.0.1: 80'],
    ['another protocol', '53/sctp'],
    ['both protocols in one', '53/tcp/udp'],
    ['a protocol in capitals', '53/UDP'],
    ['no protocol', '53/'],
    ['no port', '/udp'],
    ['a protocol inside of a range', '53/udp-60'],
    ['a protocol before the port', 'udp:53'],
    ['a space before the protocol', '53 /udp'],
  ])('refuses %s', (_, text) => {
    expect(() => parseAllowList(text)).toThrow(expect.objectContaining({ code: 'bad_allow_list' }));
  });

  test('refuses more text or ranges than the bound', () => {
    expect(() => parseAllowList('1,'.repeat(3000))).toThrow(/at most 4096/);
    expect(() => parseAllowList(Array.from({ length: 257 }, (_, i) => i + 1).join(','))).toThrow(/at most 256/);
  });

  test('what a node announces of it is what the contract of announcements takes', () => {
    const keys = { wireguardPublicKey: `${'A'.repeat(43)}=`, signingKey: 'A'.repeat(43), formats: [1] };
    fc.assert(
      fc.property(arbitraryRanges, (ranges) => {
        expect(validateEnrolment({ ...keys, allow: allowListEntries(ranges) })).toBeUndefined();
      }),
    );
  });

  test('what is formatted is read back as the same list', () => {
    fc.assert(
      fc.property(arbitraryRanges, (ranges) => {
        const text = formatAllowList(ranges);
        expect(formatAllowList(parseAllowList(text))).toBe(text);
      }),
    );
  });
});

describe('allowedPorts', () => {
  test('a port is allowed exactly when a range holds it, also after the ranges were merged', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 65_535 })), arbitraryRanges, (ports, ranges) => {
        for (const protocol of [undefined, 'udp'] as const) {
          const expected = [...new Set(ports)].filter((port) =>
            ranges.some((r) => !r.host && r.protocol === protocol && r.from <= port && port <= r.to),
          );
          expect(allowedPorts(ports, ranges, protocol)).toEqual(expected.sort((a, b) => a - b));
          const merged = parseAllowList(formatAllowList(ranges));
          expect(allowedPorts(ports, merged, protocol)).toEqual(expected);
        }
      }),
    );
  });

  test('an entry for TCP allows no port of UDP, nor the other way round', () => {
    const ranges = parseAllowList('53,54/udp,192.168.1.20:1-65535/udp');
    expect(allowedPorts([53, 54, 55], ranges)).toEqual([53]);
    expect(allowedPorts([53, 54, 55], ranges, 'udp')).toEqual([54]);
  });

  test('without ranges nothing is allowed', () => {
    expect(allowedPorts([22, 8080], [])).toEqual([]);
    expect(allowListEntries([])).toEqual([]);
  });
});

describe('allowedForwards', () => {
  const to = (host: string, hostPort: number, port = 20_000) => ({ port, host, hostPort });
  const byUdp = (host: string, hostPort: number) => ({ ...to(host, hostPort), protocol: 'udp' as const });

  test.each<[string, string, Forward[], number]>([
    ['the very host and port', '192.168.1.20:8080', [to('192.168.1.20', 8080)], 1],
    ['a port of a range', '192.168.1.20:8000-8099', [to('192.168.1.20', 8099)], 1],
    ['loopback', '127.0.0.1:3000', [to('127.0.0.1', 3000)], 1],
    ['not what only names the port', '8080', [to('192.168.1.20', 8080), to('127.0.0.1', 8080)], 0],
    ['not what names the port of the forward', '192.168.1.20:20000', [to('192.168.1.20', 8080)], 0],
    ['not another host', '192.168.1.20:8080', [to('192.168.1.21', 8080), to('127.0.0.1', 8080)], 0],
    ['not another port', '192.168.1.20:8080', [to('192.168.1.20', 8081)], 0],
    ['nothing by default', 'none', [to('192.168.1.20', 8080)], 0],
    ['UDP to the very host and port', '192.168.1.20:53/udp', [byUdp('192.168.1.20', 53)], 1],
    ['not by UDP what is allowed by TCP', '192.168.1.20:53,53/udp', [byUdp('192.168.1.20', 53)], 0],
    ['not by TCP what is allowed by UDP', '192.168.1.20:53/udp,53', [to('192.168.1.20', 53)], 0],
  ])('%s', (_, text, forwards, count) => {
    expect(allowedForwards(forwards, parseAllowList(text))).toHaveLength(count);
  });

  test('an entry for a host allows no port of the machine itself', () => {
    expect(allowedPorts([8080, 3000], parseAllowList('192.168.1.20:8080,127.0.0.1:3000'))).toEqual([]);
  });

  test('a forward is allowed exactly when an entry of its host holds its port, also after the entries were merged', () => {
    const forwards = fc.array(
      fc.record<Forward>(
        {
          protocol: fc.constant('udp'),
          ...{ port: arbitraryPort, host: fc.constantFrom(...HOSTS), hostPort: arbitraryPort },
        },
        { requiredKeys: ['port', 'host', 'hostPort'] },
      ),
    );
    fc.assert(
      fc.property(forwards, arbitraryRanges, (some, ranges) => {
        const allowed = allowedForwards(some, ranges);
        const holds = (f: Forward) =>
          ranges.some(
            (r) => r.protocol === f.protocol && r.host === f.host && r.from <= f.hostPort && f.hostPort <= r.to,
          );
        expect(new Set(allowed)).toEqual(new Set(some.filter(holds)));
        expect(allowed.map(({ port }) => port)).toEqual(allowed.map(({ port }) => port).sort((a, b) => a - b));
        expect(allowedForwards(some, parseAllowList(formatAllowList(ranges)))).toEqual(allowed);
      }),
    );
  });
});
