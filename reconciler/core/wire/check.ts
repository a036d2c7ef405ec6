// How backends are asked, as edges are told it: what stays at its default is left out.
import type { WireCheck } from '../../../bundle/config.ts';
import type { Check } from '../../../schemas/types.ts';
import { millisecondsOf } from '../duration.ts';

export function wireCheck(check: Check): WireCheck {
  const { interval, timeout, healthy, unhealthy } = check;
  return {
    ...questionOf(check),
    ...(interval !== undefined && { intervalMs: millisecondsOf(interval) }),
    ...(timeout !== undefined && { timeoutMs: millisecondsOf(timeout) }),
    ...(healthy !== undefined && { healthy }),
    ...(unhealthy !== undefined && { unhealthy }),
  };
}

function questionOf({ kind = 'tcp', path = '/', hostname, status, body, script = '' }: Check): WireCheck {
  if (kind === 'script') return { kind, script };
  if (kind !== 'http') return { kind };
  const [from, to = from] = status ?? [];
  return {
    kind,
    path,
    ...(hostname !== undefined && { hostname }),
    ...(from !== undefined && to !== undefined && { status: { from, to } }),
    ...(body !== undefined && { body }),
  };
}
