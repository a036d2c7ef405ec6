// What every Store must do, whatever is behind it. The same suite runs on the embedded store and on the fake.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PoolIdentity, SealedCertificate, StatusReport } from '../../bundle/api.ts';
import { canonicalJson, sha256Hex } from '../../bundle/canonical.ts';
import { CONFIG_TARGET } from '../../bundle/config.ts';
import { NODE_FIELD } from '../../bundle/metadata.ts';
import { expiresText } from '../../bundle/sign.ts';
import {
  type KeptProposal,
  PROPOSAL_KEPT_MS,
  PROPOSAL_KEPT_MS_MAX,
  PROPOSALS_PER_TEAM_MAX,
} from '../../reconciler/ports/kept-proposals.ts';
import { type KeptOrder, ORDERS_KEPT_MS, type OrderPause } from '../../reconciler/ports/order-book.ts';
import type { LocalRestriction } from '../../reconciler/ports/restrictions.ts';
import type { SealedText } from '../../reconciler/ports/secrets.ts';
import type { Lease, Publication, PublishedNode, Store } from '../../reconciler/ports/store.ts';

export interface StoreScenario {
  store: Store;
  dispose(): Promise<void>;
}

export function storeContract(name: string, open: () => Promise<StoreScenario>): void {
  describe(`${name} as a Store`, () => {
    let scenario: StoreScenario;
    let store: Store;
    beforeEach(async () => {
      scenario = await open();
      store = scenario.store;
    });
    afterEach(() => scenario.dispose());

    it('begins empty', async () => {
      expect(await store.head()).toBeUndefined();
      expect(await store.nodes()).toEqual([]);
      expect(await store.enrolments()).toEqual([]);
      expect(await store.reports()).toEqual([]);
      expect(await store.leases()).toEqual([]);
      expect(await store.relay('default', 0)).toEqual({ sequence: 0, certificates: [] });
      expect(await store.blob(sha256Hex('x'))).toBeUndefined();
      expect(await store.sealedTexts()).toEqual([]);
      expect(await store.poolRecipients()).toEqual(new Map());
      expect([await store.restrictions(), await store.slots()]).toEqual([[], []]);
    });

    it('publishes by compare-and-swap: who is late gets a conflict and changes nothing', async () => {
      expect(await store.publish(publication({ nodes: [publishedNode('tokyo-1')] }))).toBe('published');
      expect(await store.head()).toEqual({ sequence: 1, commit: 'c1' });
      for (const expected of [undefined, 0, 2])
        expect(await store.publish(publication({ expected, commit: 'late', removed: ['tokyo-1'] }))).toBe('conflict');
      expect(await store.head()).toEqual({ sequence: 1, commit: 'c1' });
      expect(await store.nodes()).toEqual([publishedNode('tokyo-1')]);
      expect(await store.publish(publication({ expected: 1, commit: 'c2', overrideBase: 'c1' }))).toBe('published');
      expect(await store.head()).toEqual({ sequence: 2, commit: 'c2', overrideBase: 'c1' });
      expect(await store.publish(publication({ expected: 2, commit: 'c3' }))).toBe('published');
      expect(await store.head()).toEqual({ sequence: 3, commit: 'c3' });
    });

    it('keeps a rollout with the head that said it, and forgets it with the next that does not', async () => {
      const going = {
        commit: 'c1',
        settings: 's',
        settledBlob: 'b',
        waves: [['e1'], ['e2', 'e3']],
        wave: 1,
        sinceMs: 7,
      };
      const error = { stage: 'probe', code: 'probe_failed', detail: 'é "quoted"\n' };
      const stopped = { ...going, soakSinceMs: 8, stopped: { node: 'e2', atMs: 9, error } };
      await store.publish(publication({ rollout: going }));
      expect(await store.head()).toEqual({ sequence: 1, commit: 'c1', rollout: going });
      await store.publish(publication({ expected: 1, rollout: stopped, overrideBase: 'c0' }));
      expect(await store.head()).toEqual({ sequence: 2, commit: 'c1', rollout: stopped, overrideBase: 'c0' });
      await store.publish(publication({ expected: 2 }));
      expect(await store.head()).toEqual({ sequence: 3, commit: 'c1' });
    });

    it('lets one of many simultaneous publishers win', async () => {
      const tries = Array.from({ length: 8 }, (_, i) => store.publish(publication({ commit: `c${i}` })));
      const outcomes = await Promise.all(tries);
      expect(outcomes.filter((outcome) => outcome === 'published')).toHaveLength(1);
    });

    it('replaces changed nodes, keeps the others, drops the removed', async () => {
      await store.publish(publication({ nodes: ['a', 'b', 'c'].map((node) => publishedNode(node)) }));
      const changed = publishedNode('b', { version: 2, timestampVersion: 7, config: '{"a":"\\"\\n"}' });
      await store.publish(publication({ expected: 1, nodes: [changed], removed: ['c', 'never-there'] }));
      expect(await store.nodes()).toEqual([publishedNode('a'), changed]);
    });

    it('answers a text only under its own hash', async () => {
      const blobs = new Map(['{"routes":[]}', 'é\u0000\ud83d\ude00'].map((text) => [sha256Hex(text), text]));
      await store.publish(publication({ blobs }));
      for (const [sha256, text] of blobs) expect(await store.blob(sha256)).toBe(text);
      expect(await store.blob('nothing')).toBeUndefined();
    });

    it('shows nothing of a publication that cannot be completed', async () => {
      await store.publish(publication({ nodes: [publishedNode('a')] }));
      const good = new Map([[sha256Hex('good'), 'good']]);
      const lacking = publishedNode('b', { config: edgeConfig(sha256Hex('nowhere')) });
      await expect(
        store.publish(
          publication({ expected: 1, commit: 'c2', nodes: [publishedNode('a', { version: 9 }), lacking], blobs: good }),
        ),
      ).rejects.toMatchObject({ code: 'blob_missing' });
      const lying = new Map([...good, [sha256Hex('claimed'), 'other']]);
      await expect(store.publish(publication({ expected: 1, commit: 'c2', blobs: lying }))).rejects.toMatchObject({
        code: 'blob_mismatch',
      });
      expect(await store.head()).toEqual({ sequence: 1, commit: 'c1' });
      expect(await store.nodes()).toEqual([publishedNode('a')]);
      expect(await store.blob(sha256Hex('good'))).toBeUndefined();
    });

    it('accepts a config whose chunk came with an earlier publication', async () => {
      const [sha256, text] = [sha256Hex('chunk'), 'chunk'];
      const node = publishedNode('a', { config: edgeConfig(sha256) });
      await store.publish(publication({ nodes: [node], blobs: new Map([[sha256, text]]) }));
      expect(await store.publish(publication({ expected: 1, nodes: [{ ...node, version: 2 }] }))).toBe('published');
    });

    it('keeps one enrolment and one report per node, the newest', async () => {
      const enrolment = { wireguardPublicKey: `${'k'.repeat(42)}A=`, signingKey: 's'.repeat(43), formats: [1] };
      const bound = { node: 'a', tokenSha256: 't1', generation: 1, enrolment };
      await store.saveEnrolment(bound);
      await store.saveEnrolment({ ...bound, node: 'b' });
      await store.saveEnrolment({
        ...bound,
        tokenSha256: 't2',
        generation: 2,
        sequence: 2 ** 52,
        enrolment: { ...enrolment, allow: ['80'] },
      });
      expect(await store.enrolments()).toEqual([
        { node: 'a', tokenSha256: 't2', generation: 2, sequence: 2 ** 52, enrolment: { ...enrolment, allow: ['80'] } },
        { ...bound, node: 'b' },
      ]);
      const report: StatusReport = { agentVersion: '1', state: 'applied', enrolment };
      await store.saveReport({ node: 'a', lastSeenMs: 1, report });
      await store.saveReport({ node: 'a', lastSeenMs: 2, report: { ...report, applied: sha256Hex('h') } });
      expect(await store.reports()).toEqual([
        { node: 'a', lastSeenMs: 2, report: { ...report, applied: sha256Hex('h') } },
      ]);
    });

    it('numbers what it keeps per pool, ever upwards, and answers what is newer than asked', async () => {
      expect(await store.putIdentity(identity({}))).toBe('kept');
      expect(await store.putCertificate('default', certificate({}))).toBe('kept');
      expect(await store.putCertificate('default', certificate({ hostname: 'b.hoge.com' }))).toBe('kept');
      expect(await store.putCertificate('other', certificate({}))).toBe('kept');
      expect(await store.relay('default', 0)).toEqual({
        sequence: 3,
        identity: identity({}),
        certificates: [certificate({}), certificate({ hostname: 'b.hoge.com' })],
      });
      expect(await store.relay('default', 2)).toEqual({
        sequence: 3,
        certificates: [certificate({ hostname: 'b.hoge.com' })],
      });
      expect(await store.relay('default', 3)).toEqual({ sequence: 3, certificates: [] });
      expect((await store.relay('other', 0)).sequence).toBe(1);
      await store.putCertificate('default', certificate({ notBefore: later }));
      const changed = await store.relay('default', 3);
      expect(changed).toEqual({ sequence: 4, certificates: [certificate({ notBefore: later })] });
    });

    it('answers everything to a reader that is ahead: the store was rebuilt', async () => {
      await store.putCertificate('default', certificate({}));
      expect(await store.relay('default', 99)).toEqual({ sequence: 1, certificates: [certificate({})] });
    });

    it.each<[string, Partial<SealedCertificate>, 'kept' | 'stale', number]>([
      ['an older certificate', { notBefore: '2025-01-01T00:00:00Z' }, 'stale', 1],
      ['the same once more', {}, 'kept', 1],
      ['one as old, sealed anew', { sealed: 'bmV3' }, 'kept', 2],
      ['a newer one', { notBefore: '2027-01-01T00:00:00.000Z' }, 'kept', 2],
      ['one that is newer in another time zone', { notBefore: '2026-01-01T00:00:00-01:00' }, 'kept', 2],
    ])('judges %s', async (_, change, outcome, sequence) => {
      await store.putCertificate('default', certificate({}));
      expect(await store.putCertificate('default', certificate(change))).toBe(outcome);
      expect((await store.relay('default', 0)).sequence).toBe(sequence);
    });

    it('lets an older certificate replace one that is worthless', async () => {
      const older = certificate({ notBefore: '2025-01-01T00:00:00Z' });
      await store.putCertificate('default', certificate({}));
      expect(await store.putCertificate('default', older, false)).toBe('stale');
      expect(await store.putCertificate('default', older, true)).toBe('kept');
      expect(await store.putCertificate('default', older, true)).toBe('kept');
      expect(await store.relay('default', 0)).toEqual({ sequence: 2, certificates: [older] });
    });

    it.each<[string, Partial<PoolIdentity>, 'kept' | 'stale']>([
      ['a larger epoch', { epoch: 3, recipient: 'age1b', wraps: {} }, 'kept'],
      ['a smaller epoch', { epoch: 1, wraps: { a: 'x', b: 'x', c: 'x', d: 'x' } }, 'stale'],
      ['the same epoch with more wraps', { wraps: { a: 'x', b: 'x', c: 'x' } }, 'kept'],
      ['the same epoch with as many wraps', { wraps: { a: 'x', c: 'x' } }, 'stale'],
      ['the same epoch with the escrow key as well', { escrow: { recipient: 'age1e', wrap: 'x' } }, 'kept'],
      ['the same epoch that tells one more to wait', { withheld: ['c'] }, 'kept'],
      ['the same epoch with one less to wait for a wrap less', { wraps: { a: 'x' }, withheld: ['b'] }, 'stale'],
      ['the same epoch with another recipient', { recipient: 'age1b', wraps: { a: 'x', b: 'x', c: 'x' } }, 'stale'],
    ])('judges an identity with %s', async (_, change, outcome) => {
      await store.putIdentity(identity({ epoch: 2 }));
      expect(await store.putIdentity(identity({ epoch: 2, ...change }))).toBe(outcome);
      const kept = outcome === 'kept' ? identity({ epoch: 2, ...change }) : identity({ epoch: 2 });
      expect((await store.relay('default', 0)).identity).toEqual(kept);
    });

    it('grants a lease that is free, expired or held by the asker, and to nobody else', async () => {
      const ask = (node: string, expiresMs: number, nowMs: number) =>
        store.takeLease(lease({ node, expiresMs }), nowMs);
      expect(await ask('a', 100, 0)).toEqual(lease({ node: 'a', expiresMs: 100 }));
      expect(await ask('b', 150, 50)).toEqual(lease({ node: 'a', expiresMs: 100 }));
      expect(await ask('a', 160, 60)).toEqual(lease({ node: 'a', expiresMs: 160 }));
      expect(await ask('b', 300, 159)).toEqual(lease({ node: 'a', expiresMs: 160 }));
      expect(await ask('b', 300, 160)).toEqual(lease({ node: 'b', expiresMs: 300 }));
      expect(await store.takeLease(lease({ pool: 'other' }), 0)).toEqual(lease({ pool: 'other' }));
      expect(await store.takeLease(lease({ hostname: 'b.hoge.com' }), 0)).toEqual(lease({ hostname: 'b.hoge.com' }));
      expect(await store.leases()).toHaveLength(3);
    });

    it('keeps what was written into DNS, once per record and value, the oldest first', async () => {
      const one = { record: '_acme-challenge.hoge.com', zone: 'hoge.com', pool: 'default', certificate: '*.hoge.com' };
      await store.keepChallenge({ ...one, value: 'b', writtenMs: 2 });
      await store.keepChallenge({ ...one, value: 'a', writtenMs: 1 });
      await store.keepChallenge({ ...one, value: 'b', writtenMs: 3 });
      expect((await store.keptChallenges()).map(({ value, writtenMs }) => [value, writtenMs])).toEqual([
        ['a', 1],
        ['b', 3],
      ]);
      await store.dropChallenge(one.record, 'a');
      await store.dropChallenge(one.record, 'unknown');
      expect(await store.keptChallenges()).toEqual([{ ...one, value: 'b', writtenMs: 3 }]);
    });

    it('keeps the names that were written into DNS, of each zone apart', async () => {
      await store.keepDnsNames('hoge.com', ['app.hoge.com', '*.hoge.com']);
      await store.keepDnsNames('hoge.com', ['app.hoge.com', 'wiki.hoge.com']);
      await store.keepDnsNames('fuga.com', ['app.fuga.com']);
      await store.dropDnsNames('hoge.com', ['wiki.hoge.com', 'unknown.hoge.com']);
      await store.dropDnsNames('unknown.com', ['app.hoge.com']);
      expect((await store.dnsNames('hoge.com')).sort()).toEqual(['*.hoge.com', 'app.hoge.com']);
      expect(await store.dnsNames('fuga.com')).toEqual(['app.fuga.com']);
      expect(await store.dnsNames('unknown.com')).toEqual([]);
    });

    it('keeps which edges of a pool are in DNS, all of a pool at once', async () => {
      const a = { edge: 'a', inDns: true, sinceMs: 1, falls: 0 };
      const b = { edge: 'b', inDns: false, sinceMs: 2, falls: 3, reason: 'timeout', healthySinceMs: 5 };
      await store.savePoolMembers('default', [a, b]);
      await store.savePoolMembers('other', [a]);
      expect(await store.poolMembers()).toEqual(
        new Map([
          ['default', [a, b]],
          ['other', [a]],
        ]),
      );
      await store.savePoolMembers('default', [b]);
      await store.savePoolMembers('other', []);
      expect(await store.poolMembers()).toEqual(new Map([['default', [b]]]));
    });

    it('keeps what operators were told, and what waits for each channel in its order', async () => {
      const waiting = (channel: string, id: string) => ({ channel, id, text: `${channel} ${id}` });
      await store.keepNotice({ topic: { key: 'a', text: '1' }, forget: [], waiting: [waiting('ops', 'x')] });
      await store.keepNotice({
        ...{ topic: { key: 'b', text: '2' }, forget: [] },
        waiting: [waiting('ops', 'y'), waiting('mail', 'y')],
      });
      await store.keepNotice({ topic: { key: 'a', text: '3' }, forget: ['unknown'], waiting: [] });
      expect(new Map((await store.keptTopics()).map(({ key, text }) => [key, text]))).toEqual(
        new Map([
          ['a', '3'],
          ['b', '2'],
        ]),
      );
      expect((await store.keptWaiting()).filter(({ channel }) => channel === 'ops').map(({ id }) => id)).toEqual([
        'x',
        'y',
      ]);
      await store.dropWaiting([
        { channel: 'ops', id: 'x' },
        { channel: 'ops', id: 'unknown' },
      ]);
      expect(await store.keptWaiting()).toEqual([waiting('ops', 'y'), waiting('mail', 'y')]);
      await store.keepNotice({ topic: { key: 'c', text: '4' }, forget: ['a', 'b'], waiting: [] });
      expect(await store.keptTopics()).toEqual([{ key: 'c', text: '4' }]);
    });

    it('lets a lease be taken over from whom it is of no use to, and from nobody else', async () => {
      const ask = (node: string, lost?: string) => store.takeLease(lease({ node, expiresMs: 100 }), 0, lost);
      await ask('a');
      expect(await ask('b', 'c')).toEqual(lease({ node: 'a', expiresMs: 100 }));
      expect(await ask('b', 'a')).toEqual(lease({ node: 'b', expiresMs: 100 }));
      expect(await ask('c', 'a')).toEqual(lease({ node: 'b', expiresMs: 100 }));
    });

    it('finds orders by name, by what counts for a domain, and by node, the newest first', async () => {
      const all = [
        order({ begunMs: 10 }),
        order({ begunMs: 20, name: 'b.hoge.com', renewal: true }),
        order({ begunMs: 30, name: 'c.hoge.com', node: 'b' }),
        order({ begunMs: 40, name: 'd.fuga.com', domain: 'fuga.com' }),
        order({ begunMs: 40, name: 'e.hoge.com', outcome: 'failed', endedMs: 41 }),
        order({ begunMs: 50, name: '*.hoge.com', outcome: 'issued', endedMs: 51 }),
        order({ begunMs: 60, server: 'other' }),
      ];
      for (const one of all) await store.beginOrder(one);
      const names = async (...of: Parameters<Store['orders']>) => (await store.orders(...of)).map(({ name }) => name);
      expect(await store.orders({ server: 's', name: 'a.hoge.com' }, 0, 9)).toEqual([all[0]]);
      expect(await names({ server: 's', domain: 'hoge.com' }, 0, 9)).toEqual([
        '*.hoge.com',
        'c.hoge.com',
        'a.hoge.com',
      ]);
      expect(await names({ server: 's', domain: 'hoge.com' }, 0, 2)).toEqual(['*.hoge.com', 'c.hoge.com']);
      expect(await names({ server: 's', domain: 'hoge.com' }, 30, 9)).toEqual(['*.hoge.com']);
      expect(await names({ server: 's', node: 'a' }, 20, 9)).toEqual(['*.hoge.com', 'e.hoge.com', 'd.fuga.com']);
      expect(await store.newNames('s', 0)).toEqual(
        new Map([
          ['fuga.com', 1],
          ['hoge.com', 3],
        ]),
      );
      expect(await store.newNames('s', 40)).toEqual(new Map([['hoge.com', 1]]));
    });

    it('ends the newest order that a node began, once', async () => {
      for (const begunMs of [10, 20]) await store.beginOrder(order({ begunMs }));
      const end = { server: 's', name: 'a.hoge.com', node: 'a', outcome: 'issued', endedMs: 25 } as const;
      expect(await store.endOrder({ ...end, node: 'b' })).toBe('unknown');
      expect(await store.endOrder({ ...end, server: 'other' })).toBe('unknown');
      expect(await store.endOrder(end)).toBe('ended');
      const kept = await store.orders({ server: 's', name: 'a.hoge.com' }, 0, 9);
      expect(kept).toEqual([order({ begunMs: 20, outcome: 'issued', endedMs: 25 }), order({ begunMs: 10 })]);
      expect(await store.endOrder({ ...end, outcome: 'validation_failed' })).toBe('ended');
      expect(await store.endOrder(end)).toBe('unknown');
    });

    it('forgets orders after a week', async () => {
      await store.beginOrder(order({ begunMs: 10 }));
      await store.beginOrder(order({ begunMs: 9 + ORDERS_KEPT_MS }));
      expect(await store.orders({ server: 's', name: 'a.hoge.com' }, 0, 9)).toHaveLength(2);
      await store.beginOrder(order({ begunMs: 10 + ORDERS_KEPT_MS }));
      const kept = await store.orders({ server: 's', name: 'a.hoge.com' }, 0, 9);
      expect(kept.map(({ begunMs }) => begunMs - ORDERS_KEPT_MS)).toEqual([10, 9]);
    });

    it('keeps the longest pause of a scope and subject until it is over', async () => {
      const pause = (change: Partial<OrderPause>): OrderPause => ({
        ...{ server: 's', scope: 'domain', subject: 'hoge.com', untilMs: 100, node: 'a' },
        ...change,
      });
      const all = [pause({}), pause({ scope: 'server', subject: '', untilMs: 50 }), pause({ server: 'other' })];
      for (const one of all) await store.putPause(one, 0);
      await store.putPause(pause({ untilMs: 99, node: 'b' }), 0);
      expect(await store.pauses('s', 49)).toEqual(all.slice(0, 2));
      await store.putPause(pause({ untilMs: 120, node: 'b' }), 0);
      expect(await store.pauses('s', 50)).toEqual([pause({ untilMs: 120, node: 'b' })]);
      await store.putPause(pause({ subject: 'late', untilMs: 300 }), 200);
      expect(await store.pauses('s', 0)).toEqual([pause({ subject: 'late', untilMs: 300 })]);
    });

    it('keeps one sealed text per pool and digest, and drops what is named', async () => {
      const [one, two, other] = [sealedText({}), sealedText({ digest: 'd2' }), sealedText({ pool: 'other' })];
      await store.changeSealedTexts([two, one, other], []);
      expect(await store.sealedTexts()).toEqual([one, two, other]);
      const again = sealedText({ recipient: 'age1b', sealed: 'bmV3' });
      await store.changeSealedTexts([again], [two, sealedText({ digest: 'never there' })]);
      expect(await store.sealedTexts()).toEqual([again, other]);
    });

    it('keeps one restriction per node and state, and drops the one that is named', async () => {
      const [suspended, revoked] = [restriction({}), restriction({ state: 'revoked', tokenSha256: undefined })];
      const other = restriction({ node: 'b' });
      for (const one of [other, suspended, revoked]) await store.putRestriction(one);
      expect(await store.restrictions()).toEqual([revoked, suspended, other]);
      const again = restriction({ reason: 'a "reason" – é', sinceMs: 2, generation: 3, tokenSha256: 't2' });
      await store.putRestriction(again);
      await store.dropRestriction('a', 'revoked');
      await store.dropRestriction('b', 'revoked');
      expect(await store.restrictions()).toEqual([again, other]);
    });

    it('knows the slots that were saved last, and no others', async () => {
      const slot = { node: 'a', role: 'edge', state: 'active', generation: 1, tokenSha256: 't' } as const;
      await store.saveSlots([{ ...slot, node: 'b' }, slot]);
      expect(await store.slots()).toEqual([slot, { ...slot, node: 'b' }]);
      const revoked = { ...slot, role: 'origin', state: 'revoked', generation: 2, tokenSha256: undefined } as const;
      await store.saveSlots([revoked]);
      expect(await store.slots()).toEqual([revoked]);
    });

    it('keeps one proposal per team and key, and counts what was opened', async () => {
      const other = keptProposal({ team: 'fuga', opened: openedProposal(3) });
      for (const one of [keptProposal({}), other, keptProposal({ key: 'k2', opened: openedProposal(9) })])
        expect(await store.keepProposal(one, 1)).toBe('kept');
      expect(await store.keptProposal('hoge', 'k1')).toEqual(keptProposal({}));
      const opened = keptProposal({ requestSha256: 'other', createdMs: 2, opened: openedProposal(9) });
      expect(await store.keepProposal(opened, 2)).toBe('kept');
      expect(await store.keptProposal('hoge', 'k1')).toEqual(opened);
      expect([await store.openedProposals('hoge'), await store.openedProposals('fuga')]).toEqual([[9], [3]]);
      await store.dropProposal('hoge', 'k1');
      expect(await store.keptProposal('hoge', 'k1')).toBeUndefined();
      expect(await store.keptProposal('fuga', 'k1')).toEqual(other);
    });

    it('remembers a proposal for a day whatever comes, and not for ever', async () => {
      for (let at = 0; at < PROPOSALS_PER_TEAM_MAX; at += 1)
        expect(await store.keepProposal(keptProposal({ key: `k${at}`, createdMs: at }), at)).toBe('kept');
      const late = keptProposal({ key: 'late', createdMs: PROPOSAL_KEPT_MS });
      expect(await store.keepProposal(late, PROPOSAL_KEPT_MS)).toBe('full');
      expect(await store.keepProposal(keptProposal({ key: 'k5' }), PROPOSAL_KEPT_MS)).toBe('kept');
      expect(await store.keepProposal(keptProposal({ team: 'fuga' }), PROPOSAL_KEPT_MS)).toBe('kept');
      expect(await store.keepProposal(late, PROPOSAL_KEPT_MS + 1)).toBe('kept');
      expect(await store.keptProposal('hoge', 'k0')).toBeUndefined();
      expect(await store.keptProposal('hoge', 'k1')).toBeDefined();
      await store.keepProposal(keptProposal({ team: 'piyo' }), PROPOSAL_KEPT_MS_MAX + 3);
      const kept = await Promise.all(['k1', 'k2', 'k3', 'late'].map((key) => store.keptProposal('hoge', key)));
      expect(kept.map((one) => one !== undefined)).toEqual([false, false, true, true]);
    });

    it('knows the recipient of the newest identity of each pool', async () => {
      await store.putIdentity(identity({}));
      await store.putIdentity(identity({ pool: 'other', recipient: 'age1c' }));
      await store.putIdentity(identity({ epoch: 2, recipient: 'age1b' }));
      expect(await store.poolRecipients()).toEqual(
        new Map([
          ['default', 'age1b'],
          ['other', 'age1c'],
        ]),
      );
    });
  });
}

const later = '2026-06-01T00:00:00Z';

export function publication(change: Partial<Publication>): Publication {
  return { expected: undefined, commit: 'c1', nodes: [], removed: [], blobs: new Map(), ...change };
}

/** With documents that name each other as signed ones do; a changed document is taken as it is. */
export function publishedNode(node: string, change: Partial<PublishedNode> = {}): PublishedNode {
  const { version = 1, timestampVersion = version, config = '{}', timestampExpiresMs = 1000 } = change;
  const configHash = sha256Hex(config);
  const document = (body: object) => canonicalJson({ signatures: [], signed: { [NODE_FIELD]: node, ...body } });
  const named = (name: string, text: string) => ({ [name]: { hashes: { sha256: sha256Hex(text) } } });
  const targets = change.targets ?? document({ targets: named(CONFIG_TARGET, config), version });
  const snapshot = change.snapshot ?? document({ meta: named('targets.json', targets), version });
  const expires = expiresText(timestampExpiresMs);
  const timestamp = document({ expires, meta: named('snapshot.json', snapshot), version: timestampVersion });
  return {
    node,
    version,
    timestampVersion,
    configHash,
    timestampExpiresMs,
    timestamp,
    snapshot,
    targets,
    config,
    ...change,
  };
}

function edgeConfig(sha256: string): string {
  return canonicalJson({ edge: { chunks: [{ bucket: '', bytes: 1, sha256 }] }, node: 'a' });
}

function certificate(change: Partial<SealedCertificate>): SealedCertificate {
  const validity = { notBefore: '2026-01-01T00:00:00Z', notAfter: '2036-01-01T00:00:00Z' };
  return {
    hostname: 'a.hoge.com',
    recipient: 'age1a',
    sealed: 'AA==',
    ...validity,
    by: 'a',
    signature: 's',
    ...change,
  };
}

function identity(change: Partial<PoolIdentity>): PoolIdentity {
  return {
    pool: 'default',
    epoch: 1,
    recipient: 'age1a',
    wraps: { a: 'x', b: 'x' },
    by: 'a',
    signature: 's',
    ...change,
  };
}

function lease(change: Partial<Lease>): Lease {
  return { pool: 'default', hostname: 'a.hoge.com', node: 'a', expiresMs: 10, ...change };
}

function order(change: Partial<KeptOrder>): KeptOrder {
  return { server: 's', name: 'a.hoge.com', domain: 'hoge.com', node: 'a', renewal: false, begunMs: 1, ...change };
}

function restriction(change: Partial<LocalRestriction>): LocalRestriction {
  return { node: 'a', state: 'suspended', reason: '', sinceMs: 1, generation: 1, tokenSha256: 't1', ...change };
}

function openedProposal(number: number): NonNullable<KeptProposal['opened']> {
  return { number, url: `https://forge/é"/${number}`, hostname: 'app.hoge.com', file: 'routes/hoge/app.yaml' };
}

function keptProposal(change: Partial<KeptProposal>): KeptProposal {
  return { team: 'hoge', key: 'k1', requestSha256: 'r', forgeKey: 'f', createdMs: 1, ...change };
}

function sealedText(change: Partial<SealedText>): SealedText {
  return { pool: 'default', digest: 'd1', recipient: 'age1a', sealed: 'AA==', ...change };
}
