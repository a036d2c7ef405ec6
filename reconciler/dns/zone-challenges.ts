// Proofs for wildcards in a zone that is written for visitors too. Law: nothing is touched but TXT records at names with the label
// `_acme-challenge`, and of these exactly one value, beside those that are there.
import { KokoaError } from '../../bundle/error.ts';
import { recordSet } from '../core/dns/record-set.ts';
import { dnsName, isChallengeValue, mayBeWritten } from '../core/dns-challenge.ts';
import type { DnsProvider } from '../ports/dns-provider.ts';
import type { NameRecords, RecordSet, ZoneAccess } from '../ports/dns-zone.ts';

const TTL_SECONDS = 30;
/** Somebody else may change the same record meanwhile. */
const TRIES = 3;
const WAIT_MS_MAX = 20_000;

export function challengesIn(zone: string, access: ZoneAccess): DnsProvider {
  const signal = () => AbortSignal.timeout(WAIT_MS_MAX);

  async function at(name: string): Promise<NameRecords | undefined> {
    return (await access.read([name], signal())).get(name);
  }

  /** As visitors see it: what stands there, or what the nearest wildcard makes up (RFC 4592, 3.3.1). */
  async function seenAt(name: string): Promise<NameRecords | undefined> {
    const names = [name, ...wildcardsAbove(name, zone)];
    const found = await access.read(names, signal());
    const first = names.find((one) => found.has(one));
    return first === undefined ? undefined : found.get(first);
  }

  async function change(name: string, value: string, wanted: (values: readonly string[]) => readonly string[]) {
    if (!mayBeWritten(name, zone) || !isChallengeValue(value))
      throw new KokoaError('dns_refused', `not a challenge of ${zone}: nothing was written`);
    for (let tries = 1; ; tries += 1) {
      const here = await at(name);
      const before = textsOf(here);
      const values = before.flatMap((set) => set.values);
      const after = wanted(values);
      if (after.length === values.length && after.every((one) => values.includes(one))) return;
      if (here?.sets.some(({ type }) => type === 'CNAME'))
        throw new KokoaError('dns_refused', `a CNAME stands at ${name}, where the TXT record would`, {
          hint: 'delete it, or point it below _acme-challenge of a zone that is written',
        });
      const set = recordSet('TXT', Math.max(TTL_SECONDS, access.ttlMin), after);
      const { outcomes, stopped } = await access.write([[{ name, before, after: set ? [set] : [] }]], signal());
      const outcome = outcomes[0] ?? { kind: 'unknown' };
      if (outcome.kind === 'done') return;
      if (outcome.kind === 'refused') throw new KokoaError('dns_refused', `${name} was not written: ${outcome.reason}`);
      if (outcome.kind === 'unknown' || tries === TRIES)
        throw stopped ?? new KokoaError('dns_refused', `${name} is being changed by somebody else`);
    }
  }

  return {
    txt: async (name) => textsOf(await at(name)).flatMap(({ values }) => values),
    cname: async (name) => (await seenAt(name))?.sets.find(({ type }) => type === 'CNAME')?.values[0],
    isServed: async (name) => (await seenAt(name))?.sets.some(({ type }) => type !== 'TXT') ?? false,
    hasOwnRecords: async (name) => dnsName(name) === name && (await at(name)) !== undefined,
    addChallenge: (name, value) => change(name, value, (values) => [...new Set([...values, value])]),
    removeChallenge: (name, value) => change(name, value, (values) => values.filter((one) => one !== value)),
  };
}

function textsOf(here: NameRecords | undefined): readonly RecordSet[] {
  return (here?.sets ?? []).filter(({ type }) => type === 'TXT');
}

/** The nearest first. */
function wildcardsAbove(name: string, zone: string): string[] {
  const labels = name.slice(0, -zone.length - 1).split('.');
  return labels.map((_, index) => `*.${[...labels.slice(index + 1), zone].join('.')}`);
}
