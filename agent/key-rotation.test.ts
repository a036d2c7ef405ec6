// A new WireGuard key, from the wish to the report: with real key files, and a tunnel and a control plane that do as they are told.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RotationAnswer } from '../bundle/api.ts';
import { openRotationDesk } from './adapters/rotation-desk.ts';
import { openWireguardKeys } from './adapters/wireguard-keys.ts';
import { publicKeyOf } from './core/wireguard-key.ts';
import { createKeyRotation } from './key-rotation.ts';
import type { RotationDesk } from './ports/rotation-desk.ts';
import type { WireguardKeys } from './ports/wireguard-keys.ts';

const [OLD_PRIVATE, NEXT_PRIVATE] = [8, 16].map((byte) => Buffer.alloc(32, byte).toString('base64')) as [
  string,
  string,
];
const [OLD, NEXT] = [publicKeyOf(OLD_PRIVATE)!, publicKeyOf(NEXT_PRIVATE)!];
const PEER = Buffer.alloc(32, 2).toString('base64');
const NOW_SECONDS = 1_000_000;

let dir: string;
let keys: WireguardKeys;
let desk: RotationDesk;
let stop: AbortController;
/** What the interface has, and whether the peer answers to a key. */
let tunnel: { key: string; answersTo: string[]; handshake: number; fails?: string | undefined };
let lines: string[];
let nowMs: number;
let ended: Promise<void>;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kokoa-rotation-'));
  await writeFile(join(dir, 'wireguard.key'), `${OLD_PRIVATE}\n`, { mode: 0o600 });
  await open();
  stop = new AbortController();
  tunnel = { key: OLD, answersTo: [OLD, NEXT], handshake: NOW_SECONDS - 60 };
  lines = [];
  nowMs = NOW_SECONDS * 1000;
});
afterEach(async () => {
  stop.abort();
  await ended;
  await rm(dir, { recursive: true });
});

/** As a process that starts. */
async function open() {
  keys = await openWireguardKeys({ path: join(dir, 'wireguard.key'), make: () => NEXT_PRIVATE });
  desk = openRotationDesk(dir);
}

function start() {
  const write = (_: object, message: string) => void lines.push(message);
  const rotation = createKeyRotation({
    ...{ keys, desk, lookMs: 5, answerMs: 100, now: () => nowMs },
    log: { info: write, warn: write },
    handshakes: async () => new Map([[PEER, tunnel.handshake]]),
    network: {
      async useKeyFile(change) {
        await change();
        if (tunnel.fails !== undefined) throw new Error(tunnel.fails);
        tunnel.key = publicKeyOf(await readFile(join(dir, 'wireguard.key'), 'utf8'))!;
        if (tunnel.answersTo.includes(tunnel.key)) tunnel.handshake = nowMs / 1000;
        // A busy machine: the peer has answered long before the command comes back.
        nowMs += 3_000;
      },
    },
  });
  ended = rotation.run(() => true, stop.signal);
  return rotation;
}

const until = (what: string, holds: () => unknown) =>
  expect.poll(async () => Boolean(await holds()), { timeout: 5_000, interval: 5, message: what }).toBe(true);
const stage = (wanted: ReturnType<WireguardKeys['stage']>) => until(wanted, () => keys.stage() === wanted);
const said = async (state: string) => {
  await until(state, async () => (await desk.progress())?.state === state);
  return desk.progress();
};
const go: RotationAnswer = { publicKey: NEXT, kind: 'go' };

describe('a wish', () => {
  it('that waits for somebody who is away asks ever more rarely', async () => {
    await keys.make();
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      const rotation = start();
      const asksIn = (minutes: number) => {
        const seen = new Set<string>();
        for (let second = 0; second < minutes * 60; second += 1) {
          vi.advanceTimersByTime(1_000);
          seen.add(rotation.revision());
        }
        return seen.size / minutes;
      };
      rotation.revision();
      expect(asksIn(1)).toBeGreaterThan(50);
      asksIn(1);
      expect(asksIn(10)).toBeLessThan(7);
    } finally {
      vi.useRealTimers();
    }
  });

  it('is made known, carried out at the word, and told to the control plane', async () => {
    const rotation = start();
    const before = rotation.revision();
    await desk.leaveWish('rotate');
    await stage('announced');
    expect(keys.announced()).toEqual({ wireguardPublicKey: OLD, nextWireguardPublicKey: NEXT });
    expect(rotation.revision()).not.toBe(before);
    rotation.hear({ bound: true, rotation: { publicKey: NEXT, kind: 'wait', for: ['tokyo-1'] } });
    await until('waiting', async () => (await desk.progress())?.waitingFor?.join() === 'tokyo-1');
    expect(tunnel.key).toBe(OLD);
    rotation.hear({ bound: true, rotation: go });
    await stage('steady');
    expect([tunnel.key, keys.announced()]).toEqual([NEXT, { wireguardPublicKey: NEXT }]);
    await said('confirmed');
    rotation.hear({ bound: true, rotation: go });
    expect((await desk.progress())?.state).toBe('confirmed');
    rotation.hear({ bound: true });
    await said('done');
  });

  it.each<[string, RotationAnswer | undefined]>([
    ['about another key', { publicKey: OLD, kind: 'go' }],
    ['that is none', undefined],
  ])('is not carried out at a word %s', async (_, rotation) => {
    const running = start();
    await desk.leaveWish('rotate');
    await stage('announced');
    running.hear({ bound: true, ...(rotation && { rotation }) });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([keys.stage(), tunnel.key]).toEqual(['announced', OLD]);
  });

  it('that the control plane refuses ends with the old key, and with the reason', async () => {
    const rotation = start();
    await desk.leaveWish('rotate');
    await stage('announced');
    rotation.hear({ bound: true, rotation: { publicKey: NEXT, kind: 'refused', reason: 'git pins it' } });
    expect(await said('failed')).toMatchObject({ reason: 'git pins it' });
    expect([keys.stage(), tunnel.key]).toEqual(['steady', OLD]);
  });

  it('can be taken back until the word comes', async () => {
    start();
    await desk.leaveWish('rotate');
    await stage('announced');
    await desk.leaveWish('abort');
    await said('aborted');
    expect([keys.stage(), keys.announced()]).toEqual(['steady', { wireguardPublicKey: OLD }]);
  });

  it('of nobody’s words is thrown away', async () => {
    start();
    await desk.leaveWish('rm -rf' as never);
    await until('taken', async () => !(await desk.hasWish()));
    expect(keys.stage()).toBe('steady');
  });
});

describe('a key that no peer answers to', () => {
  it('is taken back, and the old one is in use again', async () => {
    tunnel.answersTo = [OLD];
    const rotation = start();
    await desk.leaveWish('rotate');
    await stage('announced');
    rotation.hear({ bound: true, rotation: go });
    expect(await said('failed')).toMatchObject({ reason: 'no peer answered to the new key' });
    expect([tunnel.key, keys.announced()]).toEqual([OLD, { wireguardPublicKey: OLD }]);
  });

  it('stays where there was no peer before either', async () => {
    Object.assign(tunnel, { answersTo: [OLD], handshake: 0 });
    const rotation = start();
    await desk.leaveWish('rotate');
    await stage('announced');
    rotation.hear({ bound: true, rotation: go });
    await said('confirmed');
    expect(tunnel.key).toBe(NEXT);
  });
});

describe('an agent that was killed', () => {
  it.each([
    ['before the interface took the key', OLD],
    ['after it', NEXT],
  ])('%s goes on where it was', async (_, key) => {
    await keys.make();
    await keys.switch();
    tunnel.key = key;
    await open();
    start();
    await said('confirmed');
    expect([tunnel.key, keys.announced()]).toEqual([NEXT, { wireguardPublicKey: NEXT }]);
  });

  it('after the key was announced asks again', async () => {
    await keys.make();
    await open();
    const rotation = start();
    rotation.hear({ bound: true, rotation: go });
    await said('confirmed');
    expect(tunnel.key).toBe(NEXT);
  });
});

it('a tunnel that cannot be set is said once and tried again', async () => {
  tunnel.fails = 'no wg';
  const rotation = start();
  await desk.leaveWish('rotate');
  await stage('announced');
  rotation.hear({ bound: true, rotation: go });
  await until('trouble', () => lines.includes('the WireGuard key cannot be replaced; tried again'));
  expect(keys.stage()).toBe('switched');
});
