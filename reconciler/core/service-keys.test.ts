// Names of ports and services: as owners write them in their allow-lists, and read back as what was named.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { portKey, readPortKey, readServiceKey, serviceKey } from './service-keys.ts';

test.each([
  [portKey({ port: 80 }), '80'],
  [portKey({ port: 80, protocol: 'tcp' }), '80'],
  [portKey({ port: 53, protocol: 'udp' }), '53/udp'],
  [serviceKey({ host: '127.0.0.1', port: 53 }), '127.0.0.1:53'],
  [serviceKey({ host: '127.0.0.1', port: 53, protocol: 'udp' }), '127.0.0.1:53/udp'],
])('%s', (key, expected) => {
  expect(key).toBe(expected);
});

test('what is named is what is read', () => {
  const name = { port: fc.integer({ min: 1, max: 65_535 }), protocol: fc.constantFrom('tcp', 'udp') } as const;
  fc.assert(
    fc.property(fc.record({ host: fc.ipV4(), ...name }), ({ host, ...port }) => {
      expect(readServiceKey(serviceKey({ host, ...port }))).toEqual({ host, ...port });
      expect(readPortKey(portKey(port))).toEqual(port);
    }),
  );
});
