// What decides how a visitor of a hostname is answered. Law: who orders or brings the certificate is nothing that a visitor sees; all else is.
import { canonicalJson } from '../../bundle/canonical.ts';
import type { WireRoute } from '../../bundle/config.ts';

/** As one text: equal texts, equal answers. */
export function servedAs({ orderer, ownCertificate, ...served }: WireRoute): string {
  return canonicalJson(served);
}

/** The same for two routes, many times faster where they are written alike: a new edge in the pool changes the orderer of many. */
export function areServedAlike(one: WireRoute, two: WireRoute): boolean {
  return asWritten(one) === asWritten(two) || servedAs(one) === servedAs(two);
}

function asWritten(route: WireRoute): string {
  return JSON.stringify({ ...route, orderer: undefined, ownCertificate: undefined });
}
