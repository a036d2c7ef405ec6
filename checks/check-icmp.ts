// Whether an echo request is replied to, by `ping` of iputils, which alone has the right to send one. Law: the program ends at the timeout,
// and an address that is none never becomes one of its arguments.
import { isIPv6 } from 'node:net';
import { execa } from 'execa';
import { type CheckResult, failed, type IcmpCheck, NO_ROUTE } from './check.ts';

/** Its own exit codes: 1 is no reply, 2 everything else. */
const NO_REPLY = 1;
const OUTPUT_CHARACTERS_MAX = 4_000;

/** `address` is one: `runCheck` looked. An aborted `signal` is a failure. */
export async function checkIcmp({ address }: IcmpCheck, timeoutMs: number, signal: AbortSignal): Promise<CheckResult> {
  const family = isIPv6(address) ? '-6' : '-4';
  const ended = await execa(
    'ping',
    [family, '-n', '-q', '-c', '1', '-W', String(Math.ceil(timeoutMs / 1000)), address],
    {
      ...{ reject: false, stdin: 'ignore', stdout: 'ignore', maxBuffer: OUTPUT_CHARACTERS_MAX },
      ...{ cancelSignal: signal, forceKillAfterDelay: 500, env: { LC_ALL: 'C' } },
    },
  );
  if (ended.exitCode === 0) return { ok: true };
  if (ended.code === 'ENOENT') return failed('no_program', 'ping of iputils is not installed');
  if (ended.exitCode === NO_REPLY) return failed('no_reply', 'the echo request was not replied to');
  // Its words in the C locale, which are those of the kernel's error.
  if (/Network is unreachable|Address family not supported/.test(ended.stderr)) return { ok: false, reason: NO_ROUTE };
  return failed('not_sent', 'the echo request could not be sent');
}
