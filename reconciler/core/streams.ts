// Every pool's public ports, brought up to date from an earlier state by looking only at those that something touched. Law: a function
// of what is desired now; a pool in which nothing changed for its edges keeps the very list that they were told.
import { canonicalJson } from '../../bundle/canonical.ts';
import type { WireStream } from '../../bundle/config.ts';
import type { Limits, Route } from '../../schemas/types.ts';
import { claimOf } from './claims.ts';
import type { LoadedFile } from './files.ts';
import { changedKeys, entriesOf, type PersistentMap } from './persistent-map.ts';
import { indexedPortKeys, publicPortKey, resolvedPortKey } from './public-port.ts';
import type { Moment } from './touched-routes.ts';
import { wireStreamOf } from './wire-stream.ts';

export interface StreamEntry {
  route: Route;
  wire: WireStream;
}

/** The open public ports of a pool; never none. */
export interface PoolStreams {
  /** By publicPortKey. */
  readonly entries: ReadonlyMap<string, StreamEntry>;
  /** As edges are told: sorted by protocol, then port. */
  readonly list: readonly WireStream[];
}

/** By pool. */
export type Streams = ReadonlyMap<string, PoolStreams>;

export interface StreamGround extends Moment {
  settings: { defaultPool: string; limits: Limits };
}

const NOTHING: PoolStreams = { entries: new Map(), list: [] };

/** `previous` undefined: from nothing. `touched`: routes whose file is what it was. The same result, at the cost of what changed. */
export function streamsOf(
  next: StreamGround,
  previous: (StreamGround & { streams: Streams }) | undefined,
  touched: Iterable<LoadedFile<'route'>>,
): Streams {
  const byPool = new Map<string, Map<string, StreamEntry | undefined>>();
  for (const key of touchedPorts(next, previous, touched)) {
    const pool = poolOf(key);
    const changes = byPool.get(pool) ?? new Map<string, StreamEntry | undefined>();
    byPool.set(pool, changes.set(key, entryOf(key, next, previous?.streams.get(pool)?.entries.get(key))));
  }
  const streams = new Map(previous?.streams);
  for (const [pool, changes] of byPool) {
    const after = updated(streams.get(pool) ?? NOTHING, changes);
    if (after.entries.size > 0) streams.set(pool, after);
    else streams.delete(pool);
  }
  return streams;
}

/** As people call a public port: `tcp 25565`. */
export function streamName({ protocol, port }: Pick<WireStream, 'protocol' | 'port'>): string {
  return `${protocol} ${port}`;
}

/** The pool of a publicPortKey. */
function poolOf(key: string): string {
  return key.slice(0, key.indexOf('\n'));
}

function touchedPorts(
  { desired, settings }: StreamGround,
  previous: StreamGround | undefined,
  touched: Iterable<LoadedFile<'route'>>,
): Set<string> {
  const { defaultPool } = settings;
  const indexed = previous
    ? changedKeys(previous.desired.routesByPublicPort, desired.routesByPublicPort)
    : keysOf(desired.routesByPublicPort);
  const keys = new Set<string>();
  for (const key of indexed) keys.add(resolvedPortKey(key, defaultPool));
  for (const { value } of touched) {
    const key = value && publicPortKey(value, defaultPool);
    if (key !== undefined) keys.add(key);
  }
  return keys;
}

/** `before` itself, or its wire, where they say the same. */
function entryOf(
  key: string,
  { desired, settings, nowMs }: StreamGround,
  before: StreamEntry | undefined,
): StreamEntry | undefined {
  const claims = indexedPortKeys(key, settings.defaultPool).map((one) => claimOf(desired.routesByPublicPort, one));
  const [file] = claims.filter((one) => one !== undefined).sort((a, b) => (a.path < b.path ? -1 : 1));
  const fresh = wireStreamOf(file, { desired, limits: settings.limits, nowMs });
  if (file?.value === undefined || fresh === undefined) return undefined;
  const wire = before && canonicalJson(before.wire) === canonicalJson(fresh) ? before.wire : fresh;
  return wire === before?.wire && file.value === before.route ? before : { route: file.value, wire };
}

function updated(before: PoolStreams, changes: ReadonlyMap<string, StreamEntry | undefined>): PoolStreams {
  if ([...changes].every(([key, entry]) => before.entries.get(key) === entry)) return before;
  const entries = new Map(before.entries);
  for (const [key, entry] of changes) {
    if (entry === undefined) entries.delete(key);
    else entries.set(key, entry);
  }
  if ([...changes].every(([key, entry]) => before.entries.get(key)?.wire === entry?.wire))
    return { entries, list: before.list };
  const list = [...entries.values()].map(({ wire }) => wire).sort(byProtocolAndPort);
  return { entries, list };
}

function byProtocolAndPort(a: WireStream, b: WireStream): number {
  return a.protocol === b.protocol ? a.port - b.port : a.protocol < b.protocol ? -1 : 1;
}

function* keysOf(map: PersistentMap<unknown>): Generator<string> {
  for (const [key] of entriesOf(map)) yield key;
}
