// Proofs for certificate authorities in a zone whose primary server takes DNS UPDATE (RFC 2136), through nsupdate; read at that server. Law: only
// names with the label `_acme-challenge` are written.
import { KokoaError } from '../../bundle/error.ts';
import { dnsName, isChallengeValue, mayBeWritten } from '../core/dns-challenge.ts';
import type { DnsProvider } from '../ports/dns-provider.ts';
import { askDns } from './dns-ask.ts';
import { type Rfc2136Options, sendUpdates, UNMET } from './nsupdate.ts';

/** A CA may ask again; nobody else needs it. */
const TTL_SECONDS = 30;

export function createRfc2136(options: Rfc2136Options): DnsProvider {
  const { zone, address, port } = options;
  const ask = askDns({ address, port });
  const update = async (lines: readonly string[]) => (await sendUpdates(options, [lines]))[0] ?? '';

  async function change(record: string, value: string, lines: (record: string, value: string) => string[]) {
    if (!mayBeWritten(record, zone) || !isChallengeValue(value))
      throw new KokoaError('dns_refused', `not a challenge of ${zone}: nothing was written`);
    const code = await update(lines(record, value));
    if (code !== 'NOERROR') throw refused(code, options);
  }

  return {
    txt: ask.txt,
    cname: ask.cname,
    isServed: ask.isServed,
    async hasOwnRecords(name) {
      if (dnsName(name) !== name) return false;
      // An update of nothing: its prerequisite looks at the very name (RFC 2136, 2.4.4), which no question does.
      const code = await update([`prereq yxdomain ${name}.`]);
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

function refused(code: string, { zone, address, port }: Rfc2136Options): KokoaError {
  const isPrerequisite = UNMET.includes(code);
  const hint = isPrerequisite
    ? 'a CNAME stands where the TXT record would: delete it, or point it below _acme-challenge of a zone that is written'
    : 'let the TSIG key of the zone update it: an ACL for TXT records at _acme-challenge names is enough';
  return new KokoaError('dns_refused', `${address} port ${port} refused an update of ${zone}: ${code}`, { hint });
}
