// Runs nsupdate: messages of DNS UPDATE (RFC 2136) to the primary server of one zone, signed. Laws: the key goes through standard input, never
// into an argument, a file of ours or an error; and only a signed answer says yes, or what stands there.
import { execa } from 'execa';
import { KokoaError } from '../../bundle/error.ts';
import type { TsigKey } from '../core/tsig-key.ts';

export interface Rfc2136Options {
  /** Canonical. */
  zone: string;
  /** An IP address. */
  address: string;
  port: number;
  key: TsigKey;
}

/** A prerequisite was not met: nothing was done (RFC 2136, 2.2). */
export const UNMET = ['NXDOMAIN', 'YXDOMAIN', 'NXRRSET', 'YXRRSET'];

const TIMEOUT_SECONDS = 5;
const MORE_MS_EACH = 200;
const OUTPUT_BYTES_EACH = 64 * 1024;

/**
 * What the server answered to each message, as RFC 2136 and 8945 call it: NOERROR, YXRRSET, REFUSED, NOTAUTH(BADSIG) … `messages`: their lines.
 * @throws KokoaError dns_unreachable: nobody knows what became of any of them
 */
export async function sendUpdates(
  options: Rfc2136Options,
  messages: readonly (readonly string[])[],
  signal?: AbortSignal,
): Promise<string[]> {
  if (signal?.aborted) throw unreachable('nobody waits for it any more', options);
  const { zone, address, port, key } = options;
  const input = [
    `server ${address} ${port}`,
    `key ${key.algorithm}:${key.name} ${key.secret}`,
    `zone ${zone}.`,
    ...messages.flatMap((lines) => [...lines, 'send', 'answer']),
    '',
  ].join('\n');
  const { exitCode, code, stdout, stderr, isCanceled } = await execa(
    'nsupdate',
    ['-v', '-t', String(TIMEOUT_SECONDS)],
    {
      input,
      env: { PATH: process.env.PATH ?? '/usr/bin', LC_ALL: 'C' },
      extendEnv: false,
      reject: false,
      timeout: TIMEOUT_SECONDS * 2_000 + messages.length * MORE_MS_EACH,
      maxBuffer: OUTPUT_BYTES_EACH * (1 + messages.length),
      ...(signal && { cancelSignal: signal }),
    },
  );
  if (code === 'ENOENT')
    throw new KokoaError('dns_unreachable', 'there is no nsupdate to run', { hint: 'install bind9-dnsutils' });
  if (isCanceled) throw unreachable('nobody waits for it any more', options);
  // Programs print what a server says of them, so nothing of it is quoted.
  const said = String(stderr);
  const failed = /update failed: ([A-Z]{4,12}(?:\([A-Z]{4,12}\))?)/.exec(said)?.[1];
  if (/TSIG/i.test(said)) {
    if (failed === undefined || UNMET.includes(failed))
      throw unreachable('its answer was not signed with the key', options);
    return messages.map(() => failed);
  }
  const answers = [...String(stdout).matchAll(/^;; ->>HEADER<<- opcode: UPDATE, status: ([A-Z]{4,12}),/gm)];
  if (answers.length !== messages.length || (exitCode !== 0 && failed === undefined))
    throw unreachable('it did not answer', options);
  return answers.map(([, status]) => status!);
}

function unreachable(why: string, { zone, address, port }: Rfc2136Options): KokoaError {
  return new KokoaError('dns_unreachable', `${address} port ${port} took no update of ${zone}: ${why}`, {
    hint: 'check server and credentials of the zone in kokoa.yaml, and the clock of both machines',
  });
}
