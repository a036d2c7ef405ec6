// Changes as a document, worst news first, the same for every way to print it.

import { bereftSection } from './bereft-section.ts';
import { type Changes, isUnchanged, type Listed } from './change.ts';
import { dnsByHandSection, dnsSection } from './dns-sections.ts';
import {
  broughtSection,
  certificatesSection,
  guardSection,
  hostsRemoved,
  loginsSection,
  namesSection,
  nodesSection,
  poolsSection,
  portsSection,
  refusedSection,
  routesSection,
  settingsSection,
} from './document-sections.ts';
import type { Document, Line } from './document-shape.ts';
import { count } from './words.ts';

/** Changes as people read them. */
export function documentOf(changes: Changes): Document {
  const { base, guard } = changes;
  const sections = [
    // Nothing of the rest happens while the guard refuses.
    guard.kind === 'refused' ? guardSection(guard) : undefined,
    hostsRemoved(changes.hosts.removed),
    bereftSection(changes.bereft),
    guard.kind === 'refused' ? undefined : guardSection(guard),
    routesSection('Hosts added', 'added', changes.hosts.added, 9_000),
    routesSection('Hosts changed', 'changed', changes.hosts.changed, 9_000),
    portsSection(changes.ports),
    nodesSection(changes.nodes),
    settingsSection(changes),
    certificatesSection(changes.certificates),
    dnsByHandSection(changes),
    dnsSection(changes),
    namesSection(
      'Visitors’ addresses lost',
      'Their services take every visitor for the edge (proxyProtocol: false): logs, bans and limits of the service see the tunnel. allow, deny and limits of the route still count.',
      changes.addressesLost,
    ),
    refusedSection(changes),
    loginsSection(changes),
    broughtSection(changes),
    namesSection(
      'Not valid before',
      'These files have errors in the commit compared with and count as absent there. What is live may be an older version of them.',
      changes.absentAtBase,
    ),
    poolsSection(changes.pools),
  ].filter((section) => section !== undefined);
  const compared: Line = base === undefined ? ['nothing was published before'] : ['compared with ', { value: base }];
  const verdict: Line = [guard.kind === 'pass' ? 'the guard lets it pass' : `guard: ${guard.kind}`];
  const hash: Line = ['plan hash ', { value: guard.planHash }];
  return { title: titleOf(changes), sections, closing: [verdict, compared, hash] };
}

function titleOf(changes: Changes): string {
  if (isUnchanged(changes)) return 'nothing changes';
  const { hosts, ports, nodes, settings } = changes;
  const counted = [
    ...countsOf(hosts, 'host'),
    ...countsOf(ports, 'public port'),
    ...countsOf(nodes, 'node'),
    ...(settings.length === 0 ? [] : [`${count(settings.length, 'setting')} changed`]),
  ];
  return counted.join(', ');
}

function countsOf({ removed, added, changed }: Listed<unknown>, noun: string): string[] {
  const lists = { removed, added, changed };
  return Object.entries(lists).flatMap(([word, { length }]) =>
    length === 0 ? [] : [`${count(length, noun)} ${word}`],
  );
}
