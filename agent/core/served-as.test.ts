import { expect, it } from 'vitest';
import type { WireRoute } from '../../bundle/config.ts';
import { areServedAlike, servedAs } from './served-as.ts';

const ROUTE: WireRoute = {
  hostname: 'a.test',
  backends: [{ address: '10.100.1.1', port: 8080 }],
  limits: { maxBodyBytes: 1024 },
  orderer: 'osaka-1',
};
const { hostname, ...others } = ROUTE;

it.each<[string, WireRoute, boolean]>([
  ['itself', { ...ROUTE }, true],
  ['another orderer', { ...ROUTE, orderer: 'tokyo-1' }, true],
  ['members in another order', { ...others, hostname }, true],
  ['another port', { ...ROUTE, backends: [{ address: '10.100.1.1', port: 8081 }] }, false],
  ['a login', { ...ROUTE, auth: { kind: 'basic' } }, false],
  ['another name', { ...ROUTE, hostname: 'b.test' }, false],
])('a route and %s', (_, other, alike) => {
  expect(areServedAlike(ROUTE, other)).toBe(alike);
  expect(servedAs(ROUTE) === servedAs(other)).toBe(alike);
});
