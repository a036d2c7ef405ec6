// When a node may use its next WireGuard key.
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Enrolment, StatusAnswer } from '../../bundle/api.ts';
import type { NodeConfig } from '../../bundle/config.ts';
import {
  edgeConfig,
  enrolment,
  type Installation,
  install,
  keys,
  NODE_PATH,
  type NodeName,
  originConfig,
  report,
} from './http.fixture.ts';

const [NEXT_A, NEXT_HOME] = ['B', 'C'].map((letter) => `${letter.repeat(42)}A=`) as [string, string];
const OWN = { a: 'D', b: 'E', home: 'F' } as const;
const ownKey = (node: NodeName) => `${OWN[node].repeat(42)}A=`;
const SIGNERS = { a: keys(), b: keys(), home: keys() };

let at: Installation;
beforeEach(async () => {
  at = await install();
});
afterEach(() => at.close());

/** The answer to a report of this node. */
async function say(node: NodeName, more: Partial<Enrolment> = {}, applied?: string): Promise<StatusAnswer> {
  const { privateKey: signingKey, ...key } = SIGNERS[node];
  const own = { wireguardPublicKey: ownKey(node), recipient: `age1${OWN[node].toLowerCase().repeat(58)}` };
  const said = { enrolment: enrolment({ ...key, ...own, ...more }), ...(applied && { applied }) };
  const answer = await at.post(node, `${NODE_PATH}/status`, report(said, { node, signingKey }));
  return (await answer.json()) as StatusAnswer;
}

const withPeer = (config: NodeConfig, node: string, nextPublicKey?: string): NodeConfig => {
  const peer = {
    node,
    publicKey: `${'A'.repeat(43)}=`,
    address: '10.100.9.9',
    ...(nextPublicKey && { nextPublicKey }),
  };
  return { ...config, wireguard: { ...config.wireguard, peers: [peer] } };
};
/** Edges a and b, and home, which knows this next key of a. */
async function publish(nextOfA?: string, nextOfHome?: string): Promise<Record<NodeName, string>> {
  const [a, b, home] = await at.publish([
    withPeer(edgeConfig('a', []), 'home', nextOfHome),
    edgeConfig('b', []),
    withPeer(originConfig('home'), 'a', nextOfA),
  ]);
  return { a: a!.configHash, b: b!.configHash, home: home!.configHash };
}

it('says nothing of keys to a node that keeps its own', async () => {
  expect(await say('a')).toEqual({ bound: true });
});

it('waits for a peer that is heard until it has applied what holds the key, then says go', async () => {
  const old = await publish();
  await say('home', {}, old.home);
  const wait = (...names: string[]) => ({ publicKey: NEXT_A, kind: 'wait', for: names });
  const ask = async () => (await say('a', { nextWireguardPublicKey: NEXT_A })).rotation;
  expect(await ask()).toEqual(wait());
  const now = await publish(NEXT_A);
  expect(await ask()).toEqual(wait('home'));
  await say('home', {}, old.home);
  expect(await ask()).toEqual(wait('home'));
  await say('home', {}, now.home);
  expect(await ask()).toEqual({ publicKey: NEXT_A, kind: 'go' });
  expect(await ask()).toEqual({ publicKey: NEXT_A, kind: 'go' });
  expect(await say('a', { wireguardPublicKey: NEXT_A })).toEqual({ bound: true });
});

it('does not wait for a peer that is away', async () => {
  const { home } = await publish();
  await say('home', {}, home);
  await publish(NEXT_A);
  at.clock.offsetMs = 4 * 60_000;
  expect(await say('a', { nextWireguardPublicKey: NEXT_A })).toMatchObject({ rotation: { kind: 'go' } });
});

it('lets one node at a time go, until it is done or its time is over', async () => {
  const { a, home } = await publish(NEXT_A, NEXT_HOME);
  const askHome = async () => (await say('home', { nextWireguardPublicKey: NEXT_HOME }, home)).rotation;
  await say('home', {}, home);
  expect(await say('a', { nextWireguardPublicKey: NEXT_A }, a)).toMatchObject({ rotation: { kind: 'go' } });
  expect(await askHome()).toEqual({ publicKey: NEXT_HOME, kind: 'wait', for: [] });
  await say('a', { wireguardPublicKey: NEXT_A }, a);
  expect(await askHome()).toMatchObject({ kind: 'go' });
});

it('gives the turn on when a node has not used it for a minute', async () => {
  const { a, home } = await publish(NEXT_A, NEXT_HOME);
  await say('home', {}, home);
  await say('a', { nextWireguardPublicKey: NEXT_A }, a);
  at.clock.offsetMs = 61_000;
  expect(await say('home', { nextWireguardPublicKey: NEXT_HOME }, home)).toMatchObject({ rotation: { kind: 'go' } });
});

it('lets nobody keep the turn by asking on and on while another node waits', async () => {
  const { a, home } = await publish(NEXT_A, NEXT_HOME);
  await say('home', {}, home);
  const kindOf = async (node: NodeName, nextWireguardPublicKey: string, applied: string) =>
    (await say(node, { nextWireguardPublicKey }, applied)).rotation?.kind;
  const [askA, askHome] = [() => kindOf('a', NEXT_A, a), () => kindOf('home', NEXT_HOME, home)];
  const asked: unknown[] = [];
  for (const seconds of [0, 30, 59, 61, 62]) {
    at.clock.offsetMs = seconds * 1000;
    asked.push(await askA(), await askHome());
  }
  expect(asked).toEqual(['go', 'wait', 'go', 'wait', 'go', 'wait', 'wait', 'go', 'wait', 'go']);
});

it('makes no turn longer when its clock is set back', async () => {
  const { a, home } = await publish(NEXT_A, NEXT_HOME);
  at.clock.offsetMs = 365 * 86_400_000;
  await say('home', {}, home);
  await say('a', { nextWireguardPublicKey: NEXT_A }, a);
  at.clock.offsetMs = 0;
  expect(await say('home', { nextWireguardPublicKey: NEXT_HOME }, home)).toMatchObject({ rotation: { kind: 'go' } });
});

it.each<[string, Partial<Enrolment>]>([
  ['key', { nextWireguardPublicKey: ownKey('home') }],
  ['next key', { nextWireguardPublicKey: NEXT_HOME }],
])('refuses the %s of another node as the next one: taken, it would stop the tunnels of both', async (_, theirs) => {
  await publish();
  await say('home', { nextWireguardPublicKey: NEXT_HOME });
  await say('b');
  const reason = 'this WireGuard key is already bound to home; every node makes its own';
  expect(await say('b', theirs)).toEqual({ bound: false, reason });
  expect((await at.store.enrolments()).find(({ node }) => node === 'b')?.enrolment).toMatchObject({
    wireguardPublicKey: ownKey('b'),
  });
});

it('refuses the key of another node at the first announcement, and not that of a slot which is gone', async () => {
  await publish();
  await say('home');
  expect(await say('b', { wireguardPublicKey: ownKey('home') })).toMatchObject({ bound: false });
  at.served.update({ removed: ['home'] });
  expect(await say('b', { wireguardPublicKey: ownKey('home') })).toEqual({ bound: true });
});

it('refuses where git pins the key, and takes the rest of the report', async () => {
  at.served.update({ pins: new Map([['a', { wireguardPublicKey: ownKey('a') }]]) });
  expect(await say('a', { nextWireguardPublicKey: NEXT_A })).toMatchObject({
    bound: true,
    rotation: { kind: 'refused', reason: expect.stringContaining('take the line out') },
  });
});

it('binds a next key only from the bound machine, and then takes it as the own one', async () => {
  await say('a');
  const thief = { enrolment: enrolment({ ...{ signingKey: SIGNERS.a.signingKey }, nextWireguardPublicKey: NEXT_A }) };
  await at.post('a', `${NODE_PATH}/status`, report(thief, { signingKey: SIGNERS.b.privateKey }));
  expect((await at.store.enrolments())[0]?.enrolment).not.toHaveProperty('nextWireguardPublicKey');
  expect(await say('a', { wireguardPublicKey: NEXT_A })).toMatchObject({ bound: false });
  await say('a', { nextWireguardPublicKey: NEXT_A });
  expect(await say('a', { wireguardPublicKey: NEXT_A })).toEqual({ bound: true });
  expect((await at.store.enrolments())[0]?.enrolment).toMatchObject({ wireguardPublicKey: NEXT_A });
  expect((await at.store.enrolments())[0]?.enrolment).not.toHaveProperty('nextWireguardPublicKey');
});
