// Sizes and times as numbers: bytes and milliseconds.
import type { WireLimits, WireRoute } from '../../../bundle/config.ts';
import type { Limits, Timeouts } from '../../../schemas/types.ts';
import { millisecondsOf } from '../duration.ts';

const MAX_BODY_DEFAULT = '10m';
const UNIT_BYTES: Readonly<Record<string, number>> = { k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** Member by member: the route's, else the fleet's default, else the built-in 10m. */
export function wireLimits(limits: Limits = {}, defaults: Limits): WireLimits {
  const { maxBody, requestsPerSecond, burst, connections } = { ...defaults, ...limits };
  return {
    maxBodyBytes: bytesOf(maxBody ?? MAX_BODY_DEFAULT),
    ...(requestsPerSecond !== undefined && { requestsPerSecond }),
    ...(burst !== undefined && requestsPerSecond !== undefined && { burst }),
    ...(connections !== undefined && { connections }),
  };
}

/** What the route itself says; the edge has a default for the rest. */
export function wireTimeouts({ connect, read, send }: Timeouts): NonNullable<WireRoute['timeouts']> {
  return {
    ...(connect !== undefined && { connectMs: millisecondsOf(connect) }),
    ...(read !== undefined && { readMs: millisecondsOf(read) }),
    ...(send !== undefined && { sendMs: millisecondsOf(send) }),
  };
}

/** `10m` → 10485760. The schema admits only a number and one of k, m, g. */
function bytesOf(size: string): number {
  return Number(size.slice(0, -1)) * (UNIT_BYTES[size.slice(-1)] ?? Number.NaN);
}
