import { describe, expect, it } from 'vitest';
import type { BackendView } from '../../../bundle/api.ts';
import { backendStandings, type EdgeViews, serviceName } from './backend-standing.ts';

const T1 = '2030-01-01T00:00:00.000Z';
const T2 = '2030-01-01T00:05:00.000Z';
const up: BackendView = { address: '10.100.1.1', port: 8080, check: 'tcp', up: true, since: T1 };
const down = (since: string, more: Partial<BackendView> = {}): BackendView => ({
  ...{ ...up, up: false, since, reason: `timeout: ${since}` },
  ...more,
});
const http = { check: 'http', hostname: 'app.hoge.com' } as const;
const serviceAt = (address: string, port: number) => (address === '10.100.1.1' ? { origin: 'home', port } : undefined);

describe('a backend is called down', () => {
  it.each<[string, EdgeViews[], object | undefined]>([
    ['by nobody', [{ edge: 'a', backends: [up] }], undefined],
    [
      'not by one of two',
      [
        { edge: 'a', backends: [down(T1)] },
        { edge: 'b', backends: [up] },
      ],
      undefined,
    ],
    ['by the only one', [{ edge: 'a', backends: [down(T1)] }], { since: T1, reason: `timeout: ${T1}` }],
    [
      'by both, since the last of them found it',
      [
        { edge: 'b', backends: [down(T2)] },
        { edge: 'a', backends: [down(T1)] },
      ],
      { since: T2, reason: `timeout: ${T1}` },
    ],
    [
      'by both who ask for more than a connection',
      [
        { edge: 'a', backends: [up, down(T1, http)] },
        { edge: 'b', backends: [down(T2, http)] },
      ],
      { since: T2, reason: `timeout: ${T1}` },
    ],
    [
      'not where one of them is answered what the other is not',
      [
        { edge: 'a', backends: [down(T1, http)] },
        { edge: 'b', backends: [{ ...up, ...http }] },
      ],
      undefined,
    ],
    [
      'not where the list of another was cut before it',
      [
        { edge: 'a', backends: [down(T1)] },
        { edge: 'b', backends: [], isCut: true },
      ],
      undefined,
    ],
    [
      'by both, although both lists were cut',
      [
        { edge: 'a', backends: [down(T1)], isCut: true },
        { edge: 'b', backends: [down(T1)], isCut: true },
      ],
      { since: T1, reason: `timeout: ${T1}` },
    ],
  ])('%s', (_, views, expected) => {
    const [standing] = backendStandings(views, serviceAt);
    expect(standing?.down).toEqual(expected);
  });
});

it('what edges say of an address that is nobody’s any more is left out, and all is sorted', () => {
  const views = [
    { edge: 'b', backends: [down(T1, { address: '10.100.9.9' }), up, { ...up, port: 22 }] },
    { edge: 'a', backends: [up] },
  ];
  const standings = backendStandings(views, serviceAt);
  expect(standings.map(({ service, seen }) => [serviceName(service), seen.map(({ edge }) => edge)])).toEqual([
    ['home:22', ['b']],
    ['home:8080', ['a', 'b']],
  ]);
});

it('a service behind an origin is named with its address', () => {
  expect(serviceName({ origin: 'home', host: '192.168.1.20', port: 80 })).toBe('home 192.168.1.20:80');
});
