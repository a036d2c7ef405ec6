// One machine under several addresses. Law: it is well when it is well at each of them; an address that this machine has no route to says
// nothing of it, unless there is no other.
import { type Check, type CheckResult, NO_ROUTE } from './check.ts';

/** Asks all at once; the reason is that of the first that failed. `checks`: one or more. */
export async function atEveryAddress(
  checks: readonly Check[],
  run: (check: Check) => Promise<CheckResult>,
): Promise<CheckResult> {
  const results = await Promise.all(checks.map(run));
  const telling = results.filter((result) => result.ok || result.reason !== NO_ROUTE);
  return telling.find(({ ok }) => !ok) ?? telling[0] ?? { ok: false, reason: NO_ROUTE };
}
