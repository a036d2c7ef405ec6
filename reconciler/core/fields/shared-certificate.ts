// A certificate that a route brings. Law: none takes the place of the wildcard of a zone, because the hosts of other teams are served by
// that one: whoever brought it would know the key of them all.
import type { Route } from '../../../schemas/types.ts';
import { certificateRulesOf, isShared } from '../certificate-rules.ts';
import { ownCertificateOf } from '../route-secrets.ts';
import { type FieldPlace, type FieldProblem, refuse } from './field.ts';

export function judgeShared(route: Route, place: FieldPlace): FieldProblem[] {
  const { hostname, kokoa } = place;
  if (hostname === undefined || ownCertificateOf(route) === undefined) return [];
  if (!isShared(hostname, certificateRulesOf(kokoa))) return [];
  const message = `found a certificate for ${hostname}, by which all hosts of the zone ${hostname.slice(2)} are served, expected none`;
  const hint = 'delete tls.certificate: the edges order that one; or ask an operator to delete wildcard from the zone';
  return [{ ...refuse(place, 'KK356', message, hint, '/tls/certificate'), part: 'key' }];
}
