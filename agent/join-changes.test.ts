import { expect, test } from 'vitest';
import { joinChanges } from './join-changes.ts';
import type { Settings } from './ports/settings.ts';

const BEFORE: Settings = {
  node: 'home',
  urls: ['https://control.test'],
  fingerprint: 'a'.repeat(64),
  caFile: '/var/lib/kokoa/control-plane-ca.pem',
  role: 'origin',
  allow: '8080',
  interfaceName: 'kokoa0',
  listen: { addresses: ['0.0.0.0'], httpPort: 18_080, httpsPort: 443 },
  address: { ipv4: '203.0.113.1', ipv6: '2001:db8::1' },
};

test.each<[string, Partial<Settings>, string[], string[]]>([
  [
    'nothing changed: what is not as usual stays',
    {},
    [],
    ['--ca /var/lib/kokoa/control-plane-ca.pem', '--allow 8080', '--address 203.0.113.1 2001:db8::1'],
  ],
  [
    'an allow-list that is cleared',
    { allow: '' },
    ['changed: --allow from 8080 to none'],
    ['--ca /var/lib/kokoa/control-plane-ca.pem', '--address 203.0.113.1 2001:db8::1'],
  ],
  [
    'another control plane',
    { urls: ['https://b.test'], fingerprint: 'b'.repeat(64) },
    [
      'changed: URL from https://control.test to https://b.test',
      `changed: --fingerprint from ${'a'.repeat(64)} to ${'b'.repeat(64)}`,
    ],
    ['--ca /var/lib/kokoa/control-plane-ca.pem', '--allow 8080', '--address 203.0.113.1 2001:db8::1'],
  ],
])('%s', (_, change, changed, kept) => {
  // The port was said again, so that nobody wonders about it.
  expect(joinChanges(BEFORE, { ...BEFORE, ...change }, new Set(['--http-port']))).toEqual({ changed, kept });
});

test('what was taken back is said', () => {
  const { caFile: _, interfaceName: __, address: ___, ...bare } = BEFORE;
  expect(joinChanges(BEFORE, bare, new Set()).changed).toEqual([
    'changed: --ca from /var/lib/kokoa/control-plane-ca.pem to system',
    'changed: --interface from kokoa0 to none (--no-tunnel)',
    'changed: --address from 203.0.113.1 2001:db8::1 to auto',
  ]);
});
