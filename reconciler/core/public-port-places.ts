// What a public port takes of the room that the edges of a pool have for all of theirs. Each is a listening socket, and stands in the
// one signed config that all teams of the pool share: long lists of one must not fill it for the others.
import type { BoundedPlace } from './bounded-places.ts';
import type { LoadedFile } from './files.ts';
import { publicPortKey, UNNAMED_POOL } from './public-port.ts';

/** What one place has room for in a config; 1 000 of them are half of it. */
export const PLACE_BYTES = 512;

/** At most, in a config: everything but the lists, a backend, a network. */
const STREAM_BYTES = 200;
const BACKEND_BYTES = 80;
const NETWORK_BYTES = 52;

/** One place, or more where the route has long lists. `defaultPool`: of a route that names none. */
export function publicPortPlaces({ value }: LoadedFile<'route'>, defaultPool = UNNAMED_POOL): BoundedPlace[] {
  const claimed = value && publicPortKey(value, defaultPool);
  if (value === undefined || claimed === undefined) return [];
  const { pool = defaultPool, backends = [], allow = [], deny = [] } = value;
  const networks = allow.length + deny.length;
  const bytes = STREAM_BYTES + Math.max(1, backends.length) * BACKEND_BYTES + networks * NETWORK_BYTES;
  const isLong = bytes > PLACE_BYTES && networks > backends.length;
  const pointer = isLong ? (allow.length >= deny.length ? '/allow' : '/deny') : '/publicPort';
  return Array.from({ length: Math.ceil(bytes / PLACE_BYTES) }, (_, part) => ({
    group: pool,
    key: `${claimed}\n${part}`,
    pointer,
  }));
}
