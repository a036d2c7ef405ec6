// A peer with its own ACME account, its own keys and the stolen token of an edge: it gets neither a certificate nor a key. That the CA gives
// nothing to another account where edges answer for the edge's own is shown with a real one: agent/adapters/certbot.test.ts.
import type { KeyObject } from 'node:crypto';
import { Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type {
  ChallengeEnd,
  ChallengeQuestion,
  Enrolment,
  LeaseQuestion,
  PoolIdentity,
  RelayResponse,
  SealedCertificate,
} from '../../bundle/api.ts';
import { signRelayed } from '../../bundle/relayed.ts';
import {
  chunk,
  edgeConfig,
  enrolment,
  type Installation,
  install,
  keys,
  NODE_PATH,
  originConfig,
  report,
} from './http.fixture.ts';

const RELAY = `${NODE_PATH}/relay`;
const [MINE, OTHERS] = ['app.hoge.com', 'b.hoge.com'];
const WILDCARD = '*.w.hoge.com';
const CA = 'https://ca.example.com/dir';
const SECRET = '-----BEGIN PRIVATE KEY-----';
const routes = chunk([
  { hostname: MINE, orderer: 'a' },
  { hostname: OTHERS, orderer: 'b' },
  { hostname: WILDCARD, orderer: 'a' },
]);
const validity = { notBefore: '2026-01-01T00:00:00Z', notAfter: '2099-01-01T00:00:00Z' };

let at: Installation;
let honest: { signingKey: KeyObject; announced: Enrolment; ageIdentity: string };
let thief: { signingKey: KeyObject; publicSigningKey: string; ageIdentity: string; recipient: string };
let poolKey: string;
/** What was written into DNS, and taken out. */
let inDns: string[];

async function sealTo(recipient: string, text: string): Promise<string> {
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipient);
  return Buffer.from(await encrypter.encrypt(text)).toString('base64');
}

beforeEach(async () => {
  inDns = [];
  at = await install({
    challenges: {
      async present({ value }) {
        inDns.push(value);
        return { outcome: 'ready' };
      },
      async withdraw() {
        inDns = [];
      },
    },
  });
  const configs = [edgeConfig('a', [routes]), edgeConfig('b', [routes]), originConfig('home')];
  const [first] = await at.publish(configs, [routes]);
  const [own, stolen] = [keys(), keys()];
  const ageIdentity = await generateX25519Identity();
  const announced = enrolment({
    signingKey: own.signingKey,
    recipient: await identityToRecipient(ageIdentity),
    acmeThumbprint: `${'h'.repeat(42)}A`,
  });
  honest = { signingKey: own.privateKey, announced, ageIdentity };
  const thiefsKey = await generateX25519Identity();
  thief = {
    ...{ signingKey: stolen.privateKey, publicSigningKey: stolen.signingKey },
    ...{ ageIdentity: thiefsKey, recipient: await identityToRecipient(thiefsKey) },
  };
  await at.post(
    'a',
    `${NODE_PATH}/status`,
    report({ enrolment: announced, applied: first!.configHash }, { node: 'a', signingKey: honest.signingKey }),
  );

  poolKey = await generateX25519Identity();
  const recipient = await identityToRecipient(poolKey);
  const wraps = { a: await sealTo(announced.recipient!, poolKey) };
  await at.store.putIdentity(
    signRelayed<PoolIdentity>({ pool: 'default', epoch: 1, recipient, wraps, by: 'a' }, honest.signingKey),
  );
  for (const hostname of [MINE, OTHERS] as string[]) {
    const sealed = await sealTo(recipient, JSON.stringify({ fullchain: 'PEM', key: SECRET }));
    await at.store.putCertificate(
      'default',
      signRelayed<SealedCertificate>({ hostname, recipient, sealed, ...validity, by: 'a' }, honest.signingKey),
    );
  }
});
afterEach(() => at.close());

const put = (path: string, body: unknown) => at.post('a', `${RELAY}${path}`, body, 'PUT');
const mailbox = async () => (await (await at.ask(RELAY, { as: 'a' })).json()) as RelayResponse;

async function opens(identity: string, sealed: string): Promise<string> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  return Buffer.from(await decrypter.decrypt(Buffer.from(sealed, 'base64'))).toString();
}

it('reads nothing but sealed texts, and opens none of them', async () => {
  const { identity, certificates } = await mailbox();
  // The edge itself does: the texts are what they should be.
  expect(await opens(await opens(honest.ageIdentity, identity!.wraps.a!), certificates[0]!.sealed)).toContain(SECRET);
  expect(certificates).toHaveLength(2);
  for (const sealed of [...Object.values(identity!.wraps), ...certificates.map((item) => item.sealed)])
    await expect(opens(thief.ageIdentity, sealed)).rejects.toThrow();
  const paths = [`${NODE_PATH}/config`, RELAY, '/api/v1/edges', '/api/v1/routes', '/api/v1/origins', '/metrics'];
  for (const path of paths) {
    const text = await (await at.ask(path, { as: 'a' })).text();
    expect(text).not.toMatch(/AGE-SECRET-KEY|PRIVATE KEY/);
  }
});

it('cannot announce keys, a recipient or an account of its own: nothing is wrapped for it, and no edge answers for it', async () => {
  const lies: Partial<Enrolment>[] = [
    { signingKey: thief.publicSigningKey, recipient: thief.recipient },
    { recipient: thief.recipient },
    { acmeThumbprint: `${'t'.repeat(42)}A` },
  ];
  for (const lie of lies) {
    const said = report({ enrolment: { ...honest.announced, ...lie } }, { node: 'a', signingKey: thief.signingKey });
    expect(await (await at.post('a', `${NODE_PATH}/status`, said)).json()).toMatchObject({ bound: false });
  }
  expect(at.reports.enrolment('a')?.enrolment).toEqual(honest.announced);
});

it('cannot put an identity of its own, to which all would be sealed from then on', async () => {
  const before = await mailbox();
  const recipient = thief.recipient;
  const wraps = { a: await sealTo(thief.recipient, thief.ageIdentity) };
  for (const by of ['a', 'b', 'thief']) {
    const item = signRelayed<PoolIdentity>({ pool: 'default', epoch: 2, recipient, wraps, by }, thief.signingKey);
    const answer = await put('/identity', item);
    expect([answer.status, await answer.json()]).toMatchObject([422, { error: 'bad_signature' }]);
  }
  // Nor the edge's own, changed.
  for (const change of [{ epoch: 2 }, { recipient, epoch: 2 }, { escrow: { recipient, wrap: 'QUJD' } }]) {
    expect((await put('/identity', { ...before.identity, ...change })).status).toBeGreaterThanOrEqual(409);
  }
  expect(await mailbox()).toEqual(before);
});

it('cannot put a certificate, neither for a host of the edge nor for another', async () => {
  const before = await mailbox();
  const { recipient } = before.identity!;
  const sealed = await sealTo(recipient, 'a certificate of its own, and the key of it');
  for (const hostname of [MINE, OTHERS, 'elsewhere.example.com'] as string[]) {
    const item = { hostname, recipient, sealed, ...validity, notBefore: '2026-02-01T00:00:00Z', by: 'a' };
    const answer = await put('/certificates', signRelayed<SealedCertificate>(item, thief.signingKey));
    expect(answer.status).toBe(422);
  }
  for (const item of before.certificates) expect((await put('/certificates', { ...item, sealed })).status).toBe(422);
  expect(await mailbox()).toEqual(before);
});

it('gets no lease for a host that the edge does not order', async () => {
  for (const host of [OTHERS, 'elsewhere.example.com'] as string[]) {
    const answer = await at.post('a', `${RELAY}/leases/${host}`, {});
    const said = answer.ok ? await answer.json() : { granted: false };
    expect(said).toMatchObject({ granted: false });
  }
  expect(await at.store.leases()).toEqual([]);
});

const ofWildcard = { name: WILDCARD, by: 'a' } as const;
const leaseOf = (key: KeyObject) =>
  signRelayed<LeaseQuestion>({ kind: 'lease', ...ofWildcard, server: CA, renewal: false }, key);
const proofOf = (value: string, key: KeyObject) =>
  signRelayed<ChallengeQuestion>({ kind: 'challenge', ...ofWildcard, value }, key);
const endBy = (key: KeyObject) => signRelayed<ChallengeEnd>({ kind: 'challenge_end', ...ofWildcard }, key);
const say = (path: string, body: unknown) => at.post('a', `${RELAY}${path}`, body);

it('gets no lease for a wildcard of the edge, and puts no proof for its own ACME account into DNS under the lease of the edge', async () => {
  const [value, lie] = [`${'h'.repeat(42)}A`, `${'t'.repeat(42)}A`];
  for (const body of [{}, leaseOf(thief.signingKey)]) expect((await say(`/leases/${WILDCARD}`, body)).status).toBe(422);
  expect(await at.store.leases()).toEqual([]);

  expect(await (await say(`/leases/${WILDCARD}`, leaseOf(honest.signingKey))).json()).toMatchObject({ granted: true });
  const own = proofOf(value, honest.signingKey);
  expect(await (await say(`/challenges/${WILDCARD}`, own)).json()).toEqual({ outcome: 'ready' });
  for (const body of [{ value: lie }, proofOf(lie, thief.signingKey), { ...own, value: lie }])
    expect((await say(`/challenges/${WILDCARD}`, body)).status).toBe(422);
  for (const body of [{}, endBy(thief.signingKey)])
    expect((await say(`/challenges/${WILDCARD}/end`, body)).status).toBe(422);
  expect(inDns).toEqual([value]);
  expect((await say(`/challenges/${WILDCARD}/end`, endBy(honest.signingKey))).status).toBe(200);
  expect(inDns).toEqual([]);
});
