// What a plan says of DNS: what the reconciler writes, and what people have to.
import type { Changes, DnsChange } from './change.ts';
import type { Item, Section } from './document-shape.ts';

export function dnsSection({ dns = [] }: Changes): Section | undefined {
  const ours = dns.filter(({ by }) => by === 'reconciler');
  if (ours.length === 0) return undefined;
  const intro = [
    ['The reconciler writes these. Records there that are not ours stay as they are: kokoa dns plan lists them.'],
  ];
  return { title: 'DNS', intro, items: ours.map(itemOf), charsMax: 3_000 };
}

const BY_HAND = 'Nobody but you can write these zones. A CNAME is set once and stays, whatever happens to edges.';

export function dnsByHandSection({ dns = [] }: Changes): Section | undefined {
  const theirs = dns.filter(({ by }) => by === 'people');
  if (theirs.length === 0) return undefined;
  return { title: 'DNS to set by hand', loud: true, intro: [[BY_HAND]], items: theirs.map(itemOf), charsMax: 3_000 };
}

function itemOf({ name, from, to, apex }: DnsChange): Item {
  const sign = from === undefined ? 'added' : to === undefined ? 'removed' : 'changed';
  const leads = sign === 'changed' ? `${from} → ${to}` : (to ?? from)!;
  const details = apex
    ? [
        [
          'The apex of a zone cannot be a CNAME: use ALIAS or ANAME where its provider has that (docs/dns.md), or it keeps dead edges.',
        ],
      ]
    : [];
  return { sign, line: [{ value: name }, ': ', { value: leads }], details };
}
