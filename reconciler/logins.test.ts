// Logins through whole runs: what is published carries a sealed list, keeps it over a restart, and gets another when the pool's key
// changes.
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { beforeEach, expect, it } from 'vitest';
import type { PoolIdentity } from '../bundle/api.ts';
import type { EdgeConfig, WireRoute } from '../bundle/config.ts';
import { type PackedChunk, unpackRoute } from '../bundle/route-texts.ts';
import { createSecretSealing } from './adapters/secret-age.ts';
import type { SecretSealing } from './ports/secrets.ts';
import { createSecrets, type Secrets } from './secrets.ts';
import { configOf, createSite, FLEET, route, type Site } from './site.fixture.ts';

const USERS = 'alice:$apr1$itvs33EV$MKtZPxh5OjNsMIdGTOtJY.\n';
const PATH = 'routes/hoge/door.yaml';
const door = (more: string) => ({ [PATH]: `${route('door.hoge.com')}${more}` });
const WITH_USERS = door('auth:\n  basic:\n    users:\n      file: door\n');

let site: Site;
let secrets: Secrets;
let sealing: SecretSealing;
/** What operators put on the reconciler; absent: not yet. */
let users: string | undefined;
let openPool: SecretSealing['open'];

beforeEach(async () => {
  users = USERS;
  sealing = await createSecretSealing(await generateX25519Identity());
  site = await createSite({ ...FLEET, ...WITH_USERS });
  startSecrets();
  await announce(1);
});

/** Of a reconciler that starts over the same store and key. */
function startSecrets(): void {
  const read = async () =>
    users === undefined
      ? ({ kind: 'unreadable', reason: 'there is no such file' } as const)
      : ({ kind: 'text', text: users } as const);
  secrets = createSecrets({ places: { read }, sealing, store: site.store });
  site.deps.secrets = secrets;
}

/** An edge gives the pool a key, or another one. */
async function announce(epoch: number): Promise<void> {
  const identity = await generateX25519Identity();
  const recipient = await identityToRecipient(identity);
  const item = { pool: 'default', epoch, recipient, wraps: { e1: 'x' }, by: 'e1', signature: 's' };
  await site.store.putIdentity(item as PoolIdentity);
  openPool = (await createSecretSealing(identity)).open;
}

async function published(hostname = 'door.hoge.com'): Promise<WireRoute> {
  const config = (await configOf(site.store, 'e1')) as EdgeConfig;
  const texts = await Promise.all(config.edge.chunks.map(({ sha256 }) => site.store.blob(sha256)));
  return texts
    .flatMap((text) => (JSON.parse(text!) as PackedChunk).routes.map(unpackRoute))
    .find((one) => one.hostname === hostname)!;
}

async function sealedNow(): Promise<string | undefined> {
  const { auth } = await published();
  expect(auth?.kind).toBe('basic');
  return auth?.kind === 'basic' ? auth.sealed : undefined;
}

it('publishes a list that only the pool can open', async () => {
  await site.run();
  expect(await openPool((await sealedNow())!)).toBe(USERS);
});

it('publishes the list once where every path of the route asks for it', async () => {
  const paths = Array.from({ length: 32 }, (_, n) => `/part-${n}`);
  users = Array.from({ length: 60 }, (_, n) => USERS.replace('alice', `alice${10 + n}`)).join('');
  const more = `${WITH_USERS[PATH]}paths:\n${paths.map((prefix) => `  - prefix: ${prefix}\n`).join('')}`;
  expect((await site.push({ [PATH]: more })).kind).toBe('published');
  expect(site.standing.quarantined.size).toBe(0);
  const route = await published();
  const logins = [route, ...route.paths!].map(({ auth }) => (auth?.kind === 'basic' ? auth.sealed : undefined));
  expect(logins).toHaveLength(33);
  expect(new Set(logins).size).toBe(1);
  expect(await openPool(logins[0]!)).toBe(users);
  const { chunks } = ((await configOf(site.store, 'e1')) as EdgeConfig).edge;
  const texts = await Promise.all(chunks.map(({ sha256 }) => site.store.blob(sha256)));
  expect(texts.join('').split(logins[0]!)).toHaveLength(2);
});

it('lets nobody in while the list is not there, and says why', async () => {
  users = undefined;
  expect((await site.run()).kind).toBe('published');
  expect(await sealedNow()).toBeUndefined();
  expect(secrets.problems()).toMatchObject([{ severity: 'error', file: PATH, reason: 'there is no such file' }]);
  users = USERS;
  expect((await site.run()).changed).toContain('e1');
  expect(await openPool((await sealedNow())!)).toBe(USERS);
});

it('publishes the same bytes while nothing changes, also after a restart', async () => {
  await site.run();
  const before = await sealedNow();
  expect((await site.run()).kind).toBe('unchanged');
  startSecrets();
  await site.restart();
  expect((await site.run()).kind).toBe('unchanged');
  expect(await sealedNow()).toBe(before);
});

it('seals anew for another key of the pool, without a commit', async () => {
  await site.run();
  await announce(2);
  expect((await site.run(false)).kind).toBe('published');
  expect(await openPool((await sealedNow())!)).toBe(USERS);
});

it('keeps the list of what is live while a guard holds a commit back', async () => {
  await site.run();
  const before = await sealedNow();
  // An active slot vanishes: held.
  const held = await site.push({ 'edges/e1.yaml': undefined, ...door('') });
  expect(held.kind).toBe('held');
  expect(await sealedNow()).toBe(before);
});
