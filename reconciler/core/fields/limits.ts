// `limits`, of a route and of the defaults in kokoa.yaml.
import type { Limits } from '../../../schemas/types.ts';
import { block, type FieldPlace, type FieldProblem, one, refuse, saidBySchema } from './field.ts';

/** Beyond it a single slow upload holds a connection, and your service's time, for minutes or hours. */
const USUAL_BODY_BYTES_MAX = 100 * 1024 ** 2;
const UNIT_BYTES: Readonly<Record<string, number>> = { k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

export const limits = block<Limits>(
  { maxBody: one(judgeBody), requestsPerSecond: saidBySchema, burst: saidBySchema, connections: saidBySchema },
  ({ burst, requestsPerSecond }, place) => {
    // Without kokoa.yaml nobody knows whether it has a rate for all.
    if (burst === undefined || place.kokoa === undefined) return [];
    if ((requestsPerSecond ?? place.kokoa.defaults?.limits?.requestsPerSecond) !== undefined) return [];
    const message = 'found burst without requestsPerSecond, expected both or neither';
    return [refuse(place, 'KK307', message, 'add requestsPerSecond beside it', '/burst')];
  },
);

function judgeBody(size: string, place: FieldPlace): FieldProblem[] {
  const bytes = Number(size.slice(0, -1)) * (UNIT_BYTES[size.slice(-1)] ?? Number.NaN);
  if (bytes <= USUAL_BODY_BYTES_MAX) return [];
  const message = `found ${size}, expected at most 100m: one slow upload of that size holds a connection, and your service, for long`;
  const hint = 'it works as it stands; where you can, upload in pieces, or give the upload a hostname of its own';
  return [{ ...refuse(place, 'KK333', message, hint), severity: 'warning' }];
}
