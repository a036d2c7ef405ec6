// A redirect with its defaults filled in: for ever, keeping the method (308, RFC 9110 §15.4.9), path and query added.
import type { WireRoute } from '../../../bundle/config.ts';
import type { Redirect } from '../../../schemas/types.ts';

const STATUS_DEFAULT = 308;

export function wireRedirect({
  to,
  status = STATUS_DEFAULT,
  keepPath = true,
}: Redirect): NonNullable<WireRoute['redirect']> {
  return { to, status, ...(keepPath && { keepPath }) };
}
