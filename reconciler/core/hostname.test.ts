import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalHostname, coveredByAny, covers, hostnameProblem } from './hostname.ts';

function canonical(typed: string): string {
  const result = canonicalHostname(typed);
  return result.kind === 'hostname' ? result.hostname : result.rule;
}

describe('canonicalHostname', () => {
  it.each([
    ['app.hoge.com', 'app.hoge.com'],
    ['APP.Hoge.COM.', 'app.hoge.com'],
    ['*.App.hoge.com', '*.app.hoge.com'],
    ['日本語.example.com', 'xn--wgv71a119e.example.com'],
    ['xn--wgv71a119e.example.com', 'xn--wgv71a119e.example.com'],
    ['faß.de', 'xn--fa-hia.de'],
    ['ａｐｐ。hoge.com', 'app.hoge.com'],
    ['a.test', 'a.test'],
    ['printer.internal', 'printer.internal'],
    ['myhome.duckdns.org', 'myhome.duckdns.org'],
    [`${'a'.repeat(63)}.hoge.com`, `${'a'.repeat(63)}.hoge.com`],
  ])('makes %j into %j', (typed, expected) => {
    expect(canonical(typed)).toBe(expected);
  });

  it.each([
    ['', 'KK201'],
    ['.', 'KK201'],
    ['*', 'KK204'],
    ['*.', 'KK201'],
    ['localhost', 'KK201'],
    ['*.internal', 'KK201'],
    ['app..hoge.com', 'KK201'],
    ['app.hoge.com..', 'KK201'],
    ['.hoge.com', 'KK201'],
    ['-app.hoge.com', 'KK201'],
    ['app-.hoge.com', 'KK201'],
    ['my_app.hoge.com', 'KK201'],
    ['ab--cd.hoge.com', 'KK201'],
    ['xn--a.hoge.com', 'KK201'],
    ['xn--.hoge.com', 'KK201'],
    ['app.hoge.com/x', 'KK201'],
    ['app.hoge.com:8080', 'KK201'],
    ['app .hoge.com', 'KK201'],
    ['app%2ehoge.com', 'KK201'],
    ['app;hoge.com', 'KK201'],
    ['app$hoge.日本.com', 'KK201'],
    [`${'a'.repeat(64)}.hoge.com`, 'KK201'],
    [`${'abcdefg.'.repeat(32)}com`, 'KK201'],
    ['192.168.1.20', 'KK202'],
    ['１.２.３.４', 'KK202'],
    ['a.b.1', 'KK202'],
    ['0x7f.1', 'KK202'],
    ['a.0x', 'KK202'],
    ['::1', 'KK201'],
    ['com', 'KK203'],
    ['*.com', 'KK203'],
    ['co.uk', 'KK203'],
    ['*.co.uk', 'KK203'],
    ['github.io', 'KK203'],
    ['*.duckdns.org', 'KK203'],
    ['*.*.hoge.com', 'KK204'],
    ['app.*.com', 'KK204'],
    ['*app.hoge.com', 'KK204'],
  ])('refuses %j by %s', (typed, rule) => {
    expect(canonical(typed)).toBe(rule);
  });

  it('never throws, and what it accepts is its own canonical form and safe in any configuration file', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.domain(),
      fc.webAuthority(),
      fc.array(fc.string({ unit: 'grapheme', maxLength: 8 }), { maxLength: 6 }).map((labels) => labels.join('.')),
      fc
        .array(fc.constantFrom('*', '.', 'xn--', 'a', '-', '1', 'é', '。', '\u200d', 'com'), { maxLength: 12 })
        .map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(hostile, (typed) => {
        const result = canonicalHostname(typed);
        if (result.kind === 'refused') return;
        expect(canonicalHostname(result.hostname)).toEqual(result);
        expect(result.hostname).toMatch(
          /^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
        );
        expect(result.hostname.length).toBeLessThanOrEqual(253);
      }),
      { numRuns: 200 },
    );
  });

  it('takes upper case and a trailing dot for the same name', () => {
    fc.assert(
      fc.property(fc.domain(), (domain) => {
        expect(canonicalHostname(`${domain.toUpperCase()}.`)).toEqual(canonicalHostname(domain));
      }),
      { numRuns: 200 },
    );
  });
});

describe('hostnameProblem', () => {
  it.each([
    ['https://App.hoge.com:8443/login?x', 'did you mean app.hoge.com?'],
    ['my_app.hoge.com', 'did you mean my-app.hoge.com?'],
  ])('recognises %j', (typed, hint) => {
    expect(hostnameProblem('f', () => ({ line: 1, column: 1 }), 'hostname', typed)?.hint).toBe(hint);
  });

  it('is nothing for a good name', () => {
    expect(hostnameProblem('f', () => ({ line: 1, column: 1 }), 'hostname', 'app.hoge.com')).toBeUndefined();
  });
});

describe('covers', () => {
  it.each([
    ['*.hoge.com', 'app.hoge.com', true],
    ['*.hoge.com', 'a.b.hoge.com', true],
    ['*.hoge.com', '*.hoge.com', true],
    ['*.hoge.com', '*.a.hoge.com', true],
    ['*.hoge.com', 'hoge.com', false],
    ['*.hoge.com', 'xhoge.com', false],
    ['*.hoge.com', 'app.hoge.com.evil.org', false],
    ['*.a.hoge.com', '*.hoge.com', false],
    ['hoge.com', 'hoge.com', true],
    ['hoge.com', 'app.hoge.com', false],
    ['app.hoge.com', '*.hoge.com', false],
  ])('%s covers %s: %s', (grant, host, expected) => {
    expect(covers(grant, host)).toBe(expected);
  });

  it('grants one label or more below the name, never the name or a neighbour', () => {
    const label = fc.stringMatching(/^[a-z0-9]{1,5}$/);
    fc.assert(
      fc.property(fc.domain(), fc.array(label, { minLength: 1, maxLength: 4 }), (zone, labels) => {
        expect(covers(`*.${zone}`, `${labels.join('.')}.${zone}`)).toBe(true);
        expect(covers(`*.${zone}`, zone)).toBe(false);
        expect(covers(`*.${zone}`, `${labels.join('')}${zone}`)).toBe(false);
        expect(covers(`*.${zone}`, `${zone}.${labels.join('.')}`)).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  it('is the same question asked of a set', () => {
    const name = fc
      .array(fc.constantFrom('a', 'b', 'c'), { minLength: 2, maxLength: 4 })
      .map((labels) => labels.join('.'));
    const pattern = fc.tuple(fc.boolean(), name).map(([wildcard, text]) => (wildcard ? `*.${text}` : text));
    fc.assert(
      fc.property(fc.array(pattern, { maxLength: 5 }), pattern, (grants, host) => {
        expect(coveredByAny(new Set(grants), host)).toBe(grants.some((grant) => covers(grant, host)));
      }),
    );
  });
});
