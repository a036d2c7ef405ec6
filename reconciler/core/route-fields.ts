// What judges each field of a route, and how fields go together. Law: a property of the schema without a check here does not compile;
// a test walks the schema for those that are nested.
import type { CertificateReference, Route, Tls } from '../../schemas/types.ts';
import { auth } from './fields/auth.ts';
import { backends } from './fields/backends.ts';
import { check, judgeChecks } from './fields/check.ts';
import { judgeRouteDestination } from './fields/destination.ts';
import { errorPages } from './fields/error-pages.ts';
import { expiresAt } from './fields/expires-at.ts';
import { block, type FieldPlace, type FieldProblem, judgeField, refuse, saidBySchema } from './fields/field.ts';
import { judgeOwners } from './fields/header-owners.ts';
import { headers } from './fields/headers.ts';
import { host } from './fields/host.ts';
import { hsts } from './fields/hsts.ts';
import { judgeLayer4 } from './fields/layer-4.ts';
import { limits } from './fields/limits.ts';
import { maintenance } from './fields/maintenance.ts';
import { networks } from './fields/networks.ts';
import { originTls } from './fields/origin-tls.ts';
import { judgeStripped, paths } from './fields/paths.ts';
import { redirect } from './fields/redirect.ts';
import { judgeShared } from './fields/shared-certificate.ts';
import { timeouts } from './fields/timeouts.ts';
import { isLayer4 } from './public-port.ts';

export const routeFields = block<Route>(
  {
    // The loader makes it canonical, refuses what is no hostname, and one beside a public port; whose they are stands in check-route.ts,
    // as for origin and pool.
    hostname: saidBySchema,
    origin: saidBySchema,
    port: saidBySchema,
    host,
    backends,
    sticky: saidBySchema,
    check,
    protocol: saidBySchema,
    publicPort: saidBySchema,
    proxyProtocol: saidBySchema,
    originTls,
    auth,
    allow: networks,
    deny: networks,
    paths,
    limits,
    timeouts,
    headers,
    hsts,
    // Where the certificate stands is asked when it is read.
    tls: block<Tls>({ certificate: block<CertificateReference>({ file: saidBySchema, credential: saidBySchema }) }),
    redirect,
    maintenance,
    errorPages,
    expiresAt,
    pool: saidBySchema,
  },
  (route, place) => [
    ...judgeRouteDestination(route, place),
    ...judgeLayer4(route, place),
    ...judgeShared(route, place),
    ...judgeChecks(route, place),
    ...judgeStripped(route, place),
    ...judgeBesideRedirect(route, place),
    ...judgeOwners(route, place),
  ],
);

/** Every problem of a route by itself that its schema cannot say. */
export function judgeRouteFields(route: Route, place: Omit<FieldPlace, 'pointer'>): FieldProblem[] {
  return judgeField(routeFields, route, { ...place, pointer: '' });
}

/** A redirect answers everybody at once: what would come later, or lead elsewhere, has no effect beside it. */
const BESIDE_REDIRECT: readonly [step: string, of: (route: Route) => unknown][] = [
  ['/sticky', ({ sticky }) => sticky],
  ['/check', (route) => route.check],
  ['/protocol', ({ protocol }) => protocol],
  ['/originTls', (route) => route.originTls],
  ['/auth', (route) => route.auth],
  ['/allow', ({ allow }) => allow],
  ['/deny', ({ deny }) => deny],
  ['/paths', (route) => route.paths],
  ['/limits/maxBody', (route) => route.limits?.maxBody],
  ['/timeouts', (route) => route.timeouts],
  ['/headers/request', (route) => route.headers?.request],
  ['/maintenance', (route) => route.maintenance],
  ['/errorPages/502', (route) => route.errorPages?.['502']],
  ['/errorPages/503', (route) => route.errorPages?.['503']],
  ['/errorPages/504', (route) => route.errorPages?.['504']],
];

function judgeBesideRedirect(route: Route, place: FieldPlace): FieldProblem[] {
  // With layer 4 it is the redirect that cannot be.
  if (route.redirect === undefined || isLayer4(route)) return [];
  return BESIDE_REDIRECT.filter(([, of]) => of(route) !== undefined).map(([step]) => {
    const message = 'found it beside redirect, which answers everybody at once, expected one of them';
    return refuse(place, 'KK311', message, 'delete it, or delete redirect', step);
  });
}
