// Whom an edge asks whether he can answer, and how: every backend of every place, through the tunnel. Pure. Law: what a route says counts, and what
// it does not say is made of the route; however many there are, an edge asks only so many in a second, beside those that somebody hurries.
import type { BackendView } from '../../bundle/api.ts';
import { canonicalJson, sha256Hex } from '../../bundle/canonical.ts';
import { isWildcard } from '../../bundle/certificate-name.ts';
import type {
  CheckPace,
  Chunk,
  WireBackend,
  WireCheck,
  WirePlace,
  WireRoute,
  WireStream,
} from '../../bundle/config.ts';
import { CHECK_INTERVAL_MS_MIN } from '../../bundle/config-schema.ts';
import { SCRIPTS_PORT } from '../../bundle/script-check.ts';
import type { Check } from '../../checks/check.ts';
import { nameOf } from './alternatives.ts';

/** Where nobody wrote another. A backend that fails is down after 10 to 17 s. */
export const BACKEND_PACE: CheckPace = { intervalMs: 5_000, timeoutMs: 2_000, healthy: 2, unhealthy: 3 };
/** Of a backend that nobody could stand in for, and of which nobody wrote how to ask: only people want to know. */
const ALONE_INTERVAL_MS = 30_000;
/** Of those with a stand-in or a check of their own, and as many of all others: beyond that they are asked more rarely. */
export const ASKED_PER_SECOND_MAX = 50;
/** Of each of the two, when nobody answers. */
export const WAITING_MAX = 128;
/** However many they are. */
const INTERVAL_MS_MAX = 24 * 3_600_000;

/** What a place says of its backends. */
export type CheckedPlace = Pick<WirePlace, 'backends' | 'check' | 'protocol' | 'originTls'>;

/** How one backend is asked. */
export interface BackendCheck {
  /** Equal: the same question at the same pace. */
  id: string;
  check: Check;
  pace: CheckPace;
  /** Another one of its place could answer. */
  severally: boolean;
  /** That, or somebody wrote how. */
  matters: boolean;
  view: Pick<BackendView, 'address' | 'port' | 'check' | 'hostname' | 'script'>;
}

/** Undefined: it is not asked. `hostname`: of the route; empty for a public port. */
export function checkOf(place: CheckedPlace, backend: WireBackend, hostname: string): BackendCheck | undefined {
  const { check: wire = { kind: 'tcp' }, backends } = place;
  const { address, port } = backend;
  const asked = questionOf(wire, place, backend, hostname);
  if (asked === undefined) return undefined;
  const severally = backends.length > 1;
  const matters = severally || place.check !== undefined;
  const pace = paceOf(wire, matters);
  const { kind } = asked.view;
  const question = sha256Hex(canonicalJson({ check: asked.check, pace })).slice(0, 16);
  return {
    id: `${kind} ${address}:${port} ${question}`,
    ...{ check: asked.check, pace, severally, matters },
    view: { address, port, check: kind, ...asked.view.of },
  };
}

interface Asked {
  check: Check;
  view: { kind: BackendView['check']; of?: Pick<BackendView, 'hostname' | 'script'> };
}

function questionOf(wire: WireCheck, place: CheckedPlace, backend: WireBackend, routeName: string): Asked | undefined {
  const { address, port } = backend;
  switch (wire.kind) {
    case 'none':
      return undefined;
    case 'tcp':
      return { check: { kind: 'tcp', address, port }, view: { kind: 'tcp' } };
    case 'icmp':
      return { check: { kind: 'icmp', address }, view: { kind: 'icmp' } };
    case 'script': {
      const path = `/${wire.script}`;
      const check = { kind: 'http', address, port: SCRIPTS_PORT, hostname: address, path, status: ONLY_200 } as const;
      return { check, view: { kind: 'script', of: { script: wire.script } } };
    }
    case 'http': {
      const kind = place.protocol === 'https' ? 'https' : 'http';
      const named = wire.hostname ?? (kind === 'https' ? place.originTls?.serverName : undefined) ?? routeName;
      // Nobody can be asked for `*`.
      const hostname = isWildcard(named) || named === '' ? address : named;
      const { path, status, body } = wire;
      const check = { kind, address, port, hostname, path, ...(status && { status }), ...(body && { body }) } as const;
      return { check, view: { kind, of: { hostname } } };
    }
  }
}

const ONLY_200 = { from: 200, to: 200 } as const;

function paceOf(wire: WireCheck, matters: boolean): CheckPace {
  const { intervalMs = matters ? BACKEND_PACE.intervalMs : ALONE_INTERVAL_MS } = wire;
  const { timeoutMs = Math.min(BACKEND_PACE.timeoutMs, intervalMs) } = wire;
  const { healthy = BACKEND_PACE.healthy, unhealthy = BACKEND_PACE.unhealthy } = wire;
  return { intervalMs, timeoutMs: Math.min(timeoutMs, intervalMs), healthy, unhealthy };
}

/** A chunk is the same object while its routes are the same: a change costs what it changes. */
const known = new WeakMap<Chunk, readonly BackendCheck[]>();
const named = new WeakMap<Chunk, readonly string[]>();

/** Every question once; what matters comes first. */
export function backendChecks(chunks: readonly Chunk[], streams: readonly WireStream[] = []): BackendCheck[] {
  const found = new Map<string, BackendCheck>();
  for (const one of [...chunks.flatMap(checksOfChunk), ...streams.flatMap(checksOfStream)]) {
    const known = found.get(one.id);
    // Whoever asks the same first says nothing of the others.
    if (known === undefined || weightOf(one) > weightOf(known)) found.set(one.id, one);
  }
  const all = [...found.values()];
  const first = all.filter(({ matters }) => matters);
  const asked = new Set(first.map(({ view }) => nameOf(view)));
  const others = all.filter(({ matters, view }) => !matters && !asked.has(nameOf(view)));
  return [...slowed(first), ...slowed(others)];
}

function weightOf({ severally, matters }: BackendCheck): number {
  return Number(severally) * 2 + Number(matters);
}

/** Backends that are down while they are among several of a place: sorted names of checks. */
export function downAmongSeveral(
  chunks: readonly Chunk[],
  streams: readonly WireStream[] | undefined,
  down: ReadonlySet<string>,
): string[] {
  if (down.size === 0) return [];
  return backendChecks(chunks, streams)
    .flatMap(({ id, severally }) => (severally && down.has(id) ? id : []))
    .sort();
}

/** `ADDRESS:PORT` of every backend, asked or not. */
export function backendNames(chunks: readonly Chunk[], streams: readonly WireStream[] = []): Set<string> {
  return new Set([...chunks.flatMap(namesOfChunk), ...streams.flatMap(({ backends }) => backends.map(nameOf))]);
}

function namesOfChunk(chunk: Chunk): readonly string[] {
  const before = named.get(chunk);
  if (before) return before;
  const names = chunk.routes.flatMap((route) => placesOf(route).flatMap(({ backends }) => backends.map(nameOf)));
  named.set(chunk, names);
  return names;
}

function checksOfChunk(chunk: Chunk): readonly BackendCheck[] {
  const before = known.get(chunk);
  if (before) return before;
  const checks = chunk.routes.flatMap(checksOfRoute);
  known.set(chunk, checks);
  return checks;
}

function checksOfRoute(route: WireRoute): BackendCheck[] {
  return placesOf(route).flatMap((place) => checksOfPlace(place, route.hostname));
}

/** Login services too. */
function placesOf(route: WireRoute): CheckedPlace[] {
  const places = [route, ...(route.paths ?? [])];
  const logins = places.flatMap(({ auth }) => (auth?.kind === 'forward' ? { backends: [auth] } : []));
  return [...places, ...logins];
}

function checksOfStream(stream: WireStream): BackendCheck[] {
  return checksOfPlace(checkedStream(stream), '');
}

/** A datagram that nobody answers says nothing, and a service that speaks first may write down whoever goes away again. */
export function checkedStream({ protocol, backends, check }: WireStream): CheckedPlace {
  const unasked = protocol === 'udp' || backends.length === 1 ? ({ check: { kind: 'none' } } as const) : {};
  return { backends, ...(check ? { check } : unasked) };
}

function checksOfPlace(place: CheckedPlace, hostname: string): BackendCheck[] {
  return place.backends.flatMap((backend) => checkOf(place, backend, hostname) ?? []);
}

/**
 * Those that would be asked most often are asked more rarely first, where they are too many for a second, or would wait for too many answers at once
 * when nobody answers. In doubled steps, so that a route more or less changes nobody's pace.
 */
function slowed(checks: readonly BackendCheck[]): readonly BackendCheck[] {
  let leastMs = CHECK_INTERVAL_MS_MIN;
  while (leastMs < INTERVAL_MS_MAX && !isBearable(checks, leastMs)) leastMs *= 2;
  if (leastMs === CHECK_INTERVAL_MS_MIN) return checks;
  return checks.map((one) =>
    one.pace.intervalMs >= leastMs ? one : { ...one, pace: { ...one.pace, intervalMs: leastMs } },
  );
}

function isBearable(checks: readonly BackendCheck[], leastMs: number): boolean {
  let [perSecond, waiting] = [0, 0];
  for (const { pace } of checks) {
    const intervalMs = Math.max(pace.intervalMs, leastMs);
    perSecond += 1_000 / intervalMs;
    waiting += pace.timeoutMs / intervalMs;
  }
  return perSecond <= ASKED_PER_SECOND_MAX && waiting <= WAITING_MAX;
}
