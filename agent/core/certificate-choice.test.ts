// Which certificate serves a hostname while another one is wanted, down to the table that the web server reads.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { EdgeConfig, WireRoute } from '../../bundle/config.ts';
import { edgeBundle } from '../verified.fixture.ts';
import { certificatesCovering, stopgapsOf } from './certificate-choice.ts';
import { tabulate } from './nginx-tables.ts';

const route = (hostname: string, more: Partial<WireRoute> = {}): WireRoute => ({
  ...{ hostname, backends: [{ address: '10.100.1.1', port: 80 }], limits: { maxBodyBytes: 1 } },
  ...more,
});
const under = (hostname: string) => route(hostname, { certificate: '*.hoge.com', orderer: 'e1' });

it.each<[string, WireRoute, string[], string | undefined]>([
  ['its own, held', route('app.hoge.com'), ['app.hoge.com', '*.hoge.com'], undefined],
  ['its own, not held, and nothing else', route('app.hoge.com'), ['x.hoge.com', '*.app.hoge.com'], undefined],
  ['its own again, after a wildcard', route('app.hoge.com'), ['*.hoge.com'], '*.hoge.com'],
  ['a wildcard that is not ordered yet', under('app.hoge.com'), ['app.hoge.com'], 'app.hoge.com'],
  ['a wildcard that is held', under('app.hoge.com'), ['*.hoge.com', 'app.hoge.com'], undefined],
  ['a wildcard, for a new host', under('new.hoge.com'), ['app.hoge.com'], undefined],
  ['a wildcard of its own', route('*.hoge.com'), ['*.com'], undefined],
  ['none: it passes through', route('app.hoge.com', { protocol: 'tls' }), ['*.hoge.com'], undefined],
])('wants %s', (_, one, held, stopgap) => {
  const found = stopgapsOf([{ routes: [one] }], (name) => held.includes(name));
  expect(found.get(one.hostname)).toBe(stopgap);
});

it('never chooses a certificate that does not cover the name, nor one that is not held', () => {
  const names = ['app.hoge.com', '*.hoge.com', 'hoge.com', '*.app.hoge.com', 'b.fuga.com', '*.fuga.com', '*.com'];
  const some = fc.subarray(names);
  const routes = fc.constantFrom(under('app.hoge.com'), route('app.hoge.com'), route('b.fuga.com'), route('hoge.com'));
  fc.assert(
    fc.property(some, routes, (held, one) => {
      const [stopgap] = stopgapsOf([{ routes: [one] }], (name) => held.includes(name)).values();
      if (stopgap === undefined) return;
      expect(held).toContain(stopgap);
      expect([one.hostname, `*.${one.hostname.split('.').slice(1).join('.')}`]).toContain(stopgap);
    }),
  );
  expect(certificatesCovering('hoge.com', 'hoge.com')).toEqual(['hoge.com']);
});

it('a host keeps its certificate until the wildcard is there, and nobody answers HTTP-01 for it', () => {
  const { config } = edgeBundle([]);
  const chunks = [{ routes: [under('app.hoge.com'), under('new.hoge.com'), route('x.a.hoge.com', { orderer: 'e1' })] }];
  const before = tabulate(
    config as EdgeConfig,
    chunks,
    stopgapsOf(chunks, (name) => name === 'app.hoge.com'),
  );
  expect(before.certificates).toEqual([
    'app.hoge.com app.hoge.com;',
    'new.hoge.com _wildcard.hoge.com;',
    'x.a.hoge.com x.a.hoge.com;',
  ]);
  const after = tabulate(
    config as EdgeConfig,
    chunks,
    stopgapsOf(chunks, () => true),
  );
  expect(after.certificates[0]).toBe('app.hoge.com _wildcard.hoge.com;');
  // Two hosts of nobody are more than the one of e1.
  expect(after.orderedByOthers).toEqual(['x.a.hoge.com m1;']);
});
