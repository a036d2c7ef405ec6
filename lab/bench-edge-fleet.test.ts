// The benchmark's routes are what it says they are, and pass every rule of the product.
import { beforeAll, expect, test } from 'vitest';
import { announcements, dressedRoutes, type Fleet, fleetFiles, plainRoutes } from './bench-edge-fleet.ts';
import { type Told, tellEdge } from './bench-edge-told.ts';

const ROUTES = 1_000;
const FLEET: Fleet = { prefix: '10.100', teams: 10, origins: 5 };
const GIVEN = { enrolments: announcements(FLEET, `age1${'q'.repeat(58)}`), sealed: { of: () => 'QUJD' } };

let plain: Told;
let dressed: Told;

beforeAll(() => {
  const files = { ...fleetFiles(FLEET), ...plainRoutes(ROUTES, FLEET) };
  plain = tellEdge(files, GIVEN);
  dressed = tellEdge({ ...files, ...dressedRoutes(ROUTES, FLEET) }, GIVEN, plain);
});

const routesOf = ({ chunks }: Told) => chunks.flatMap(({ routes }) => routes);

test('plain ones say where they go, each elsewhere', () => {
  const routes = routesOf(plain);
  expect(new Set(routes.map(({ backends }) => JSON.stringify(backends))).size).toBe(ROUTES);
  expect(new Set(routes.map(({ limits }) => JSON.stringify(limits))).size).toBe(1);
  expect(routes.filter(({ paths, allow, auth }) => paths ?? allow ?? auth)).toEqual([]);
});

test('of the dressed ones a tenth have paths of their own and a fiftieth limits of their own', () => {
  const routes = routesOf(dressed);
  expect(routes).toHaveLength(ROUTES);
  const divided = routes.filter(({ paths }) => paths);
  expect(divided).toHaveLength(ROUTES / 10);
  expect(new Set(divided.map(({ paths }) => paths!.map(({ prefix }) => prefix).join(' '))).size).toBe(ROUTES / 10);
  expect(divided.filter(({ paths }) => paths!.some(({ stripPrefix }) => stripPrefix))).toHaveLength(34);
  expect(divided.filter(({ paths }) => paths!.some(({ allow }) => allow))).toHaveLength(5);
  expect(divided.filter(({ paths }) => paths!.some(({ auth }) => auth?.kind === 'basic'))).toHaveLength(2);
  const limited = routes.filter(({ limits }) => limits.requestsPerSecond);
  expect(limited.filter(({ paths }) => paths)).toHaveLength(ROUTES / 100);
  expect(new Set(limited.map(({ limits }) => JSON.stringify(limits))).size).toBe(ROUTES / 50);
});

test('what did not change is not parsed again', () => {
  const kept = [...dressed.loaded].filter(([path, file]) => plain.loaded.get(path) === file);
  expect(kept).toHaveLength(plain.loaded.size - Object.keys(dressedRoutes(ROUTES, FLEET)).length);
});

test('a route that breaks a rule is named', () => {
  const files = { ...fleetFiles(FLEET), 'routes/team-0/a.team-1.example.net.yaml': 'hostname: a.team-1.example.net\n' };
  expect(() => tellEdge(files, GIVEN)).toThrow('routes/team-0/a.team-1.example.net.yaml: ');
});
