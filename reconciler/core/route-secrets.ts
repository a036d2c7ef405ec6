// Everything of a route that stands elsewhere: lists of users, and a certificate of its own.
import type { CertificateReference, Route, SecretReference } from '../../schemas/types.ts';
import type { LoadedFile } from './files.ts';

export interface RouteSecret {
  reference: SecretReference;
  /** Of a certificate and its key: the canonical hostname that it must be for. Absent: a list of users. */
  hostname?: string;
}

/** Of a route that visitors reach by name; one with a public port has nothing of the kind. */
export function secretsOf({ value, hostname }: Pick<LoadedFile<'route'>, 'value' | 'hostname'>): RouteSecret[] {
  if (value === undefined) return [];
  const certificate = ownCertificateOf(value);
  const users = usersOf(value).map((reference): RouteSecret => ({ reference }));
  return certificate === undefined || hostname === undefined ? users : [...users, { reference: certificate, hostname }];
}

/** Undefined: the edges order one, or the backend has it, as with what passes through unopened. */
export function ownCertificateOf({ tls, protocol }: Pick<Route, 'tls' | 'protocol'>): CertificateReference | undefined {
  return protocol === 'tls' ? undefined : tls?.certificate;
}

/** Every secret that holds user names and passwords of a route. */
export function usersOf({ auth, paths }: Route): SecretReference[] {
  if (auth === undefined && paths === undefined) return [];
  return [auth, ...(paths ?? []).map((path) => path.auth)].flatMap((one) => one?.basic?.users ?? []);
}
