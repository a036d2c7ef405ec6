// What a merge changes in DNS, as git alone can tell: which addresses edges have, and what stands there, only the reconciler knows.
import { certificateRulesOf } from '../certificate-rules.ts';
import type { Compiled } from '../compile.ts';
import { type Desired, emptyDesired } from '../desired.ts';
import { meaningOf, touchedNames } from '../dns/wanted-records.ts';
import type { DnsChange } from './change.ts';

/** Cost: what changed; everything where kokoa.yaml did. */
export function dnsChanges(from: Compiled | undefined, to: Compiled): DnsChange[] {
  const [before, after] = [from?.desired ?? emptyDesired(), to.desired];
  const changes = [...touchedNames(before, after)].flatMap((name): DnsChange[] => {
    const [was, is] = [shownMeaning(name, before), shownMeaning(name, after)];
    if (was?.text === is?.text && was?.by === is?.by) return [];
    const { by, isApex } = (is ?? was)!;
    return [
      {
        ...{ name, by },
        ...(was && { from: was.text }),
        ...(is && { to: is.text }),
        ...(by === 'people' && isApex && { apex: true as const }),
      },
    ];
  });
  return changes.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function shownMeaning(name: string, desired: Desired) {
  const meaning = meaningOf(name, desired);
  if (meaning === undefined) return undefined;
  const { kind, zone, pool } = meaning;
  const provider = certificateRulesOf(desired.kokoa?.value).zones.get(zone)?.provider;
  const by: DnsChange['by'] = provider === 'manual' ? 'people' : 'reconciler';
  const text = kind === 'alias' ? `CNAME ${pool.hostname}` : `addresses of pool ${pool.pool}`;
  return { text, by, isApex: name === zone };
}
