// What an edge puts into its pool's mailbox, as another edge takes it out: the agent's client and the reconciler's server over real HTTP. Law:
// whatever an item holds, what is fetched verifies as it was signed.
import type { KeyObject } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createControlPlane } from '../agent/adapters/control-plane.ts';
import { planIdentity } from '../agent/core/pool-identity.ts';
import type { ControlPlane } from '../agent/ports/control-plane.ts';
import type { PoolIdentity, SealedCertificate } from '../bundle/api.ts';
import { canonicalJson } from '../bundle/canonical.ts';
import { signRelayed, verifyRelayed } from '../bundle/relayed.ts';
import {
  chunk,
  edgeConfig,
  enrolment,
  type Installation,
  install,
  keys,
  NODE_PATH,
  RECIPIENT,
  report,
} from '../reconciler/http/http.fixture.ts';

const HOST = 'app.hoge.com';
const ESCROW = `age1${'e'.repeat(58)}`;
const NOBODY = 'no JSON came back';
let at: Installation;
let privateKey: KeyObject;
let signingKey: string;
let client: ControlPlane;

beforeEach(async () => {
  at = await install();
  ({ privateKey, signingKey } = keys());
  const routes = chunk([{ hostname: HOST, orderer: 'a' }]);
  const [first] = await at.publish([edgeConfig('a', [routes], { escrow: ESCROW })], [routes]);
  const said = { enrolment: enrolment({ signingKey }), applied: first!.configHash };
  await at.post('a', `${NODE_PATH}/status`, report(said, { node: 'a', signingKey: privateKey }));
  client = createControlPlane({ urls: () => [at.server.url], token: async () => at.token('a') });
});
afterEach(async () => {
  await client.close();
  await at.close();
});

function identity(change: Partial<PoolIdentity> & Record<string, unknown> = {}): PoolIdentity {
  const base = { pool: 'default', epoch: 1, recipient: RECIPIENT, wraps: { a: 'QUJD' }, by: 'a' };
  return signRelayed<PoolIdentity>({ ...base, ...change }, privateKey);
}

function certificate(change: Record<string, unknown> = {}): SealedCertificate {
  const validity = { notBefore: '2026-01-01T00:00:00Z', notAfter: '2099-01-01T00:00:00Z' };
  const base = { hostname: HOST, recipient: RECIPIENT, sealed: 'QUJD', ...validity, by: 'a' };
  return signRelayed<SealedCertificate>({ ...base, ...change }, privateKey);
}

async function fetched() {
  const answer = await client.relay(0, 0);
  if (answer.kind !== 'answered') throw new Error(`${NOBODY}: ${answer.message}`);
  return answer.relay;
}

test.each<[string, Partial<PoolIdentity>]>([
  ['nothing more', {}],
  ['a wrap for the escrow key', { escrow: { recipient: ESCROW, wrap: 'QUJD' } }],
  ['members that wait for a person', { withheld: ['b'] }],
  ['both', { escrow: { recipient: ESCROW, wrap: 'QUJD' }, withheld: ['b'] }],
])('an identity with %s verifies where it is fetched', async (_, change) => {
  const put = identity(change);
  expect(await client.putIdentity(put)).toEqual({ kind: 'answered' });
  const { identity: found } = await fetched();
  expect(found).toEqual(put);
  expect(verifyRelayed(found!, signingKey)).toBe(true);
});

test('edges whose pool has an escrow key are settled by what they fetch, and do not outbid each other', async () => {
  await client.putIdentity(identity({ escrow: { recipient: ESCROW, wrap: 'QUJD' } }));
  const { identity: relayed } = await fetched();
  const members = [{ node: 'a', recipient: RECIPIENT, signingKey }];
  const held = { epoch: 1, recipient: RECIPIENT, wrappedFor: { a: RECIPIENT }, escrow: ESCROW };
  const situation = { me: 'a', pool: 'default', members, escrow: ESCROW, held, relayed, now: Date.now() };
  expect(planIdentity(situation)).toEqual({ kind: 'settled' });
});

test('the edge that waits for a person is told who asks one', async () => {
  await client.putIdentity(identity({ withheld: ['b'] }));
  const { identity: relayed } = await fetched();
  const members = ['a', 'b'].map((node) => ({ node, recipient: RECIPIENT, signingKey }));
  const situation = { me: 'b', pool: 'default', members, held: undefined, relayed, now: Date.now() };
  expect(planIdentity(situation)).toEqual({ kind: 'wait', reason: 'a person has to approve this edge on a' });
});

/** Names that no version has yet, and the shapes that a member of ours has. */
const name = fc.stringMatching(/^x[a-zA-Z]{0,20}$/);
const text = fc.string({ maxLength: 30 });
const later = fc.dictionary(
  name,
  fc.oneof(text, fc.boolean(), fc.nat(), fc.array(text, { maxLength: 3 }), fc.dictionary(name, text, { maxKeys: 3 })),
  { maxKeys: 4, noNullPrototype: true },
);

test('an item of a version that says more verifies as well, whatever it says', async () => {
  let epoch = 1;
  await fc.assert(
    fc.asyncProperty(
      fc.record(
        { escrow: fc.constant({ recipient: ESCROW, wrap: 'QUJD' }), withheld: fc.constant<string[]>(['b']) },
        { requiredKeys: [] },
      ),
      later,
      async (known, more) => {
        epoch += 1;
        await client.putIdentity(identity({ epoch, ...known, ...more }));
        await client.putCertificate(certificate({ notBefore: new Date(epoch * 1000).toISOString(), ...more }));
        const relay = await fetched();
        expect(relay.identity?.epoch).toBe(epoch);
        expect(verifyRelayed(relay.identity!, signingKey)).toBe(true);
        expect(relay.certificates.map((one) => verifyRelayed(one, signingKey))).toEqual([true]);
        expect(canonicalJson(relay.certificates[0])).toContain(JSON.stringify(new Date(epoch * 1000).toISOString()));
      },
    ),
    { numRuns: 25 },
  );
});
