// Where requests go, as the properties of a route or a path say it together: one way, whole, and with nothing beside it that
// belongs to another.
import type { Path, Route } from '../../../schemas/types.ts';
import { isLayer4 } from '../public-port.ts';
import { type FieldPlace, type FieldProblem, refuse } from './field.ts';

const SINGLE = ['origin', 'port', 'host'] as const;
/** They say how backends are reached, so they stand beside them. */
const MANNER = ['sticky', 'check', 'protocol', 'originTls'] as const;

type Place = Pick<Route, (typeof SINGLE)[number] | (typeof MANNER)[number] | 'backends' | 'redirect'>;

/** Of a route. */
export function judgeRouteDestination(route: Route, place: FieldPlace): FieldProblem[] {
  const { origin, backends, redirect } = route;
  const none = [...SINGLE, 'backends' as const, 'redirect' as const].every((name) => route[name] === undefined);
  if (none) {
    const message = 'found no origin, backends or redirect, expected one of them';
    return [refuse(place, 'KK308', message, 'add the lines origin and port')];
  }
  if (redirect !== undefined) return judgeBeside(route, [...SINGLE, 'backends'], 'redirect', place);
  return [...judgeWhole(route, place), ...((origin ?? backends) ? judgeManner(route, place) : [])];
}

/** Of a path, which may leave it to the route. */
export function judgePathDestination(path: Path, place: FieldPlace): FieldProblem[] {
  if ([...SINGLE, 'backends' as const].some((name) => path[name] !== undefined))
    return [...judgeWhole(path, place), ...judgeManner(path, place)];
  return MANNER.filter((name) => path[name] !== undefined).map((name) => {
    const message = `found ${name} on a path that goes where the route goes, expected it beside origin or backends`;
    return refuse(place, 'KK310', message, `add origin and port here, or write ${name} on the route`, `/${name}`);
  });
}

/** `origin` and `port` together, and not beside `backends`. */
function judgeWhole(at: Place, place: FieldPlace): FieldProblem[] {
  if (at.backends !== undefined) return judgeBeside(at, SINGLE, 'backends', place);
  const missing = (['origin', 'port'] as const).filter((name) => at[name] === undefined);
  if (missing.length === 0) return [];
  const alone = SINGLE.find((name) => at[name] !== undefined)!;
  const message = `found ${alone} without ${missing.join(' and ')}, expected origin and port together`;
  return [refuse(place, 'KK308', message, `add ${missing.join(' and ')} beside it`, `/${alone}`)];
}

function judgeBeside(at: Place, names: readonly (keyof Place)[], other: string, place: FieldPlace): FieldProblem[] {
  return names
    .filter((name) => at[name] !== undefined)
    .map((name) => {
      const message = `found ${name} beside ${other}, expected one of them`;
      return refuse(place, 'KK309', message, `delete ${name}, or delete ${other}`, `/${name}`);
    });
}

function judgeManner(at: Place, place: FieldPlace): FieldProblem[] {
  const { sticky, protocol, originTls, backends = [] } = at;
  const problems: FieldProblem[] = [];
  if (sticky === true && backends.some(({ backup }) => backup === true)) {
    const message = 'found sticky beside a backup, expected one of them';
    problems.push(refuse(place, 'KK312', message, 'delete sticky, or delete backup: true', '/sticky'));
  }
  if (protocol === 'https' && originTls === undefined) {
    const message = 'found protocol: https without originTls, expected it to say how the certificate is judged';
    problems.push(refuse(place, 'KK319', message, 'add originTls: {verify: public}, or ca, or none', '/protocol'));
  }
  if (protocol !== 'https' && originTls !== undefined && !isLayer4(at)) {
    const message = `found originTls with protocol: ${protocol ?? 'http'}, expected it with https only`;
    problems.push(refuse(place, 'KK319', message, 'write protocol: https, or delete originTls', '/originTls'));
  }
  return problems;
}
