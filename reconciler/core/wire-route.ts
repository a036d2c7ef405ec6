// One route as edges are told it: origin resolved to its address, limits with the defaults filled in.
import type { WireLimits, WireRoute } from '../../bundle/config.ts';
import type { Limits } from '../../schemas/types.ts';
import { claimOf, type Desired } from './desired.ts';
import type { LoadedFile } from './files.ts';

const MAX_BODY_DEFAULT = '10m';
const UNIT_BYTES: Readonly<Record<string, number>> = { k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/**
 * Undefined when the file is not valid or its origin has no file. A revoked origin keeps its address here: it is in no tunnel
 * any more, so the host answers 502 and the chunks, which other nodes share, do not change with one node's state.
 */
export function wireRouteOf(
  file: LoadedFile<'route'> | undefined,
  desired: Desired,
  defaults: Limits,
  orderer: string | undefined,
): WireRoute | undefined {
  if (file?.value === undefined || file.hostname === undefined) return undefined;
  const address = claimOf(desired.origins, file.value.origin)?.value?.wireguard.address;
  if (address === undefined) return undefined;
  return {
    hostname: file.hostname,
    backends: [{ address, port: file.value.port }],
    limits: wireLimits(file.value.limits, defaults),
    ...(orderer !== undefined && { orderer }),
  };
}

/** Member by member: the route's, else the fleet's default, else the built-in 10m. */
function wireLimits(limits: Limits = {}, defaults: Limits): WireLimits {
  const { maxBody, requestsPerSecond, burst, connections } = { ...defaults, ...limits };
  return {
    maxBodyBytes: bytesOf(maxBody ?? MAX_BODY_DEFAULT),
    ...(requestsPerSecond !== undefined && { requestsPerSecond }),
    ...(burst !== undefined && requestsPerSecond !== undefined && { burst }),
    ...(connections !== undefined && { connections }),
  };
}

/** `10m` → 10485760. The schema admits only a number and one of k, m, g. */
function bytesOf(size: string): number {
  return Number(size.slice(0, -1)) * (UNIT_BYTES[size.slice(-1)] ?? Number.NaN);
}
