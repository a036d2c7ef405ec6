// A zone whose primary server takes DNS UPDATE (RFC 2136), through nsupdate; read at that server. Laws: the key goes through standard input,
// never into an argument, a file of ours or an error; and only names with the label `_acme-challenge` are written.
import { execa } from 'execa';
import { KokoaError } from '../../bundle/error.ts';
import { dnsName, isChallengeValue, mayBeWritten } from '../core/dns-challenge.ts';
import type { TsigKey } from '../core/tsig-key.ts';
import type { DnsProvider } from '../ports/dns-provider.ts';
import { askDns } from './dns-ask.ts';

export interface Rfc2136Options {
  /** Canonical. */
  zone: string;
  /** An IP address. */
  address: string;
  port: number;
  key: TsigKey;
}

/** A CA may ask again; nobody else needs it. */
const TTL_SECONDS = 30;
const TIMEOUT_SECONDS = 5;
const OUTPUT_BYTES_MAX = 64 * 1024;
const PREREQUISITES = ['NXDOMAIN', 'YXDOMAIN', 'NXRRSET', 'YXRRSET'];

export function createRfc2136(options: Rfc2136Options): DnsProvider {
  const { zone, address, port } = options;
  const ask = askDns({ address, port });

  async function change(record: string, value: string, lines: (record: string, value: string) => string[]) {
    if (!mayBeWritten(record, zone) || !isChallengeValue(value))
      throw new KokoaError('dns_refused', `not a challenge of ${zone}: nothing was written`);
    const code = await update(lines(record, value), options);
    if (code !== 'NOERROR') throw refused(code, options);
  }

  return {
    txt: ask.txt,
    cname: ask.cname,
    isServed: ask.isServed,
    async hasOwnRecords(name) {
      if (dnsName(name) !== name) return false;
      // An update of nothing: its prerequisite looks at the very name (RFC 2136, 2.4.4), which no question does.
      const code = await update([`prereq yxdomain ${name}.`], options);
      if (code !== 'NOERROR' && code !== 'NXDOMAIN') throw refused(code, options);
      return code === 'NOERROR';
    },
    addChallenge: (name, wanted) =>
      change(name, wanted, (record, value) => [
        // Beside a CNAME a TXT record would be ignored, and the server would say NOERROR.
        `prereq nxrrset ${record}. CNAME`,
        `update add ${record}. ${TTL_SECONDS} TXT "${value}"`,
      ]),
    removeChallenge: (name, wanted) =>
      change(name, wanted, (record, value) => [`update delete ${record}. TXT "${value}"`]),
  };
}

/** What the server answered, as RFC 2136 and 8945 call it. */
async function update(lines: readonly string[], { zone, address, port, key }: Rfc2136Options): Promise<string> {
  const input = [
    `server ${address} ${port}`,
    `key ${key.algorithm}:${key.name} ${key.secret}`,
    `zone ${zone}.`,
    ...lines,
    'send',
    '',
  ].join('\n');
  const { exitCode, code, stderr } = await execa('nsupdate', ['-v', '-t', String(TIMEOUT_SECONDS)], {
    input,
    env: { PATH: process.env.PATH ?? '/usr/bin', LC_ALL: 'C' },
    extendEnv: false,
    reject: false,
    timeout: TIMEOUT_SECONDS * 2_000,
    maxBuffer: OUTPUT_BYTES_MAX,
  });
  if (code === 'ENOENT')
    throw new KokoaError('dns_unreachable', 'there is no nsupdate to run', { hint: 'install bind9-dnsutils' });
  const answered = /update failed: ([A-Z]{4,12}(?:\([A-Z]{4,12}\))?)/.exec(String(stderr))?.[1];
  if (exitCode === 0) return 'NOERROR';
  if (answered !== undefined) return answered;
  const signature = /TSIG|tsig/.test(String(stderr)) ? 'its answer was not signed with the key' : 'it did not answer';
  throw new KokoaError('dns_unreachable', `${address} port ${port} took no update of ${zone}: ${signature}`, {
    hint: 'check server and credentials of the zone in kokoa.yaml, and the clock of both machines',
  });
}

function refused(code: string, { zone, address, port }: Rfc2136Options): KokoaError {
  const isPrerequisite = PREREQUISITES.includes(code);
  const hint = isPrerequisite
    ? 'a CNAME stands where the TXT record would: delete it, or point it below _acme-challenge of a zone that is written'
    : 'let the TSIG key of the zone update it: an ACL for TXT records at _acme-challenge names is enough';
  return new KokoaError('dns_refused', `${address} port ${port} refused an update of ${zone}: ${code}`, { hint });
}
