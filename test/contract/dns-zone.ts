// What every ZoneAccess must do, whatever is behind it. The same suite runs on the real adapters and on the fake. Law: every test has names of
// its own, and what it expects is looked up behind the back of what it tests.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ownerOf, ownerRecord, ownerText } from '../../reconciler/core/dns/owner-text.ts';
import { fits, isMade } from '../../reconciler/core/dns/record-set.ts';
import type {
  ChangeOutcome,
  NameChange,
  NameRecords,
  RecordSet,
  RecordType,
  ZoneAccess,
  ZoneChange,
} from '../../reconciler/ports/dns-zone.ts';

export interface ZoneScenario {
  /** Canonical name of the zone, with SOA and NS at its apex where the provider has such. */
  zone: string;
  access: ZoneAccess;
  /**
   * Puts records there behind the back of `access`, as other people do: any type (A, AAAA, CNAME, TXT, MX), values in presentation form
   * (a TXT is one or more quoted pieces with escapes: `"a" "b"`), names absolute without last dot, in any case.
   */
  put(name: string, type: string, ttl: number, values: readonly string[]): Promise<void>;
  /** Removes the set of that type at the name, behind its back. */
  remove(name: string, type: string): Promise<void>;
  /** What really stands at a name, not read through `access`. */
  stands(name: string): Promise<NameRecords | undefined>;
  /** False where `list` answers undefined. */
  lists: boolean;
  close(): Promise<void>;
}

const TTL = 120;
const OURS = ownerOf('a'.repeat(64));
const THEIRS = ownerOf('b'.repeat(64));
/** An owner text can have 304 characters, and a piece of a TXT record 255 bytes. */
const LONG = `kokoa1 ${'long '.repeat(59)}end`;
const never = new AbortController().signal;

const set = (type: RecordType, ...values: string[]): RecordSet => ({ type, ttl: TTL, values });
const A = set('A', '203.0.113.1');
const A_OTHER = set('A', '203.0.113.9');
const A_TWO = set('A', '203.0.113.1', '203.0.113.2');
const AAAA = set('AAAA', '2001:db8::1');
const CNAME = set('CNAME', 'pool.example.net');
const CNAME_OTHER = set('CNAME', 'elsewhere.example.net');
const TXT = set('TXT', 'kokoa1 text of ours');
const TXT_OTHER = set('TXT', 'v=spf1 -all');
const MX: Put = ['MX', '10 mail.example.net'];
const SPF: Put = ['TXT', '"v=spf1 -all"'];

type Put = readonly [type: string, ...values: string[]];

/** At one name: what is put there, and what is read. */
const FOUND: { title: string; put: Put[]; sets: RecordSet[]; others?: string[]; label?: string }[] = [
  {
    title: 'addresses of both families',
    put: [
      ['A', '203.0.113.1'],
      ['AAAA', '2001:db8::1'],
    ],
    sets: [A, AAAA],
  },
  { title: 'several addresses, sorted', put: [['A', '203.0.113.2', '203.0.113.1']], sets: [A_TWO] },
  { title: 'an address in a spelling of its own', put: [['AAAA', '2001:DB8:0:0::1']], sets: [AAAA] },
  { title: 'a name that leads to another', put: [['CNAME', 'Pool.Example.NET']], sets: [CNAME] },
  { title: 'a text', put: [['TXT', '"kokoa1 text of ours"']], sets: [TXT] },
  { title: 'several texts', put: [['TXT', '"b"', '"a"']], sets: [set('TXT', 'a', 'b')] },
  { title: 'a text in pieces', put: [['TXT', presented('TXT', LONG)]], sets: [set('TXT', LONG)] },
  { title: 'a text that is none of ours', put: [['TXT', '"say \\"no\\" \\\\ ;"']], sets: [], others: ['TXT'] },
  { title: 'other types alone', put: [MX], sets: [], others: ['MX'] },
  { title: 'other types beside ours', put: [MX, SPF, ['A', '203.0.113.1']], sets: [A, TXT_OTHER], others: ['MX'] },
  { title: 'a name in upper case', put: [['A', '203.0.113.1']], sets: [A], label: 'FOUND-in-Upper' },
  { title: 'an underscore', put: [SPF], sets: [TXT_OTHER], label: '_dmarc.found' },
  { title: 'a wildcard', put: [['A', '203.0.113.1']], sets: [A], label: '*.found-star' },
  { title: 'a wildcard that leads on', put: [['CNAME', 'pool.example.net']], sets: [CNAME], label: '*.found-lead' },
];

/** What stands, the change, and what else stands there and stays. */
const DONE: { title: string; before: RecordSet[]; after: RecordSet[]; rest?: Put[]; label?: string }[] = [
  { title: 'creates an address', before: [], after: [A] },
  { title: 'creates addresses of both families', before: [], after: [A_TWO, AAAA] },
  { title: 'creates a name that leads to another', before: [], after: [CNAME] },
  { title: 'creates a text', before: [], after: [TXT] },
  { title: 'creates a text in pieces', before: [], after: [set('TXT', LONG)] },
  { title: 'creates a wildcard', before: [], after: [CNAME], label: '*.done-star' },
  { title: 'adds an address', before: [A], after: [A_TWO] },
  { title: 'takes an address out', before: [A_TWO], after: [A] },
  { title: 'replaces an address', before: [A], after: [A_OTHER] },
  { title: 'adds the other family', before: [A], after: [A, AAAA] },
  { title: 'takes a family out', before: [A, AAAA], after: [AAAA] },
  { title: 'turns addresses into a name', before: [A_TWO, AAAA], after: [CNAME] },
  { title: 'turns a name into addresses', before: [CNAME], after: [A, AAAA] },
  { title: 'lets a name lead elsewhere', before: [CNAME], after: [CNAME_OTHER] },
  { title: 'replaces a text', before: [TXT], after: [TXT_OTHER] },
  { title: 'changes the TTL of addresses', before: [A_TWO], after: [{ ...A_TWO, ttl: 3_600 }] },
  { title: 'changes the TTL of a name', before: [CNAME], after: [{ ...CNAME, ttl: 3_600 }] },
  { title: 'changes the TTL of a text', before: [TXT], after: [{ ...TXT, ttl: 3_600 }] },
  { title: 'leaves what is right already', before: [A], after: [A] },
  { title: 'deletes addresses', before: [A_TWO, AAAA], after: [] },
  { title: 'deletes a name', before: [CNAME], after: [] },
  { title: 'deletes a text', before: [set('TXT', LONG)], after: [] },
  { title: 'deletes a wildcard', before: [A], after: [], label: '*.done-gone' },
  { title: 'creates an address beside other types', before: [], after: [A], rest: [MX, SPF] },
  { title: 'replaces an address beside other types', before: [A], after: [A_OTHER], rest: [MX, SPF] },
  { title: 'deletes an address beside other types', before: [A], after: [], rest: [MX, SPF] },
  { title: 'creates a text beside addresses', before: [], after: [TXT], rest: [MX, ['A', '203.0.113.1']] },
  { title: 'deletes a text beside addresses', before: [TXT], after: [], rest: [MX, ['A', '203.0.113.1']] },
  { title: 'changes the zone itself', before: [A], after: [A_OTHER, AAAA], rest: [MX, SPF], label: '@' },
];

/** What stands, and a change that takes something else for granted. */
const CLASHES: { title: string; there: Put[]; before: RecordSet[]; after: RecordSet[]; label?: string }[] = [
  { title: 'an address, where an address is created', there: [['A', '203.0.113.9']], before: [], after: [A] },
  { title: 'the same address, of somebody else', there: [['A', '203.0.113.1']], before: [], after: [A_OTHER] },
  { title: 'the other family', there: [['AAAA', '2001:db8::9']], before: [], after: [A] },
  {
    title: 'the other family too',
    there: [
      ['A', '203.0.113.1'],
      ['AAAA', '2001:db8::9'],
    ],
    before: [A],
    after: [A_OTHER],
  },
  { title: 'a name that leads on, for an address', there: [['CNAME', 'x.example.net']], before: [], after: [A] },
  { title: 'a name that leads on, for another', there: [['CNAME', 'x.example.net']], before: [], after: [CNAME] },
  { title: 'a name that leads elsewhere', there: [['CNAME', 'x.example.net']], before: [CNAME], after: [] },
  { title: 'an address, for a name', there: [['A', '203.0.113.9']], before: [], after: [CNAME] },
  { title: 'a mail server, for a name', there: [MX], before: [], after: [CNAME] },
  { title: 'a text, for a name', there: [SPF], before: [], after: [CNAME] },
  { title: 'a mail server beside what becomes a name', there: [MX, ['A', '203.0.113.1']], before: [A], after: [CNAME] },
  { title: 'other types, for a name at the zone itself', there: [MX], before: [], after: [CNAME], label: '@' },
  { title: 'another address', there: [['A', '203.0.113.9']], before: [A], after: [A_TWO] },
  { title: 'one address more', there: [['A', '203.0.113.1', '203.0.113.9']], before: [A], after: [A_OTHER] },
  { title: 'one address less', there: [['A', '203.0.113.1']], before: [A_TWO], after: [A_OTHER] },
  { title: 'one address more than is deleted', there: [['A', '203.0.113.1', '203.0.113.9']], before: [A], after: [] },
  { title: 'nothing, where something is changed', there: [], before: [A], after: [A_OTHER] },
  { title: 'nothing, where something is deleted', there: [], before: [CNAME], after: [] },
  { title: 'nothing, where a text is deleted', there: [MX], before: [TXT], after: [] },
  { title: 'something else than what is to stay', there: [['A', '203.0.113.9']], before: [A], after: [A] },
  { title: 'a text, where a text is created', there: [SPF], before: [], after: [TXT] },
  { title: 'another text', there: [SPF], before: [TXT], after: [] },
  {
    title: 'a text beside the one that is changed',
    there: [['TXT', '"kokoa1 text of ours"', '"x"']],
    before: [TXT],
    after: [TXT_OTHER],
  },
];

export function zoneContract(name: string, open: () => Promise<ZoneScenario>): void {
  describe(`${name} as a ZoneAccess`, () => {
    vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
    let scenario: ZoneScenario;
    let access: ZoneAccess;
    beforeAll(async () => {
      scenario = await open();
      access = scenario.access;
    });
    afterAll(() => scenario?.close());

    const at = (label: string) => (label === '@' ? scenario.zone : `${label}.${scenario.zone}`);
    const putAll = async (name: string, puts: readonly Put[]) => {
      for (const [type, ...values] of puts) await scenario.put(name, type, TTL, values);
    };
    const removeAll = async (name: string) => {
      const { sets, others } = (await scenario.stands(name)) ?? { sets: [], others: [] };
      for (const type of [...sets.map(({ type }) => type), ...others])
        if (!['SOA', 'NS'].includes(type)) await scenario.remove(name, type);
    };
    const putSets = (name: string, sets: readonly RecordSet[]) =>
      putAll(
        name,
        sets.map(({ type, values }) => [type, ...values.map((value) => presented(type, value))]),
      );
    const write = async (...changes: ZoneChange[]): Promise<readonly ChangeOutcome[]> => {
      const { outcomes, stopped } = await access.write(changes, never);
      expect(stopped).toBeUndefined();
      return outcomes;
    };
    const readOne = async (name: string) => (await access.read([name], never)).get(name);
    /** The record of who owns a name, created with it, changed with it, deleted with it. */
    const owner = (of: string, before: readonly RecordSet[], after: readonly RecordSet[]): NameChange => ({
      name: ownerRecord(of, scenario.zone),
      before: before.length === 0 ? [] : [set('TXT', ownerText({ owner: THEIRS, name: of }))],
      after: after.length === 0 ? [] : [set('TXT', ownerText({ owner: OURS, name: of }))],
    });

    describe('reads', () => {
      it.each(FOUND.map((row, index) => ({ label: `found-${index}`, others: [], ...row })))('$title', async (row) => {
        await putAll(at(row.label), row.put);
        const name = at(row.label).toLowerCase();
        const expected = { sets: row.sets, others: row.others };
        expect(await scenario.stands(name), 'the scenario').toEqual(expected);
        expect(await readOne(name)).toEqual(expected);
        const listed = await access.list(never);
        expect(listed !== undefined).toBe(scenario.lists);
        if (listed !== undefined) expect(listed.get(name)).toEqual(expected);
      });

      it('nothing at a name where nothing stands: none, one with names below, one that a wildcard serves', async () => {
        await scenario.put(at('deep.empty'), 'A', TTL, ['203.0.113.1']);
        await scenario.put(at('*.star'), 'A', TTL, ['203.0.113.1']);
        await scenario.put(at('*.lead'), 'CNAME', TTL, ['pool.example.net']);
        await scenario.put(at('*.mail'), 'MX', TTL, ['10 mail.example.net']);
        await scenario.put(at('below.shadow.star'), 'TXT', TTL, ['"x"']);
        const labels = ['none', 'empty', 'x.star', 'y.x.star', 'x.lead', 'y.x.lead', 'x.mail', 'star', 'shadow.star'];
        const names = labels.map(at);
        expect([...(await access.read(names, never)).keys()]).toEqual([]);
        const listed = await access.list(never);
        for (const name of names) expect([name, listed?.has(name) ?? false]).toEqual([name, false]);
      });

      it('what stands at a name that a wildcard would serve too, with the same values or not', async () => {
        await scenario.put(at('*.beside'), 'A', TTL, ['203.0.113.1']);
        await scenario.put(at('same.beside'), 'A', TTL, ['203.0.113.1']);
        await scenario.put(at('text.beside'), 'TXT', TTL, ['"v=spf1 -all"']);
        await scenario.put(at('*.double'), 'CNAME', TTL, ['pool.example.net']);
        await scenario.put(at('same.double'), 'CNAME', TTL, ['pool.example.net']);
        const names = ['same.beside', 'text.beside', 'same.double', 'other.beside', 'other.double'].map(at);
        const found = await access.read(names, never);
        expect(names.map((name) => found.get(name)?.sets)).toEqual([[A], [TXT_OTHER], [CNAME], undefined, undefined]);
      });

      it('the zone itself, whatever else stands there', async () => {
        const found = await readOne(scenario.zone);
        expect(found).toEqual(await scenario.stands(scenario.zone));
        if (scenario.lists) expect((await access.list(never))?.get(scenario.zone)).toEqual(found);
      });

      it('what is there now, and not what was there before', async () => {
        for (const value of ['203.0.113.1', '203.0.113.2']) {
          await scenario.put(at('now'), 'A', TTL, [value]);
          expect((await readOne(at('now')))?.sets).toEqual([set('A', value)]);
        }
        await scenario.remove(at('now'), 'A');
        expect(await readOne(at('now'))).toBeUndefined();
      });

      it('nothing when it is asked for nothing', async () => {
        expect((await access.read([], never)).size).toBe(0);
        expect(await write()).toEqual([]);
      });
    });

    describe('writes', () => {
      it.each(DONE.map((row, index) => ({ label: `done-${index}`, rest: [], ...row })))('$title', async (row) => {
        const name = at(row.label);
        const change = { name, before: row.before, after: row.after };
        const owned = owner(name, row.before, row.after);
        await putAll(name, row.rest);
        await putSets(name, change.before);
        await putSets(owned.name, owned.before);
        const before = await scenario.stands(name);
        expect(fits(change, before), 'the scenario').toBe(true);

        expect(await write([change, owned])).toEqual([{ kind: 'done' }]);
        for (const one of [change, owned]) {
          const stands = await scenario.stands(one.name);
          expect([one, isMade(one, stands), stands]).toEqual([one, true, stands]);
          expect(await readOne(one.name)).toEqual(stands);
        }
        expect(untouched(await scenario.stands(name), change)).toEqual(untouched(before, change));
        if (row.label === '@') for (const one of [name, owned.name]) await removeAll(one);
      });

      it('makes a change whatever the TTL of what stands there', async () => {
        const name = at('ttl');
        await scenario.put(name, 'A', 7_200, ['203.0.113.1']);
        expect(await write([{ name, before: [A], after: [A_OTHER] }])).toEqual([{ kind: 'done' }]);
        expect((await scenario.stands(name))?.sets).toEqual([A_OTHER]);
      });

      it('keeps a TTL, down to the least that the provider gives', async () => {
        for (const ttl of [Math.max(1, access.ttlMin), access.ttlMin + 31]) {
          const name = at(`ttl-${ttl}`);
          expect(await write([{ name, before: [], after: [{ ...A, ttl }] }])).toEqual([{ kind: 'done' }]);
          expect((await scenario.stands(name))?.sets).toEqual([{ ...A, ttl }]);
        }
      });

      it('does no harm when it is told twice', async () => {
        const name = at('twice');
        const change: ZoneChange = [{ name, before: [], after: [A] }, owner(name, [], [A])];
        expect(await write(change)).toEqual([{ kind: 'done' }]);
        expect(['done', 'clash']).toContain((await write(change))[0]?.kind);
        expect((await scenario.stands(name))?.sets).toEqual([A]);
      });

      it('makes 300 changes of two names at once, and takes them out again', async () => {
        const names = Array.from({ length: 300 }, (_, index) => at(`many-${index}`));
        const changes = (before: RecordSet[], after: RecordSet[]) =>
          names.map(
            (name): ZoneChange => [
              { name, before, after },
              { ...owner(name, before, after), ...(before.length > 0 && { before: owner(name, [], before).after }) },
            ],
          );
        const all = names.flatMap((name) => [name, ownerRecord(name, scenario.zone)]);
        const done = names.map(() => ({ kind: 'done' }));
        expect(await write(...changes([], [CNAME]))).toEqual(done);
        expect([...(await access.read(all, never)).keys()].sort()).toEqual([...all].sort());
        expect(await write(...changes([CNAME], []))).toEqual(done);
        expect((await access.read(all, never)).size).toBe(0);
      });
    });

    describe('says clash, and does nothing', () => {
      it.each(CLASHES.map((row, index) => ({ label: `clash-${index}`, ...row })))('$title', async (row) => {
        const name = at(row.label);
        const change = { name, before: row.before, after: row.after };
        await putAll(name, row.there);
        const before = await scenario.stands(name);
        expect(fits(change, before), 'the scenario').toBe(false);

        const owned = owner(name, [], [TXT]);
        expect(await write([change, owned])).toEqual([{ kind: 'clash', name }]);
        expect(await scenario.stands(name)).toEqual(before);
        expect(await scenario.stands(owned.name)).toBeUndefined();
        if (row.label === '@') await removeAll(name);
      });

      it('where the second name is of somebody else', async () => {
        const name = at('second');
        const theirs = { ...owner(name, [A], [A]), after: [] };
        await putSets(theirs.name, theirs.before);
        const ours = owner(name, [], [A]);
        expect(await write([{ name, before: [], after: [A] }, ours])).toEqual([{ kind: 'clash', name: ours.name }]);
        expect((await scenario.stands(ours.name))?.sets).toEqual(theirs.before);
        expect([[], [A]]).toContainEqual((await scenario.stands(name))?.sets ?? []);
      });

      it('of one change alone, and makes the others', async () => {
        const names = Array.from({ length: 9 }, (_, index) => at(`some-${index}`));
        const foreign = [names[3], names[7]];
        for (const name of foreign) await scenario.put(name!, 'A', TTL, ['203.0.113.9']);
        const outcomes = await write(...names.map((name): ZoneChange => [{ name, before: [], after: [A] }]));
        expect(outcomes).toEqual(
          names.map((name) => (foreign.includes(name) ? { kind: 'clash', name } : { kind: 'done' })),
        );
        for (const name of names)
          expect((await scenario.stands(name))?.sets).toEqual([foreign.includes(name) ? A_OTHER : A]);
      });

      it('or is refused, where a text cannot stand beside a name that leads on', async () => {
        const name = at('lead-text');
        await scenario.put(name, 'CNAME', TTL, ['x.example.net']);
        const [outcome] = await write([{ name, before: [], after: [TXT] }]);
        expect(['clash', 'refused']).toContain(outcome?.kind);
        expect((await scenario.stands(name))?.sets).toEqual([set('CNAME', 'x.example.net')]);
      });
    });

    it('does nothing for a signal that has ended', async () => {
      const ended = AbortSignal.abort();
      const name = at('ended');
      await expect(access.list(ended)).rejects.toBeInstanceOf(Error);
      await expect(access.read([name], ended)).rejects.toBeInstanceOf(Error);
      const { outcomes, stopped } = await access.write([[{ name, before: [], after: [A] }]], ended);
      expect(outcomes).toEqual([{ kind: 'unknown' }]);
      expect(stopped).toBeInstanceOf(Error);
      expect(await scenario.stands(name)).toBeUndefined();
    });
  });
}

/** A value as a zone file has it. */
function presented(type: string, value: string): string {
  if (type !== 'TXT') return value;
  return (value.match(/.{1,200}/g) ?? []).map((piece) => `"${piece}"`).join(' ');
}

/** What a change does not decide about. */
function untouched(found: NameRecords | undefined, { before, after }: NameChange) {
  const isText = [...before, ...after].some(({ type }) => type === 'TXT');
  const sets = (found?.sets ?? []).filter(({ type }) => (type === 'TXT') !== isText);
  return { sets, others: found?.others ?? [] };
}
