// One check, once. Law: it ends by its time, whatever the other side does, and leaves no connection and no program behind.
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { type Check, type CheckResult, failed, NO_ROUTE } from './check.ts';
import { checkHttp } from './check-http.ts';
import { checkIcmp } from './check-icmp.ts';
import { checkTcp } from './check-tcp.ts';
import { checkTls } from './check-tls.ts';

/** Never throws. An aborted `signal` ends it at once, as a failure that says nothing of the target. */
export async function runCheck(check: Check, timeoutMs: number, signal: AbortSignal): Promise<CheckResult> {
  if (isIP(check.address) === 0) return failed('not_an_address', 'the check names no IP address');
  const end = new AbortController();
  const stop = () => end.abort();
  const timer = setTimeout(stop, timeoutMs);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    const result = await started(check, timeoutMs, end.signal);
    if (!result.ok && signal.aborted) return failed('stopped', 'the check was stopped');
    if (!result.ok && end.signal.aborted) return failed('timeout', `no answer within ${timeoutMs} ms`);
    // A router far away may say the same of a network that is gone: that is not this machine's want of a route.
    const isOurs = result.ok || result.reason !== NO_ROUTE || !hasAddress(isIP(check.address));
    return isOurs ? result : failed('network_unreachable', 'a router on the way knows no such network');
  } catch {
    // Such as a hostname or a path that no request can hold.
    return failed('not_a_check', 'the check cannot be made');
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    end.abort();
  }
}

function started(check: Check, timeoutMs: number, signal: AbortSignal): Promise<CheckResult> {
  if (check.kind === 'tcp') return checkTcp(check, signal);
  if (check.kind === 'tls') return checkTls(check, signal);
  return check.kind === 'icmp' ? checkIcmp(check, timeoutMs, signal) : checkHttp(check, signal);
}

/** Whether this machine has an address of a family with which it could reach others. */
function hasAddress(family: number): boolean {
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some((one) => one.family === `IPv${family}` && !one.internal && !one.address.startsWith('fe80:')),
  );
}
