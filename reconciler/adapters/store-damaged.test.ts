// Every JSON text of the embedded store, damaged on the disk: it counts as absent, is said once, and comes again.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { canonicalJson, sha256Hex } from '../../bundle/canonical.ts';
import { publication, publishedNode } from '../../test/contract/store.ts';
import { compile } from '../core/compile.ts';
import { lostRollout } from '../core/rollout/stored-rollout.ts';
import { bound, edge, enrolmentMap, inputOf, kokoa, origin } from '../core/world.fixture.ts';
import type { Store } from '../ports/store.ts';
import { DATABASE_FILE } from './store-database.ts';
import { openSqliteStore } from './store-sqlite.ts';
import type { DamagedText } from './store-texts.ts';

const ENROLMENT = { wireguardPublicKey: `${'k'.repeat(42)}A=`, signingKey: 's'.repeat(43), formats: [1] };
const BOUND = { tokenSha256: 't', generation: 1, enrolment: ENROLMENT };
const REPORT = { lastSeenMs: 1, report: { agentVersion: '1', state: 'applied', enrolment: ENROLMENT } } as const;
const ROLLOUT = { commit: 'c1', settings: 's', settledBlob: 'b', waves: [['a']], wave: 0, sinceMs: 7 };
const IDENTITY = { pool: 'p', epoch: 1, recipient: 'r', wraps: { a: 'w' }, by: 'a', signature: 's' };
const ENDS = { notBefore: '2026-01-01T00:00:00Z', notAfter: '2099-01-01T00:00:00Z' };
const certificate = (hostname: string) => ({
  ...{ hostname, recipient: 'r', sealed: 'x', by: 'a', signature: 's', ...ENDS },
});
const PROPOSAL = { team: 'hoge', key: 'k', requestSha256: 'q', forgeKey: 'f', createdMs: 1 };
const OPENED = { number: 1, url: 'https://forge.example/1', hostname: 'a.hoge.com', file: 'routes/hoge/a.yaml' };

let directory: string;
let found: DamagedText[];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kokoa-store-'));
  found = [];
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const open = () => openSqliteStore(directory, { damaged: (text) => void found.push(text) });

/** A store with one or two of everything, in which `sql` was done. */
async function damagedBy(sql: string, ...values: string[]): Promise<Store> {
  const store = await open();
  await store.publish(publication({ nodes: [publishedNode('a'), publishedNode('b')], rollout: ROLLOUT }));
  for (const node of ['a', 'b']) {
    await store.saveEnrolment({ node, ...BOUND });
    await store.saveReport({ node, ...REPORT });
  }
  await store.putIdentity(IDENTITY);
  for (const hostname of ['a.hoge.com', 'b.hoge.com']) await store.putCertificate('p', certificate(hostname));
  await store.keepProposal({ ...PROPOSAL, opened: OPENED }, 1);
  await store.close();
  const database = new DatabaseSync(join(directory, DATABASE_FILE));
  database.prepare(sql).run(...values);
  database.close();
  return open();
}

const GARBAGE = ['', '{', 'null', '7', '"text"', '[]', '{}', '\u0000\u0001', '{"__proto__":{}}'];
const AT_A = "node = 'a'";

it.each(GARBAGE)('a rollout of %j is one of which nobody knows how far it came', async (garbage) => {
  const store = await damagedBy('UPDATE head SET rollout = ?', garbage);
  expect(await store.head()).toEqual({ sequence: 1, commit: 'c1', rollout: lostRollout('c1') });
  await store.head();
  expect(found).toEqual([{ place: 'head', problem: expect.any(String), todo: expect.stringContaining('first wave') }]);
  await store.publish(publication({ expected: 1, rollout: lostRollout('c1') }));
  expect((await store.head())!.rollout).toEqual(lostRollout('c1'));
  await store.close();
  expect(found).toHaveLength(1);
});

it.each(GARBAGE)('an enrolment of %j is what its node reported last, and stays bound', async (garbage) => {
  const store = await damagedBy(`UPDATE enrolments SET enrolment = ? WHERE ${AT_A}`, garbage);
  const mended = { node: 'a', ...BOUND, mended: true };
  expect(await store.enrolments()).toEqual([mended, { node: 'b', ...BOUND }]);
  expect((await store.enrolments()).length + found.length).toBe(3);
  expect(found[0]).toMatchObject({ place: 'enrolments a', todo: expect.stringContaining('last report') });
  await store.saveEnrolment({ node: 'a', ...BOUND });
  expect((await store.enrolments())[0]).toEqual({ node: 'a', ...BOUND });
  await store.close();
});

it.each([
  ['its report is damaged too', `UPDATE reports SET report = '{'`],
  ['its report is that of a machine before', `UPDATE enrolments SET sequence = 1`],
])('an enrolment is what is published of it when %s, and bound to no key when nothing is', async (_, sql) => {
  const known = bound('e1', { acmeThumbprint: 'A'.repeat(43), address: { ipv4: '192.0.2.1' } });
  const files = [kokoa(), edge('e1', { address: undefined } as never), origin('o1')];
  const enrolments = enrolmentMap(known, bound('o1'));
  const configs = [...compile(inputOf(files, { enrolments })).nodes.values()].map(({ config }) =>
    canonicalJson(config),
  );
  const first = await open();
  const nodes = ['e1', 'o1'].map((node, at) => publishedNode(node, { config: configs[at]! }));
  await first.publish(publication({ nodes }));
  for (const one of [known, { ...bound('x1'), node: 'x1' }]) await first.saveEnrolment(one);
  await first.saveReport({ node: 'e1', ...REPORT });
  await first.close();
  const database = new DatabaseSync(join(directory, DATABASE_FILE));
  database.exec(`UPDATE enrolments SET enrolment = '{'; ${sql}`);
  database.close();
  const store = await open();
  const [mended, unknown] = await store.enrolments();
  expect(mended).toMatchObject({ mended: true, enrolment: known.enrolment, generation: 1 });
  expect(unknown).toMatchObject({ mended: true, enrolment: { wireguardPublicKey: '', signingKey: '' } });
  await store.close();
});

it.each(GARBAGE)('a report of %j is missing until the next', async (garbage) => {
  const store = await damagedBy(`UPDATE reports SET report = ? WHERE ${AT_A}`, garbage);
  expect(await store.reports()).toEqual([{ node: 'b', ...REPORT }]);
  expect(found).toMatchObject([{ place: 'reports a' }]);
  await store.close();
});

it('a config that is not the one that was signed takes its node out, to be signed again', async () => {
  const store = await damagedBy(`UPDATE nodes SET config = ? WHERE ${AT_A}`, '{"format":2}');
  expect((await store.nodes()).map(({ node }) => node)).toEqual(['b']);
  expect(found).toMatchObject([{ place: 'nodes a', todo: expect.stringContaining('signed again') }]);
  await store.publish(publication({ expected: 1, nodes: [publishedNode('a')] }));
  expect(await store.nodes()).toHaveLength(2);
  await store.close();
});

const WHOLE = publishedNode('a');
const DOCUMENTS = ['timestamp', 'snapshot', 'targets'] as const;
const DAMAGE: [string, (text: string) => string][] = [
  ['nothing', () => ''],
  ['cut', (text) => text.slice(0, 40)],
  ['no object', () => 'null'],
  ['another valid document', (text) => text.replace('"signatures":[]', '"signatures":[ ]').replace(/00:01/, '09:01')],
  ["another node's", () => publishedNode('b').snapshot],
];

it.each(DOCUMENTS.flatMap((name) => DAMAGE.map(([how, damage]) => [name, how, damage] as const)))(
  'a %s that is %s takes its node out, and no other one',
  async (name, _how, damage) => {
    const text = damage(WHOLE[name]);
    const store = await damagedBy(`UPDATE nodes SET ${name} = ? WHERE ${AT_A}`, text);
    expect(await store.nodes()).toEqual([publishedNode('b')]);
    expect(await store.damagedNodes()).toEqual([{ ...WHOLE, [name]: text }]);
    expect(found).toMatchObject([{ place: 'nodes a', problem: expect.stringMatching(/ not /) }]);
    await store.publish(publication({ expected: 1, nodes: [WHOLE] }));
    expect([await store.damagedNodes(), (await store.nodes()).length]).toEqual([[], 2]);
    await store.close();
  },
);

it.each([
  ['timestamp_version = 9', 'timestamp_version'],
  ['timestamp_expires_ms = 9000000', 'timestamp_expires_ms'],
  ["config_hash = 'x'", 'config_hash'],
])('a row in which %s is not what was signed is out as well', async (change) => {
  const store = await damagedBy(`UPDATE nodes SET ${change} WHERE ${AT_A}`);
  expect((await store.nodes()).map(({ node }) => node)).toEqual(['b']);
  await store.close();
});

it('an identity that cannot be read is taken again from whoever holds it, and from nobody who holds less', async () => {
  const store = await damagedBy('UPDATE identities SET item = ?', '{');
  expect(await store.relay('p', 0)).not.toHaveProperty('identity');
  expect(await store.putIdentity({ ...IDENTITY, recipient: 'other' })).toBe('stale');
  expect(await store.putIdentity({ ...IDENTITY, epoch: 0 })).toBe('stale');
  expect(await store.putIdentity(IDENTITY)).toBe('kept');
  expect((await store.relay('p', 0)).identity).toEqual(IDENTITY);
  expect(await store.putIdentity(IDENTITY)).toBe('stale');
  await store.close();
  expect(found).toMatchObject([{ place: 'identities p' }]);
});

it('a certificate that cannot be read takes no other one with it, and is taken again', async () => {
  const store = await damagedBy(`UPDATE certificates SET item = ? WHERE hostname = 'a.hoge.com'`, '[]');
  const hostnames = async () => (await store.relay('p', 0)).certificates.map(({ hostname }) => hostname);
  expect(await hostnames()).toEqual(['b.hoge.com']);
  expect(await store.putCertificate('p', certificate('a.hoge.com'))).toBe('kept');
  expect(await hostnames()).toEqual(['b.hoge.com', 'a.hoge.com']);
  await store.close();
  expect(found).toMatchObject([{ place: 'certificates p a.hoge.com' }]);
});

it.each(['{', '{}', '[]', '{"number":"1"}'])('what a proposal of %j opened is not known', async (garbage) => {
  const store = await damagedBy('UPDATE proposals SET opened = ?', garbage);
  expect(await store.keptProposal('hoge', 'k')).toEqual(PROPOSAL);
  expect(await store.openedProposals('hoge')).toEqual([1]);
  await store.close();
  expect(found).toMatchObject([{ place: 'proposals hoge k' }]);
});

it('says no more than a hundred, and nothing of what is whole', async () => {
  const store = await damagedBy('DELETE FROM reports');
  for (let n = 0; n < 150; n += 1) await store.saveReport({ node: `n${n}`, ...REPORT });
  await store.close();
  const database = new DatabaseSync(join(directory, DATABASE_FILE));
  database.exec(`UPDATE reports SET report = '${'x'.repeat(1000)}'`);
  database.close();
  const again = await open();
  expect([await again.reports(), found.length]).toEqual([[], 100]);
  expect(Math.max(...found.map((text) => JSON.stringify(text).length))).toBeLessThan(500);
  expect(sha256Hex((await again.nodes())[0]!.config)).toBe((await again.nodes())[0]!.configHash);
  await again.close();
});
