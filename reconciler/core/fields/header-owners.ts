// One header, one owner: what a login service or hsts decides is not changed again by `headers`.
import type { Route } from '../../../schemas/types.ts';
import { type FieldPlace, type FieldProblem, refuse } from './field.ts';

/** Of a route with all its paths. */
export function judgeOwners(route: Route, place: FieldPlace): FieldProblem[] {
  const { request = {}, response = {} } = route.headers ?? {};
  const changed = new Set(
    [...Object.keys(request.set ?? {}), ...(request.remove ?? [])].map((name) => name.toLowerCase()),
  );
  const problems = (changed.size === 0 ? [] : identityHeaders(route))
    .filter(({ name }) => changed.has(name.toLowerCase()))
    .map(({ name, step }) => {
      const message = `found ${name}, which headers.request changes too, expected one of them`;
      return refuse(place, 'KK325', message, 'keep one of them; case makes no difference', step);
    });
  const removed = (response.remove ?? []).findIndex((name) => name.toLowerCase() === 'strict-transport-security');
  if (route.hsts === undefined || removed === -1) return problems;
  const message = `found ${response.remove![removed]!}, which hsts sets, expected one of them`;
  const hint = "delete this line: with hsts the service's own header is replaced anyway";
  return [...problems, refuse(place, 'KK325', message, hint, `/headers/response/remove/${removed}`)];
}

function identityHeaders(route: Route): { name: string; step: string }[] {
  const places = [
    { auth: route.auth, at: '' },
    ...(route.paths ?? []).map(({ auth }, n) => ({ auth, at: `/paths/${n}` })),
  ];
  return places.flatMap(({ auth, at }) =>
    (auth?.forward?.identityHeaders ?? []).map((name, n) => ({
      name,
      step: `${at}/auth/forward/identityHeaders/${n}`,
    })),
  );
}
