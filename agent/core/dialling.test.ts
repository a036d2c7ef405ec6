import { describe, expect, test } from 'vitest';
import type { NodeConfig, Peer } from '../../bundle/config.ts';
import type { TunnelPeer, TunnelStep } from '../ports/tunnel.ts';
import { type Dialled, dialledAfter, dialledBy, isDiallingAgain, isToDial } from './dialling.ts';

const KEY = Buffer.alloc(32, 2).toString('base64');
const NEXT = Buffer.alloc(32, 3).toString('base64');
const [DECLARED, BEFORE, SEEN] = ['198.51.100.1:51820', '198.51.100.9:51820', '203.0.113.5:4000'];
const NOW = 1_800_000_000;

const known = (handshake: number, endpoint?: string): TunnelPeer => ({
  ...{ publicKey: KEY, allowedIps: [], keepaliveSeconds: 5, latestHandshake: handshake },
  ...(endpoint !== undefined && { endpoint }),
});
const given = (endpoint: string, atSeconds: number) => new Map([[KEY, { endpoint, atSeconds }]]);

describe('a peer that is heard from another place than the declared one', () => {
  const longAgo = given(DECLARED, NOW - 9_000);

  test.each<[string, TunnelPeer, ReadonlyMap<string, Dialled> | undefined, boolean]>([
    ['alive: it has moved', known(NOW - 5, SEEN), longAgo, false],
    ['as old as a session can be', known(NOW - 180, SEEN), longAgo, false],
    ['silent for longer than a session lives', known(NOW - 181, SEEN), longAgo, true],
    ['never heard', known(0, SEEN), longAgo, true],
    ['silent, and dialled a moment ago', known(NOW - 900, SEEN), given(DECLARED, NOW - 60), false],
    ['silent, and dialled a session’s time ago', known(NOW - 900, SEEN), given(DECLARED, NOW - 181), true],
    ['alive, and git declares another place since', known(NOW - 5, SEEN), given(BEFORE, NOW - 5), true],
    ['alive, and git declares a place since', known(NOW - 5, SEEN), new Map(), true],
    ['alive, of a new agent', known(NOW - 5, SEEN), undefined, false],
    ['silent, of a new agent', known(NOW - 900, SEEN), undefined, true],
    ['without any place', known(NOW - 5), longAgo, true],
    ['silent, but where it should be', known(0, DECLARED), undefined, false],
    ['a clock that was set back a little', known(NOW + 60, SEEN), longAgo, false],
    ['a clock that was set back by years', known(NOW + 100_000_000, SEEN), longAgo, true],
    ['a clock that was set back by years, and dialled since', known(NOW + 1e8, SEEN), given(DECLARED, NOW), false],
  ])('%s', (_, peer, dialled, expected) => {
    expect(isToDial(DECLARED, peer, { nowSeconds: NOW, dialled })).toBe(expected);
  });
});

describe('a step only dials a silent peer again', () => {
  const step = (more: Partial<TunnelPeer> = {}): TunnelStep => ({
    kind: 'setPeer',
    peer: { publicKey: KEY, allowedIps: [], keepaliveSeconds: 5, endpoint: DECLARED, ...more },
  });
  const before = given(DECLARED, 5);

  test.each<[string, TunnelStep, TunnelPeer[], ReadonlyMap<string, Dialled> | undefined, boolean]>([
    ['where it was given that place before', step(), [known(0, SEEN)], before, true],
    ['not where git declares another', step(), [known(0, SEEN)], given(BEFORE, 5), false],
    ['not where nothing is known', step(), [known(0, SEEN)], undefined, false],
    ['not where somebody took the peer away', step(), [], before, false],
    ['not where somebody took its place away', step(), [known(0)], before, false],
    ['not where it has another address', step({ allowedIps: ['10.100.3.1/32'] }), [known(0, SEEN)], before, false],
    ['not where it is kept alive otherwise', step({ keepaliveSeconds: 0 }), [known(0, SEEN)], before, false],
    ['not where it goes', { kind: 'removePeer', publicKey: KEY }, [known(0, SEEN)], before, false],
  ])('%s', (_, one, peers, dialled, expected) => {
    expect(isDiallingAgain(one, { up: true, listenPort: 1, peers }, dialled)).toBe(expected);
  });
});

describe('what is remembered of dialling', () => {
  const set = (publicKey: string, endpoint?: string): TunnelStep => ({
    kind: 'setPeer',
    peer: { publicKey, allowedIps: [], keepaliveSeconds: 0, ...(endpoint !== undefined && { endpoint }) },
  });
  const of = (peer: Partial<Peer>) =>
    ({
      wireguard: { peers: [{ node: 'cloud', publicKey: KEY, address: '10.100.3.1', ...peer }] },
    }) as unknown as NodeConfig;

  test('is what steps gave to the interface, and when', () => {
    const before = new Map([[NEXT, { endpoint: BEFORE, atSeconds: 5 }]]);
    const after = dialledAfter([set(KEY, DECLARED), set(NEXT), { kind: 'start' }], before, NOW);
    expect([...after]).toEqual([
      [NEXT, { endpoint: BEFORE, atSeconds: 5 }],
      [KEY, { endpoint: DECLARED, atSeconds: NOW }],
    ]);
  });

  test('is only what the config declares, for both keys of a peer; what was right already was never given', () => {
    const before = new Map([
      [KEY, { endpoint: DECLARED, atSeconds: 5 }],
      ['gone', { endpoint: SEEN, atSeconds: 5 }],
    ]);
    expect([...dialledBy(of({ endpoint: DECLARED, nextPublicKey: NEXT }), before)]).toEqual([
      [KEY, { endpoint: DECLARED, atSeconds: 5 }],
      [NEXT, { endpoint: DECLARED, atSeconds: 0 }],
    ]);
    expect([...dialledBy(of({ endpoint: BEFORE }), before)]).toEqual([[KEY, { endpoint: BEFORE, atSeconds: 0 }]]);
    expect([...dialledBy(of({}), before)]).toEqual([]);
  });
});
