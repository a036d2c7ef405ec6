// The pool's mailbox between two edges, and those who must not use it.
import type { KeyObject } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { PoolIdentity, RelayResponse, SealedCertificate } from '../../bundle/api.ts';
import { signRelayed } from '../../bundle/relayed.ts';
import {
  chunk,
  edgeConfig,
  enrolment,
  type Installation,
  install,
  keys,
  NODE_PATH,
  type NodeName,
  originConfig,
  RECIPIENT,
  report,
} from './http.fixture.ts';

const RELAY = `${NODE_PATH}/relay`;
const STATUS = `${NODE_PATH}/status`;
const HOST = 'app.hoge.com';
const routes = chunk([
  { hostname: HOST, orderer: 'a' },
  { hostname: 'b.hoge.com', orderer: 'b' },
  { hostname: '*.hoge.com' },
]);
let at: Installation;
let secret: Record<'a' | 'b', KeyObject>;
let applied: Record<'a' | 'b', string>;

beforeEach(async () => {
  at = await install();
  const [a, b] = [keys(), keys()];
  secret = { a: a.privateKey, b: b.privateKey };
  const [first, second] = await at.publish(
    [edgeConfig('a', [routes]), edgeConfig('b', [routes]), originConfig('home')],
    [routes],
  );
  applied = { a: first!.configHash, b: second!.configHash };
  for (const node of ['a', 'b'] as const) {
    const { signingKey } = { a, b }[node];
    const letter = { a: 'd', b: 'e' }[node];
    const own = { wireguardPublicKey: `${letter.repeat(42)}A=`, recipient: `age1${letter.repeat(58)}`, signingKey };
    const said = { enrolment: enrolment(own), applied: applied[node] };
    await at.post(node, STATUS, report(said, { node, signingKey: secret[node] }));
  }
});
afterEach(() => at.close());

function certificate(change: Partial<SealedCertificate> = {}, by: 'a' | 'b' = 'a'): SealedCertificate {
  const validity = { notBefore: '2026-01-01T00:00:00Z', notAfter: '2099-01-01T00:00:00Z' };
  return signRelayed<SealedCertificate>(
    { hostname: HOST, recipient: RECIPIENT, sealed: 'QUJD', ...validity, by, ...change },
    secret[by],
  );
}

const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();

function identity(change: Partial<PoolIdentity> = {}): PoolIdentity {
  const wraps = { a: 'QUJD', b: 'QUJD' };
  return signRelayed<PoolIdentity>(
    { pool: 'default', epoch: 1, recipient: RECIPIENT, wraps, by: 'a', ...change },
    secret.a,
  );
}

const wrapFor = (recipient: string) => ({ recipient, wrap: 'QUJD' });

const put = (as: NodeName, path: string, body: unknown) => at.post(as, `${RELAY}${path}`, body, 'PUT');
const read = async (as: NodeName, query = '') =>
  (await (await at.ask(`${RELAY}${query}`, { as })).json()) as RelayResponse;

it('passes identity and certificates to the pool, unchanged, in the order they came', async () => {
  expect(await (await put('a', '/identity', identity())).json()).toEqual({ outcome: 'kept' });
  expect(await (await put('a', `/certificates/${HOST}`, certificate())).json()).toEqual({ outcome: 'kept' });
  expect(await read('b', '?since=0')).toEqual({ sequence: 2, identity: identity(), certificates: [certificate()] });
  expect(await read('b', '?since=1')).toEqual({ sequence: 2, certificates: [certificate()] });
  expect(await read('b', '?since=2')).toEqual({ sequence: 2, certificates: [] });
});

it('says stale to what is older than what it has', async () => {
  await put('a', `/certificates/${HOST}`, certificate());
  const older = certificate({ notBefore: '2025-01-01T00:00:00Z' });
  expect(await (await put('a', `/certificates/${HOST}`, older)).json()).toEqual({ outcome: 'stale' });
});

it('wakes the members that wait when something is put, and nobody of another pool', async () => {
  const waiting = read('b', '?since=0&wait=20');
  await expect.poll(() => at.served.waiting).toBe(1);
  await put('a', `/certificates/${HOST}`, certificate());
  expect(await waiting).toMatchObject({ sequence: 1, certificates: [{ hostname: HOST }] });
  expect(await read('b', '?since=77&wait=20')).toMatchObject({ sequence: 1, certificates: [{ hostname: HOST }] });
});

it.each<[string, () => unknown, number, string]>([
  ['signed by another key', () => signRelayed(certificate(), secret.b), 422, 'bad_signature'],
  ['changed after it was signed', () => ({ ...certificate(), sealed: 'QUJE' }), 422, 'bad_signature'],
  ['in another name', () => certificate({}, 'b'), 422, 'bad_signature'],
  ['for a host the pool does not have', () => certificate({ hostname: 'x.example.com' }), 409, 'unknown_host'],
  ['for a host another edge orders', () => certificate({ hostname: 'b.hoge.com' }), 409, 'not_the_orderer'],
  ['that has ended', () => certificate({ notAfter: '2026-02-01T00:00:00Z' }), 422, 'bad_certificate'],
  ['from the future', () => certificate({ notBefore: inMs(2 * 3600_000) }), 422, 'bad_certificate'],
  ['in capitals', () => certificate({ hostname: 'APP.hoge.com' }), 422, 'bad_certificate'],
  ['that is none', () => [], 422, 'bad_certificate'],
])('refuses a certificate %s', async (_, make, status, error) => {
  const answer = await put('a', '/certificates', make());
  expect([answer.status, await answer.json()]).toMatchObject([status, { error }]);
  expect((await read('b')).sequence).toBe(0);
});

it('refuses a path that names another host than the certificate', async () => {
  expect((await put('a', '/certificates/b.hoge.com', certificate())).status).toBe(422);
});

it.each<[string, () => PoolIdentity, number, string]>([
  ['of another pool', () => identity({ pool: 'other' }), 409, 'other_pool'],
  ['for a stranger', () => identity({ wraps: { a: 'QUJD', mallory: 'QUJD' } }), 409, 'not_a_member'],
  ['with an epoch out of range', () => ({ ...identity(), epoch: 2 ** 53 }), 422, 'bad_identity'],
  ['with an epoch far off', () => identity({ epoch: 2 ** 36 + 1 }), 409, 'epoch_too_far'],
  ['without wraps', () => identity({ wraps: {} }), 422, 'bad_identity'],
  ['that tells a stranger to wait', () => identity({ withheld: ['mallory'] }), 409, 'not_a_member'],
  ['with an escrow key that the pool has not', () => identity({ escrow: wrapFor(RECIPIENT) }), 409, 'other_escrow'],
  [
    'with an escrow wrap that is none',
    () => identity({ escrow: { recipient: RECIPIENT } as never }),
    422,
    'bad_identity',
  ],
  ['with another signature', () => ({ ...identity(), epoch: 2 }), 422, 'bad_signature'],
])('refuses an identity %s', async (_, make, status, error) => {
  const answer = await put('a', '/identity', make());
  expect([answer.status, await answer.json()]).toMatchObject([status, { error }]);
});

it('takes the wrap for the escrow key that the config names, and for no other', async () => {
  const [escrow, other] = [`age1${'d'.repeat(58)}`, `age1${'e'.repeat(58)}`];
  await at.publish([edgeConfig('a', [routes], { escrow })], [routes]);
  const refused = await put('a', '/identity', identity({ escrow: wrapFor(other) }));
  expect([refused.status, await refused.json()]).toMatchObject([409, { error: 'other_escrow' }]);
  expect((await put('a', '/identity', identity({ escrow: wrapFor(escrow) }))).status).toBe(200);
  expect((await read('a')).identity).toEqual(identity({ escrow: wrapFor(escrow) }));
});

it('lets another member give what the mailbox lacks, and not displace what it has', async () => {
  await put('a', '/identity', identity());
  expect((await put('b', '/certificates', certificate({}, 'b'))).status).toBe(200);
  const renewed = { notBefore: '2026-06-01T00:00:00Z' };
  expect((await put('b', '/certificates', certificate(renewed, 'b'))).status).toBe(409);
  expect((await put('a', '/certificates', certificate(renewed))).status).toBe(200);
  expect((await read('b')).certificates).toEqual([certificate(renewed)]);
});

it('lets no edge use up the numbers of identities: those who stay always find a larger one', async () => {
  const putEpoch = async (epoch: number) => (await put('a', '/identity', identity({ epoch }))).status;
  // What an earlier version let in.
  expect(await putEpoch(1_000_000)).toBe(200);
  expect(await putEpoch(1_001_001)).toBe(409);
  expect((await read('b')).identity?.epoch).toBe(1_000_000);
  expect(await putEpoch(1_001_000)).toBe(200);
  const next = signRelayed<PoolIdentity>({ ...identity({ epoch: 1_001_001 }), by: 'b' }, secret.b);
  at.setAccess('a', { state: 'revoked' });
  expect(await (await put('b', '/identity', next)).json()).toEqual({ outcome: 'kept' });
});

it('takes the number that the config asks for, however far', async () => {
  await at.publish([edgeConfig('a', [routes], { identityEpoch: 50_000 })], [routes]);
  await put('a', '/identity', identity());
  expect((await put('a', '/identity', identity({ epoch: 51_001 }))).status).toBe(409);
  expect((await put('a', '/identity', identity({ epoch: 50_000 }))).status).toBe(200);
});

const futile = (by: 'a' | 'b') => certificate({ notBefore: inMs(1800_000), sealed: 'eHh4' }, by);

it('lets the orderer replace what another member dated into the future', async () => {
  await put('a', '/identity', identity());
  expect(await (await put('b', '/certificates', futile('b'))).json()).toEqual({ outcome: 'kept' });
  expect(await (await put('a', '/certificates', certificate())).json()).toEqual({ outcome: 'kept' });
  expect((await put('b', '/certificates', futile('b'))).status).toBe(409);
  // For an identity that is no more it replaces nothing.
  await put('a', '/identity', identity({ epoch: 2, recipient: `age1${'p'.repeat(58)}` }));
  const stale = certificate({ notBefore: '2025-12-31T00:00:00Z' });
  expect(await (await put('a', '/certificates', stale)).json()).toEqual({ outcome: 'stale' });
  expect((await read('b')).certificates).toEqual([certificate()]);
});

it('lets the orderer replace its own as well, in a pool that had a compromised edge', async () => {
  await put('a', '/identity', identity());
  expect(await (await put('a', '/certificates', futile('a'))).json()).toEqual({ outcome: 'kept' });
  expect(await (await put('a', '/certificates', certificate())).json()).toEqual({ outcome: 'stale' });
  const nodes = (['a', 'b'] as const).map((node) => edgeConfig(node, [routes], { compromised: ['c/1'] }));
  await at.publish(nodes, [routes]);
  expect(await (await put('a', '/certificates', certificate())).json()).toEqual({ outcome: 'kept' });
  expect((await put('b', '/certificates', futile('b'))).status).toBe(409);
});

it('lets anybody replace what an edge that left dated into the future, and what was sealed to an earlier identity', async () => {
  await put('a', '/identity', identity());
  expect(await (await put('a', '/certificates', futile('a'))).json()).toEqual({ outcome: 'kept' });
  // Its own date counts for the orderer itself.
  expect(await (await put('a', '/certificates', certificate())).json()).toEqual({ outcome: 'stale' });
  const alone = edgeConfig('b', [routes]);
  if (alone.role === 'edge') alone.edge.members = alone.edge.members.filter(({ node }) => node === 'b');
  await at.publish([alone], [routes]);
  expect(await (await put('b', '/certificates', certificate({}, 'b'))).json()).toEqual({ outcome: 'kept' });

  await at.publish([edgeConfig('a', [routes]), edgeConfig('b', [routes])], [routes]);
  const host = { hostname: 'b.hoge.com' };
  await put('b', '/certificates', certificate({ ...host, notBefore: inMs(1800_000) }, 'b'));
  const recipient = `age1${'p'.repeat(58)}`;
  await put('a', '/identity', identity({ epoch: 2, recipient }));
  expect(await (await put('a', '/certificates', certificate({ ...host, recipient }))).json()).toEqual({
    outcome: 'kept',
  });
});

it('is for edges with a good token and a published config only', async () => {
  expect((await at.ask(RELAY)).status).toBe(401);
  expect((await at.ask(RELAY, { as: 'home' })).status).toBe(403);
  at.setAccess('b', { state: 'suspended' });
  expect((await at.ask(RELAY, { as: 'b' })).status).toBe(403);
  at.served.update({ removed: ['a'] });
  expect((await at.ask(RELAY, { as: 'a' })).status).toBe(503);
});

const lease = async (as: NodeName, host = HOST) => at.post(as, `${RELAY}/leases/${encodeURIComponent(host)}`, {});

it('leases a host to its orderer once every edge has applied a config that names it', async () => {
  const granted = (await (await lease('a')).json()) as { granted: true; expiresAt: string };
  expect(granted.granted).toBe(true);
  expect(Date.parse(granted.expiresAt) - Date.now()).toBeGreaterThan(9 * 60_000);
  expect(await at.store.leases()).toMatchObject([{ pool: 'default', hostname: HOST, node: 'a' }]);
  expect(await (await lease('b')).json()).toMatchObject({
    granted: false,
    reason: expect.stringContaining('a orders'),
  });
  expect(await (await lease('a', 'elsewhere.hoge.com')).json()).toMatchObject({
    granted: false,
    reason: expect.stringContaining('no edge'),
  });
});

it('refuses while an edge has an older config, accepts an older one that named the host already', async () => {
  const more = chunk([
    { hostname: HOST, orderer: 'a' },
    { hostname: 'new.hoge.com', orderer: 'a' },
  ]);
  await at.publish([edgeConfig('a', [more]), edgeConfig('b', [more])], [more]);
  expect(await (await lease('a')).json()).toMatchObject({ granted: true });
  expect(await (await lease('a', 'new.hoge.com')).json()).toMatchObject({
    granted: false,
    reason: expect.stringContaining('a, b'),
  });
});

it('grants nothing while another node holds the lease', async () => {
  await at.store.takeLease({ pool: 'default', hostname: HOST, node: 'b', expiresMs: Date.now() + 30_000 }, Date.now());
  expect(await (await lease('a')).json()).toMatchObject({ granted: false, reason: 'b holds the lease' });
});

it.each(['APP.hoge.com', 'app.hoge.com.', 'nothing', '..'])('refuses the hostname %s', async (host) => {
  expect((await lease('a', host)).status).toBeGreaterThanOrEqual(404);
});
