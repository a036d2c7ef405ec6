// What kokoa.yaml says of an authority's limits; what it does not say is as at Let's Encrypt.
import type { Kokoa } from '../../schemas/types.ts';
import { ORDER_LIMITS_DEFAULT, type OrderLimits } from './order-budget.ts';

/** `server`: URL of the ACME directory. What is said is said of `acme.server` alone. */
export function orderLimitsOf(kokoa: Kokoa | undefined, server: string): OrderLimits {
  if (kokoa === undefined || kokoa.acme.server !== server) return ORDER_LIMITS_DEFAULT;
  return { ...ORDER_LIMITS_DEFAULT, ...kokoa.acme.limits };
}
