// A chunk holds each long text of a route once: certificates of an authority, sealed users, a sealed certificate of its own. Law: packing
// and unpacking lose nothing, the same route is the same bytes, and in a packed route every number stands for a text and every text is
// meant by a number.
import type { RouteTexts, WireAuth, WireOriginTls, WirePlace, WireRoute } from './config.ts';

/** A route as a chunk holds it: in place of a long text its number in the list of its kind, from 0. */
export interface PackedRoute extends WireRoute<number> {
  texts?: RouteTexts;
}

/** A chunk as it is published. */
export interface PackedChunk {
  routes: PackedRoute[];
}

const KINDS = ['ca', 'certificate', 'sealed'] as const satisfies (keyof RouteTexts)[];
type Kind = (typeof KINDS)[number];
type Convert<From, To> = (kind: Kind, text: From) => To;

/** A route without long texts, as nearly all are, is its own packed form. */
export function packRoute(route: WireRoute): PackedRoute {
  const found = textsOf(route);
  if (found.length === 0) return route as PackedRoute & WireRoute;
  const lists = KINDS.map(
    (kind) => [kind, [...new Set(found.filter(([one]) => one === kind).map(([, text]) => text))].sort()] as const,
  );
  const texts: RouteTexts = Object.fromEntries(lists.filter(([, list]) => list.length > 0));
  return { ...converted(route, (kind, text: string) => texts[kind]!.indexOf(text)), texts };
}

/** What `packRoute` packed, or any other of which `textsProblem` says nothing. */
export function unpackRoute(packed: PackedRoute): WireRoute {
  if (packed.texts === undefined) return packed as PackedRoute & WireRoute;
  const { texts, ...route } = packed;
  return converted(route, (kind, at: number) => texts[kind]![at]!);
}

/** In words, what keeps a packed route from meaning exactly one route; undefined: nothing. */
export function textsProblem(route: PackedRoute): string | undefined {
  const found = textsOf(route);
  if (found.length === 0 && route.texts === undefined) return undefined;
  for (const kind of KINDS) {
    const list = route.texts?.[kind] ?? [];
    const used = new Set(found.filter(([one]) => one === kind).map(([, at]) => at));
    if ([...used].some((at) => at >= list.length)) return `a number without a text of ${kind}`;
    if (used.size < list.length) return `a text of ${kind} that no number means`;
    if (list.some((text, at) => at > 0 && text <= list[at - 1]!)) return `texts of ${kind} that are not ascending`;
  }
  return undefined;
}

/** Every use of a text: a chunk has thousands of routes without any, so those cost next to nothing. */
function textsOf<Text>(route: WireRoute<Text>): [kind: Kind, text: Text][] {
  const found: [kind: Kind, text: Text][] = [];
  noteTexts(route, found);
  const own = route.ownCertificate?.sealed;
  if (own !== undefined) found.push(['certificate', own]);
  for (const path of route.paths ?? []) noteTexts(path, found);
  return found;
}

function noteTexts<Text>({ auth, originTls }: WirePlace<Text>, found: [kind: Kind, text: Text][]): void {
  if (auth?.kind === 'basic' && auth.sealed !== undefined) found.push(['sealed', auth.sealed]);
  if (originTls?.verify === 'ca') found.push(['ca', originTls.ca]);
}

function converted<From, To>(route: WireRoute<From>, to: Convert<From, To>): WireRoute<To> {
  const { auth, originTls, paths, ownCertificate, ...rest } = route;
  const own = ownCertificate?.sealed;
  return {
    ...rest,
    ...convertedPart({ auth, originTls }, to),
    ...(ownCertificate && { ownCertificate: own === undefined ? {} : { sealed: to('certificate', own) } }),
    ...(paths && {
      paths: paths.map(({ auth, originTls, ...path }) => ({ ...path, ...convertedPart({ auth, originTls }, to) })),
    }),
  };
}

/** What of a place may hold long texts. */
interface LongPart<Text> {
  auth: WireAuth<Text> | undefined;
  originTls: WireOriginTls<Text> | undefined;
}

function convertedPart<From, To>(
  { auth, originTls }: LongPart<From>,
  to: Convert<From, To>,
): Pick<WirePlace<To>, 'auth' | 'originTls'> {
  return {
    ...(auth && { auth: convertedLogin(auth, to) }),
    ...(originTls && {
      originTls: originTls.verify === 'ca' ? { ...originTls, ca: to('ca', originTls.ca) } : originTls,
    }),
  };
}

function convertedLogin<From, To>(auth: WireAuth<From>, to: Convert<From, To>): WireAuth<To> {
  if (auth.kind === 'forward') return auth;
  const { sealed } = auth;
  return { kind: 'basic', ...(sealed !== undefined && { sealed: to('sealed', sealed) }) };
}
