import { describe, expect, test } from 'vitest';
import type { WireAuth, WireBackend, WirePath, WireRoute } from '../../bundle/config.ts';
import { nameOf, replaceableTargets, withoutAnswer } from './alternatives.ts';

const ADDRESSES: Record<string, string> = { home: '10.100.1.1', office: '10.100.2.1', cabin: '10.100.3.1' };

/** `home:8080 office:80`. */
function backends(text: string): WireBackend[] {
  return text.split(' ').map((one, index) => {
    const [name = '', port] = one.split(':');
    return { address: ADDRESSES[name]!, port: Number(port), ...(index > 0 && { backup: true as const }) };
  });
}

function route(text: string, more: Partial<WireRoute> = {}): WireRoute {
  return { hostname: 'app.test', backends: text === '' ? [] : backends(text), limits: { maxBodyBytes: 1 }, ...more };
}

const path = (text: string): WirePath => ({ prefix: '/api', backends: backends(text) });
const login: WireAuth = { kind: 'forward', address: ADDRESSES.office!, port: 80, path: '/' };

function replaceable(routes: readonly WireRoute[]): string[] {
  return replaceableTargets([{ routes: [...routes] }]).map(shown);
}

function shown(target: { address: string; port: number }): string {
  return Object.entries(ADDRESSES).reduce((text, [name, address]) => text.replace(address, name), nameOf(target));
}

describe('a target can be replaced', () => {
  test.each<[string, WireRoute[], string[]]>([
    ['where another machine stands by', [route('home:8080 office:80')], ['home:8080', 'office:80']],
    ['on a path', [route('home:8080', { paths: [path('home:1 office:1')] })], ['home:1', 'office:1']],
    ['as often as it is named', [route('home:1 office:1'), route('cabin:1 home:1')], ['home:1', 'office:1', 'cabin:1']],
  ])('%s', (_, routes, expected) => expect(replaceable(routes)).toEqual(expected));
});

describe('a target is spared', () => {
  test.each<[string, WireRoute[], string[]]>([
    ['alone', [route('home:8080')], []],
    ['whose alternative is on the same machine', [route('home:8080 home:8081')], []],
    ['that another route has alone', [route('home:8080 office:80'), route('home:8080')], ['office:80']],
    ['that a path has alone', [route('home:1 office:1', { paths: [path('home:1')] })], ['office:1']],
    ['that is somebody’s login service', [route('home:1 office:80'), route('cabin:1', { auth: login })], ['home:1']],
    ['of nobody: a route without backends', [route('')], []],
  ])('%s', (_, routes, expected) => expect(replaceable(routes)).toEqual(expected));
});

describe('what gets no answer', () => {
  const targets = replaceableTargets([{ routes: [route('home:1 office:1'), route('home:2 cabin:2')] }]);
  const silent = (dead: string[], reachable = Object.keys(ADDRESSES)) =>
    withoutAnswer(targets, addresses(dead), addresses(reachable)).map(shown);
  const addresses = (names: string[]) => new Set(names.map((name) => ADDRESSES[name]!));

  test.each<[string, string[], string[] | undefined, string[]]>([
    ['nothing while all are alive', [], undefined, []],
    ['every target of a dead machine', ['home'], undefined, ['home:1', 'home:2']],
    ['not those whose alternative is dead too', ['home', 'office'], undefined, ['home:2']],
    ['nothing when all are dead: it is our own line', ['home', 'office', 'cabin'], undefined, []],
    ['not those whose alternative is no peer yet', ['home'], ['home', 'cabin'], ['home:2']],
  ])('%s', (_, dead, reachable, expected) => expect(silent(dead, reachable)).toEqual(expected));
});

test('100 000 routes with one backend cost nothing that is kept', () => {
  const routes = Array.from({ length: 100_000 }, (_, index) => route(`home:${1 + (index % 60_000)}`));
  expect(replaceable(routes)).toEqual([]);
});
