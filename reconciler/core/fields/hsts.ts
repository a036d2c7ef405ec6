// `hsts`: what browsers remember about a name.
import type { Hsts } from '../../../schemas/types.ts';
import { block, refuse, saidBySchema } from './field.ts';

/** https://hstspreload.org, "submission requirements". */
const PRELOAD_SECONDS_MIN = 31_536_000;

export const hsts = block<Hsts>(
  { maxAge: saidBySchema, includeSubDomains: saidBySchema, preload: saidBySchema },
  ({ maxAge, includeSubDomains, preload }, place) => {
    if (preload !== true || (maxAge >= PRELOAD_SECONDS_MIN && includeSubDomains === true)) return [];
    const found = includeSubDomains === true ? `with maxAge: ${maxAge}` : 'without includeSubDomains: true';
    const message = `found preload ${found}, expected a year or more, and includeSubDomains: true`;
    const hint = `write maxAge: ${PRELOAD_SECONDS_MIN} and includeSubDomains: true, or delete preload`;
    return [refuse(place, 'KK326', message, hint, '/preload')];
  },
);
