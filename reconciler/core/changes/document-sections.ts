// The sections of a plan, each from one part of the changes; undefined: there is nothing to say of it.

import type { PlannedRollout } from '../rollout/planned-rollout.ts';
import type {
  Changes,
  FieldChange,
  Listed,
  NeededSecret,
  NodeChange,
  PoolChange,
  ReorderedPool,
  RouteChange,
} from './change.ts';
import type { Inline, Item, Line, Section } from './document-shape.ts';
import { count, targetWords } from './words.ts';

export function hostsRemoved(removed: readonly RouteChange[]): Section | undefined {
  if (removed.length === 0) return undefined;
  const title = `${count(removed.length, 'host')} removed`;
  const intro = [[`Visitors of ${removed.length === 1 ? 'it' : 'them'} are answered 404, or not at all.`]];
  return { title, loud: true, intro, items: removed.map((change) => routeItem('removed', change)), charsMax: 12_000 };
}

export function guardSection(guard: Changes['guard']): Section | undefined {
  if (guard.kind === 'pass') return undefined;
  const items = guard.reasons.map(({ message, hint }): Item => ({ line: [{ value: message }], details: [[hint]] }));
  if (guard.kind === 'overridden') {
    const intro: Line[] = [['kokoa.yaml lets it pass once, because: ', { value: guard.reason }]];
    return { title: 'Guard: overridden', loud: true, intro, items, charsMax: 3_000 };
  }
  const intro = [['After the merge nothing of it is published, but for restrictions of nodes.']];
  const paste = guard.override && { lead: 'If it is meant, this goes into kokoa.yaml:', yaml: guard.override };
  return { title: 'Guard: refused', loud: true, intro, items, ...(paste && { paste }), charsMax: 3_000 };
}

export function routesSection(
  title: string,
  sign: 'added' | 'changed',
  list: readonly RouteChange[],
  charsMax: number,
): Section | undefined {
  if (list.length === 0) return undefined;
  return { title, intro: [], items: list.map((change) => routeItem(sign, change)), charsMax };
}

export function portsSection({ removed, added, changed }: Listed<RouteChange>): Section | undefined {
  const items = [
    ...removed.map((change) => routeItem('removed', change)),
    ...added.map((change) => routeItem('added', change)),
    ...changed.map((change) => routeItem('changed', change)),
  ];
  if (items.length === 0) return undefined;
  return { title: 'Public ports', ...(removed.length > 0 && { loud: true }), intro: [], items, charsMax: 5_000 };
}

function routeItem(sign: 'removed' | 'added' | 'changed', { name, from, to, fields }: RouteChange): Item {
  const target = sign === 'removed' ? from! : to!;
  const leads = sign === 'changed' ? [] : [' → ', { value: targetWords(target) }, ' in pool ', { value: target.pool }];
  return { sign, line: [{ value: name }, ...leads], details: fields.map(fieldLine) };
}

function fieldLine({ field, from, to, hidden }: FieldChange): Line {
  const name: Line = [{ value: field }, ': '];
  if (hidden !== undefined) return [...name, `${hidden}, not shown`];
  if (from === undefined) return [...name, '+ ', { value: to! }];
  return to === undefined ? [...name, '− ', { value: from }] : [...name, { value: from }, ' → ', { value: to }];
}

export function nodesSection({ removed, added, changed }: Listed<NodeChange>): Section | undefined {
  const items = [
    ...removed.map((change) => nodeItem('removed', change)),
    ...added.map((change) => nodeItem('added', change)),
    ...changed.map((change) => nodeItem('changed', change)),
  ];
  if (items.length === 0) return undefined;
  return { title: 'Nodes', ...(removed.length > 0 && { loud: true }), intro: [], items, charsMax: 4_000 };
}

/** What a state means to those who did not write it (schemas/edge.schema.json). */
const STATE_MEANS: Readonly<Record<NodeChange['state'], string>> = {
  active: 'takes configuration and serves',
  draining: 'serves, orders no certificate, about to leave',
  suspended: 'gets no new configuration, keeps serving what it has',
  revoked: 'out of every tunnel and pool, at once, whatever the guard says',
  compromised: 'out of every tunnel and pool, at once, whatever the guard says; what it had is ordered anew',
};

/** An origin is in no pool and has no certificate. */
const ORIGIN_STATE_MEANS: Partial<typeof STATE_MEANS> = {
  revoked: 'out of every tunnel, at once, whatever the guard says',
  compromised:
    'out of every tunnel, at once, whatever the guard says; it had no certificate, so nothing is ordered anew',
};

function nodeItem(sign: 'removed' | 'added' | 'changed', { node, role, pool, state, fields }: NodeChange): Item {
  const inPool: Inline[] = pool === undefined ? [] : [' in pool ', { value: pool }];
  const newState = fields.some(({ field }) => field === 'state') || (sign === 'added' && state !== 'active');
  return {
    sign,
    line: [`${role} `, { value: node }, ...inPool],
    details: [
      ...fields.map(fieldLine),
      ...(newState ? [[`${state}: ${meaningOf(role, state)}`]] : []),
      ...comesBackAs(role, state, fields),
    ],
  };
}

function meaningOf(role: NodeChange['role'], state: NodeChange['state']): string {
  return (role === 'origin' ? ORIGIN_STATE_MEANS[state] : undefined) ?? STATE_MEANS[state];
}

/** Who was thrown out for what somebody else may have, and is let in again with it. */
function comesBackAs(role: NodeChange['role'], state: NodeChange['state'], fields: readonly FieldChange[]): Line[] {
  const before = fields.find(({ field }) => field === 'state')?.from;
  if (!(before === 'compromised' || before === 'revoked') || state === 'compromised' || state === 'revoked') return [];
  const same = ['token', 'generation'].filter((name) => !fields.some(({ field }) => field === name));
  if (same.length === 0) return [];
  const what = [same.includes('token') ? 'token' : '', same.includes('generation') ? 'keys' : ''].filter(Boolean);
  const verb = same.length === 2 || what[0] === 'keys' ? 'count' : 'counts';
  return [
    [`its ${what.join(' and ')} of before ${verb} again, with whoever has them: kokoa ${role} token makes others`],
  ];
}

export function settingsSection({ settings, rollout }: Changes): Section | undefined {
  if (settings.length === 0) return undefined;
  const items = settings.map((field): Item => ({ line: fieldLine(field), details: [] }));
  const intro = rollout === undefined ? [] : [rolloutLine(rollout)];
  return { title: 'Settings (kokoa.yaml)', intro, items, charsMax: 3_000 };
}

const WAVE_NAMES_MAX = 6;

function rolloutLine(rollout: PlannedRollout): Line {
  if (rollout.kind === 'at_once') return ['What edges are told of it goes to all at once: ', { value: rollout.reason }];
  const waves = rollout.waves.map((names): Line => {
    const more = names.length - WAVE_NAMES_MAX;
    const shown = names.slice(0, WAVE_NAMES_MAX).flatMap((value, at) => (at === 0 ? [{ value }] : [', ', { value }]));
    return more > 0 ? [...shown, ` and ${more} more`] : shown;
  });
  const [first = [], ...others] = waves;
  const then = [...others.flatMap((wave): Inline[] => [', then ', ...wave]), ', then everybody else.'];
  return ['What edges are told of it goes out in waves: ', ...first, ' first', ...then];
}

const WILDCARDS_BY_HAND =
  'For a wildcard in a zone that the reconciler cannot write, bring a certificate: tls.certificate in its route (docs/secrets.md), or kokoa-agent certs import on every edge (docs/dns.md)';

export function certificatesSection(certificates: Changes['certificates']): Section | undefined {
  const { perWeek, domains, wildcards, anew = [] } = certificates;
  if (domains.length + wildcards.length + anew.length === 0) return undefined;
  const isOver = ({ hostnames, left = perWeek }: (typeof domains)[number]) => hostnames.length > left;
  const items = domains.map((one): Item => {
    const { domain, hostnames, left } = one;
    const counted = left === undefined ? '' : `, ${left} left this week`;
    const tooMany: Line[] = isOver(one)
      ? [['More than the budget of the week: the rest waits. Split the change.']]
      : [];
    return { line: [{ value: domain }, `: ${hostnames.length} to order${counted}`], details: tooMany };
  });
  const byHand = wildcards.map(
    (hostname): Item => ({ line: [{ value: hostname }, ': nobody orders it'], details: [] }),
  );
  const isCounted = domains.every(({ left }) => left !== undefined);
  const counted: Line[] = [
    [
      `${perWeek} names of a registered domain may get their first certificate in a week. Counted is what this change orders${isCounted ? '' : '; what was ordered this week only the reconciler knows'}.`,
    ],
  ];
  const intro = [
    ...(domains.length + wildcards.length > 0 ? counted : []),
    ...(wildcards.length > 0 ? [[WILDCARDS_BY_HAND]] : []),
  ];
  const loud = domains.some(isOver) || anew.length > 0;
  const again = anew.map(anewItem);
  return {
    title: 'Certificates',
    ...(loud && { loud }),
    intro,
    items: [...again, ...items, ...byHand],
    charsMax: 3_000,
  };
}

const BROUGHT_SHOWN_MAX = 20;

function anewItem({ pool, edges, count: ordered, brought }: ReorderedPool): Item {
  const had: Inline[] = edges.flatMap((value, at) => (at === 0 ? [{ value }] : [', ', { value }]));
  const what = ordered === 1 ? '1 is ordered anew' : `${ordered} are ordered anew`;
  const names = brought.slice(0, BROUGHT_SHOWN_MAX).flatMap((value): Inline[] => [' ', { value }]);
  const more = brought.length > BROUGHT_SHOWN_MAX ? ` and ${brought.length - BROUGHT_SHOWN_MAX} more` : '';
  return {
    line: ['pool ', { value: pool }, `: ${what}, because their keys were on `, ...had],
    details: brought.length === 0 ? [] : [['Nobody but you can replace those that were brought, for', ...names, more]],
  };
}

export function namesSection(title: string, why: string, names: readonly string[]): Section | undefined {
  if (names.length === 0) return undefined;
  const items = names.map((name): Item => ({ line: [{ value: name }], details: [] }));
  return { title, intro: [[why]], items, charsMax: 2_000 };
}

export function refusedSection({ refusedServices }: Changes): Section | undefined {
  if (refusedServices.length === 0) return undefined;
  const items = refusedServices.map(
    ({ name, origin, service }): Item => ({
      line: [{ value: name }, ' needs ', { value: service }, ' of ', { value: origin }],
      details: [],
    }),
  );
  const intro = [['Their owners’ allow-lists keep these closed, whatever git says. Ask the owner of the origin.']];
  return { title: 'Closed by the origin', loud: true, intro, items, charsMax: 3_000 };
}

export function loginsSection({ neededLogins }: Changes): Section | undefined {
  return neededSection('Logins to bring', 'Nobody can log in', neededLogins);
}

export function broughtSection({ neededCertificates }: Changes): Section | undefined {
  return neededSection('Certificates to bring', 'Visitors get no secure connection to a new host', neededCertificates);
}

/** `until`: what does not work as long as they are not there. */
function neededSection(title: string, until: string, needed: readonly NeededSecret[] = []): Section | undefined {
  if (needed.length === 0) return undefined;
  const items = needed.map(
    ({ name, place }): Item => ({ line: [{ value: name }, ' needs ', { value: place }], details: [] }),
  );
  const intro: Line[] = [
    [`${until} until an operator puts these on the reconciler (`, { value: 'docs/secrets.md' }, ').'],
  ];
  return { title, loud: true, intro, items, charsMax: 1_200 };
}

export function poolsSection(pools: readonly PoolChange[]): Section | undefined {
  if (pools.length === 0) return undefined;
  const items = pools.map(({ pool, hosts, ports, edges }): Item => {
    const counted = [...countsOfPool(hosts, 'host'), ...countsOfPool(ports, 'public port')].join(', ');
    const served = edges.length === 0 ? 'no edge serves it' : count(edges.length, 'edge');
    return { line: [{ value: pool }, ` (${served}): ${counted}`], details: [] };
  });
  return { title: 'Pools', intro: [], items, charsMax: 3_000 };
}

function countsOfPool(counts: PoolChange['hosts'], noun: string): string[] {
  return Object.entries(counts).flatMap(([word, number]) => (number === 0 ? [] : [`${count(number, noun)} ${word}`]));
}
