import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Route } from '../../schemas/types.ts';
import {
  coversPort,
  indexedPortKey,
  indexedPortKeys,
  publicPortKey,
  readPortRange,
  resolvedPortKey,
} from './public-port.ts';

const tcp: Route = { protocol: 'tcp', publicPort: 25_565 };

describe('the key of a public port', () => {
  it.each<[route: Route, key: string | undefined]>([
    [tcp, 'default\ntcp\n25565'],
    [{ ...tcp, protocol: 'udp' }, 'default\nudp\n25565'],
    [{ ...tcp, pool: 'spare' }, 'spare\ntcp\n25565'],
    [{ ...tcp, pool: 'default' }, 'default\ntcp\n25565'],
    [{ protocol: 'tcp' }, undefined],
    [{ ...tcp, protocol: 'tls' }, undefined],
    [{ ...tcp, protocol: 'https' }, undefined],
    [{ publicPort: 25_565 }, undefined],
  ])('of %o is %j', (route, key) => {
    expect(publicPortKey(route, 'default')).toBe(key);
  });

  it('leads to all that claim it, whether they name the default pool or none', () => {
    const pools = [undefined, 'default', 'spare', 'default2'] as const;
    const route = fc
      .record({ pool: fc.constantFrom(...pools), protocol: fc.constantFrom('tcp', 'udp'), publicPort: fc.nat(2) })
      .map(({ pool, ...rest }) => ({ ...rest, ...(pool && { pool }) }) as Route);
    fc.assert(
      fc.property(route, route, fc.constantFrom('default', 'spare'), (one, other, defaultPool) => {
        const key = publicPortKey(one, defaultPool)!;
        const found = indexedPortKeys(key, defaultPool).includes(indexedPortKey(other)!);
        expect(found).toBe(publicPortKey(other, defaultPool) === key);
        expect(resolvedPortKey(indexedPortKey(one)!, defaultPool)).toBe(key);
      }),
    );
  });
});

describe('a range of ports', () => {
  it.each([
    ['1', { from: 1, to: 1 }],
    ['65535', { from: 65_535, to: 65_535 }],
    ['30000-30100', { from: 30_000, to: 30_100 }],
    ['80-80', { from: 80, to: 80 }],
    ['0', undefined],
    ['65536', undefined],
    ['1-65536', undefined],
    ['2-1', undefined],
    ['01', undefined],
    ['1-', undefined],
    ['-1', undefined],
    ['1-2-3', undefined],
    ['1 - 2', undefined],
    ['1\n', undefined],
    ['', undefined],
  ])('%j is %o', (typed, range) => {
    expect(readPortRange(typed)).toEqual(range);
  });

  it('covers both ends and what is between', () => {
    const range = { from: 10, to: 12 };
    expect([9, 10, 11, 12, 13].filter((port) => coversPort(range, port))).toEqual([10, 11, 12]);
  });
});
