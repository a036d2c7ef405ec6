// Whom the visitors of a name get when it is left out: nobody, whatever wildcard stands above it.
import { describe, expect, test } from 'vitest';
import type { WireRoute } from '../../bundle/config.ts';
import { edgeConfig } from '../../bundle/installation.fixture.ts';
import { guardConfig, guardRemains } from './guard.ts';
import { partsChanged, without } from './left-out.ts';
import { tabulate } from './nginx-tables.ts';

const CONFIG = edgeConfig('tokyo-1', []);

function route(hostname: string, more: Partial<WireRoute> = {}): WireRoute {
  return { hostname, backends: [{ address: '10.100.1.1', port: 8080 }], limits: { maxBodyBytes: 1024 }, ...more };
}

const routed = (...routes: WireRoute[]) => ({ config: CONFIG, chunks: [{ routes }] });
const named = (...names: string[]) => names.map((name) => ({ name, reason: 'a mistake' }));
const namesIn = ({ chunks }: ReturnType<typeof without>) =>
  chunks.flatMap(({ routes }) => routes.map(({ hostname, closed }) => (closed ? `${hostname} closed` : hostname)));

describe('a name that is left out', () => {
  test.each<[string, string[], string[], string[]]>([
    ['is gone', ['a.hoge.com', 'b.hoge.com'], ['a.hoge.com'], ['b.hoge.com']],
    ['is closed below a wildcard', ['*.hoge.com', 'a.hoge.com'], ['a.hoge.com'], ['*.hoge.com', 'a.hoge.com closed']],
    ['also deep below it', ['*.com', 'a.b.hoge.com'], ['a.b.hoge.com'], ['*.com', 'a.b.hoge.com closed']],
    ['also when it is one itself', ['*.com', '*.hoge.com'], ['*.hoge.com'], ['*.com', '*.hoge.com closed']],
    ['is gone beside one', ['*.hoge.com', 'a.fuga.com', 'hoge.com'], ['a.fuga.com', 'hoge.com'], ['*.hoge.com']],
    ['is gone with it', ['*.hoge.com', 'a.hoge.com', 'b.com'], ['*.hoge.com', 'a.hoge.com'], ['b.com']],
  ])('%s', (_, hosts, leftOut, expected) => {
    expect(namesIn(without(routed(...hosts.map((host) => route(host))), named(...leftOut)))).toEqual(expected);
  });

  test('is a row of the web server’s table before the wildcard is asked, with no backend', () => {
    const { config, chunks } = without(routed(route('*.hoge.com'), route('a.hoge.com')), named('a.hoge.com'));
    expect(tabulate(config, chunks).hosts).toEqual(['a.hoge.com nowhere;']);
    expect(guardConfig(config, chunks)).toMatchObject({ ok: true, leftOut: [] });
  });

  test('passes nothing on at layer 4 either', () => {
    const { chunks } = without(
      routed(route('*.hoge.com'), route('a.hoge.com', { protocol: 'tls' })),
      named('a.hoge.com'),
    );
    expect(chunks[0]!.routes[1]).toMatchObject({ protocol: 'tls', backends: [], closed: 'expired' });
  });

  test('stays as it is when it is left out again', () => {
    const once = without(routed(route('*.hoge.com'), route('a.hoge.com')), named('a.hoge.com'));
    const twice = without(once, named('a.hoge.com'));
    expect(twice).toEqual(once);
    expect(partsChanged(twice, once)).toEqual([]);
  });

  test('counts as gone, closed or not', () => {
    const hosts = Array.from({ length: 20 }, (_, index) => route(`n${index}.hoge.com`));
    const before = routed(route('*.hoge.com'), ...hosts);
    const leftOut = named(...hosts.map(({ hostname }) => hostname));
    expect(guardRemains(without(before, leftOut), leftOut, before)).toMatchObject({ code: 'too_many_hosts_vanish' });
  });
});
