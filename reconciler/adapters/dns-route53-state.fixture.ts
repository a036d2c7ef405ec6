// What stands in hosted zones, and what Route 53 lets be done there. Law: a batch is done as a whole or not at all, with the reasons that Route 53 has.
import { nameRecords } from '../core/dns/record-set.ts';
import type { NameRecords } from '../ports/dns-zone.ts';

export interface KeptSet {
  /** As Route 53 says it: lower case, escaped, with the last dot. */
  name: string;
  type: string;
  ttl?: number;
  values: readonly string[];
  identifier?: string;
  weight?: number;
  healthCheck?: string;
  alias?: { hostedZone: string; name: string };
}

export interface KeptZone {
  id: string;
  /** With the last dot. */
  name: string;
  isPrivate: boolean;
  sets: KeptSet[];
}

export interface AskedChange {
  action: string;
  set: KeptSet;
}

/** Records, and characters of their values, in one batch. */
const RECORDS_MAX = 1_000;
const CHARACTERS_MAX = 32_000;

/** InvalidChangeBatch. */
export class InvalidBatchError extends Error {
  readonly messages: readonly string[];

  constructor(messages: readonly string[]) {
    super(messages.join(' '));
    this.messages = messages;
  }
}

export function createRoute53State() {
  const zones: KeptZone[] = [];

  return {
    zones,
    addZone(name: string, { isPrivate = false, id = `Z${String(zones.length).padStart(13, '0')}EX` } = {}): KeptZone {
      const apex = `${name}.`;
      const zone: KeptZone = { id, name: apex, isPrivate, sets: [] };
      zone.sets.push({ name: apex, type: 'NS', ttl: 172_800, values: ['ns-1.awsdns.example.'] });
      zone.sets.push({
        name: apex,
        type: 'SOA',
        ttl: 900,
        values: ['ns-1.awsdns.example. admin.example. 1 7200 900 1209600 86400'],
      });
      zones.push(zone);
      return zone;
    },
    put(zone: KeptZone, name: string, type: string, ttl: number, values: readonly string[]) {
      this.remove(zone, name, type);
      zone.sets.push({ name: escapedName(name), type, ttl, values });
    },
    remove(zone: KeptZone, name: string, type: string) {
      zone.sets = zone.sets.filter((set) => set.name !== escapedName(name) || set.type !== type);
    },
    stands(zone: KeptZone, name: string): NameRecords | undefined {
      const sets = zone.sets.filter((set) => set.name === escapedName(name));
      return nameRecords(
        sets.flatMap(({ type, ttl = 0, values }) =>
          values.map((value) => ({ type, ttl, value: type === 'TXT' ? textOf(value) : value })),
        ),
      );
    },
    /** In the order of Route 53: names by their labels in reverse. */
    sorted: (zone: KeptZone) => zone.sets.toSorted((a, b) => (isBefore(a, b) ? -1 : 1)),
    isBefore,
    batch(zone: KeptZone, changes: readonly AskedChange[]) {
      zone.sets = applied(zone, changes);
    },
  };
}

function isBefore(a: Pick<KeptSet, 'name' | 'type' | 'identifier'>, b: Pick<KeptSet, 'name' | 'type' | 'identifier'>) {
  const words = [a, b].map(({ name, type, identifier = '' }) => [sortName(name), type, identifier]);
  const at = words[0]!.findIndex((word, index) => word !== words[1]![index]);
  return at >= 0 && words[0]![at]! < words[1]![at]!;
}

function sortName(name: string): string {
  return `${name.replace(/\.$/, '').split('.').reverse().join('.')}.`;
}

/** @throws InvalidBatchError */
function applied(zone: KeptZone, changes: readonly AskedChange[]): KeptSet[] {
  const values = changes.flatMap(({ set }) => set.values);
  const characters = values.reduce((sum, value) => sum + value.length, 0);
  if (changes.length === 0) throw new InvalidBatchError(['The change batch is empty.']);
  if (values.length > RECORDS_MAX) throw new InvalidBatchError([`Number of records limit of ${RECORDS_MAX} exceeded.`]);
  if (characters > CHARACTERS_MAX)
    throw new InvalidBatchError([`Number of characters limit of ${CHARACTERS_MAX} exceeded.`]);

  const problems: string[] = [];
  let sets = [...zone.sets];
  for (const { action, set } of changes) {
    const called = `resource record set [name='${set.name}', type='${set.type}']`;
    const stands = sets.find((one) => sameKey(one, set));
    problems.push(...valueProblems(set, zone));
    if (action === 'CREATE') {
      if (stands !== undefined) problems.push(`Tried to create ${called} but it already exists`);
      else sets.push(set);
    } else if (action === 'DELETE') {
      if (stands === undefined) problems.push(`Tried to delete ${called} but it was not found`);
      else if (!sameSet(stands, set))
        problems.push(`Tried to delete ${called} but the values provided do not match the current values`);
      sets = sets.filter((one) => one !== stands);
    } else problems.push(`no action of ours: ${action}`);
  }
  for (const cname of sets.filter(({ type }) => type === 'CNAME')) {
    const called = `RRSet of type CNAME with DNS name ${cname.name} is not permitted`;
    if (cname.name === zone.name) problems.push(`${called} at apex in zone ${zone.name}`);
    else if (sets.some((one) => one.name === cname.name && one.type !== 'CNAME'))
      problems.push(`${called} as it conflicts with other records with the same DNS name in zone ${zone.name}`);
  }
  if (problems.length > 0) throw new InvalidBatchError(problems);
  return sets;
}

function sameKey(a: KeptSet, b: KeptSet): boolean {
  return a.name === b.name && a.type === b.type && (a.identifier ?? '') === (b.identifier ?? '');
}

function sameSet(a: KeptSet, b: KeptSet): boolean {
  const text = (set: KeptSet) =>
    JSON.stringify([set.ttl, [...set.values].sort(), set.alias, set.weight, set.healthCheck]);
  return text(a) === text(b);
}

function valueProblems({ name, type, ttl, values }: KeptSet, zone: KeptZone): string[] {
  const problems: string[] = [];
  if (name !== zone.name && !name.endsWith(`.${zone.name}`))
    problems.push(`RRSet with DNS name ${name} is not permitted in zone ${zone.name}`);
  if (ttl === undefined || values.length === 0) problems.push(`Invalid request: ${name} has no TTL or no records`);
  if (new Set(values).size < values.length) problems.push(`Duplicate Resource Record in ${name}`);
  const isText = (value: string) => /^"(?:[^"\\]|\\.){0,255}"(?: "(?:[^"\\]|\\.){0,255}")*$/.test(value);
  if (type === 'TXT' && !values.every(isText))
    problems.push(
      `Invalid Resource Record: 'FATAL problem: InvalidCharacterString or CharacterStringTooLong' at ${name}`,
    );
  if (type === 'A' && !values.every((value) => /^\d+\.\d+\.\d+\.\d+$/.test(value)))
    problems.push(`Invalid Resource Record: 'FATAL problem: ARRDATAIllegalIPv4Address' at ${name}`);
  return problems;
}

/** docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html */
export function escapedName(name: string): string {
  const lower = name.toLowerCase().replace(/\.$/, '');
  const plain = lower.replace(
    /[^a-z0-9_.\\-]/g,
    (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`,
  );
  return `${plain}.`;
}

function textOf(value: string): string {
  return [...value.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, piece]) => piece!.replace(/\\(.)/g, '$1')).join('');
}
