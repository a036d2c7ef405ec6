import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Counters, isCalm, LOOK_MS, NOTHING_SEEN, observe, type TunnelHealth } from './tunnel-health.ts';

const HOME = 'home';
const REQUEST = 300;
const ACK = 96;
const KEEPALIVE = 32;
const HANDSHAKE = 148;

interface Event {
  atMs: number;
  sent?: number;
  received?: number;
}

/** Looks as the loop does, and answers when the peer was found dead and alive: `+` dead, `-` alive, at ms. */
function verdicts(events: readonly Event[], untilMs: number, lookMs = LOOK_MS, firstLookMs = 0): string[] {
  const found: string[] = [];
  let health = NOTHING_SEEN;
  for (let at = firstLookMs; at <= untilMs; at += lookMs) {
    const counters = total(events.filter(({ atMs }) => atMs <= at));
    const was = health.peers.get(HOME)?.dead ?? false;
    health = observe(health, at, new Map([[HOME, counters]]));
    const is = health.peers.get(HOME)!.dead;
    if (is !== was) found.push(`${is ? '+' : '-'}${at}`);
  }
  return found;
}

function total(events: readonly Event[]): Counters {
  const sum = (name: 'sent' | 'received') => events.reduce((all, event) => all + (event[name] ?? 0), 0);
  return { sent: sum('sent'), received: sum('received') };
}

/** One request at `atMs` that TCP repeats: 0.2 s after it, then after pauses that double. */
function repeated(atMs: number, rtoMs = 200): Event[] {
  return [0, 1, 3, 7, 15].map((times) => ({ atMs: atMs + times * rtoMs, sent: REQUEST }));
}

/** Every `everyMs` a request, answered `rttMs` later. */
function answered(everyMs: number, rttMs: number, count: number, fromMs = 0): Event[] {
  return Array.from({ length: count }, (_, index) => fromMs + index * everyMs).flatMap((atMs) => [
    { atMs, sent: REQUEST },
    { atMs: atMs + rttMs, received: 1_000 },
    { atMs: atMs + rttMs + 40, sent: ACK },
  ]);
}

describe('a peer is dead', () => {
  test('within 1.6 s of one request that nobody answers, whenever it is looked, and not within a second', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: LOOK_MS }), fc.integer({ min: 200, max: 260 }), (phase, rtoMs) => {
        const [first] = verdicts(repeated(10_000, rtoMs), 20_000, LOOK_MS, phase);
        const atMs = Number(first?.slice(1)) - 10_000;
        expect(atMs).toBeGreaterThan(1_000);
        expect(atMs).toBeLessThanOrEqual(8 * rtoMs + LOOK_MS);
      }),
    );
  });

  test('within 1.5 s when many wait', () => {
    const busy = Array.from({ length: 100 }, (_, index) => ({ atMs: 1 + index * 30, sent: REQUEST }));
    expect(verdicts(busy, 3_000)).toEqual(['+1500']);
  });

  test('until it is heard again, whatever is sent meanwhile', () => {
    const knocks = Array.from({ length: 200 }, (_, index) => ({ atMs: index * 300, sent: ACK }));
    const silence = [...repeated(0), ...knocks, { atMs: 45_000, received: KEEPALIVE }];
    expect(verdicts(silence, 60_000)).toEqual(['+1500', '-45000']);
  });
});

describe('nobody is dead', () => {
  test.each<[string, Event[]]>([
    ['where nothing is sent', []],
    ['where every request is answered', answered(700, 20, 100)],
    ['over a satellite', answered(900, 700, 80)],
    [
      'who answers a large upload late, but answers',
      [...Array(600).keys()].flatMap((index) => [
        { atMs: index * 50, sent: 14_000 },
        { atMs: 1_300 + index * 50, received: ACK },
      ]),
    ],
    ['where only keepalives leave', [...Array(40).keys()].map((index) => ({ atMs: index * 25_000, sent: KEEPALIVE }))],
    ['where many keepalives leave', [...Array(60).keys()].map((index) => ({ atMs: index * 1_000, sent: KEEPALIVE }))],
    [
      'where only handshakes are tried',
      [...Array(18).keys()].map((index) => ({ atMs: index * 5_000, sent: HANDSHAKE })),
    ],
    ['where acknowledgements were the last word', [...answered(100, 20, 5), { atMs: 600, sent: 3 * ACK }]],
    ['where bare acknowledgements go on', [...Array(30).keys()].map((index) => ({ atMs: index * 310, sent: ACK }))],
    ['in a burst that asks for nothing', [0, 50, 120, 290, 350].map((atMs) => ({ atMs, sent: 9_000 }))],
    [
      'where a request follows acknowledgements after a second',
      [{ atMs: 1, sent: 4 * ACK }, ...answered(300, 250, 1, 1_490), { atMs: 1_700, sent: REQUEST }],
    ],
    ['during a rekey', [...answered(400, 30, 20), { atMs: 8_001, sent: HANDSHAKE }, { atMs: 8_050, received: 92 }]],
  ])('%s', (_, events) => {
    for (const phase of [0, 7, 100, 151, 299]) {
      expect(verdicts(events, (events.at(-1)?.atMs ?? 0) + 5_000, LOOK_MS, phase)).toEqual([]);
    }
  });

  test('who sends single packets with pauses, however long it is watched', () => {
    const gaps = fc.array(fc.integer({ min: 2_400, max: 60_000 }), { maxLength: 30 });
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 1_400 }), (pauses, bytes) => {
        const times = pauses.map((_, index) => pauses.slice(0, index + 1).reduce((all, pause) => all + pause, 0));
        const events = times.map((atMs) => ({ atMs, sent: bytes }));
        expect(verdicts(events, (times.at(-1) ?? 0) + 3_000)).toEqual([]);
      }),
    );
  });
});

describe('what the looks themselves do', () => {
  const seen = (sent: number, received = 0) => new Map([[HOME, { sent, received }]]);
  const dead = (health: TunnelHealth) => health.peers.get(HOME)?.dead;
  const suspected = () =>
    [0, 300, 600, 900].reduce((health, atMs) => observe(health, atMs, seen(1_000 + atMs)), NOTHING_SEEN);

  test('the next one would have condemned it', () => {
    expect(dead(suspected())).toBe(false);
    expect(dead(observe(suspected(), 1_300, seen(2_400)))).toBe(true);
  });

  test.each<[string, number]>([
    ['after a pause of the machine', 10_000],
    ['when the clock went back', 100],
  ])('%s nobody is condemned, and counting begins anew', (_, atMs) => {
    const after = observe(suspected(), atMs, seen(5_000));
    expect(after.peers.get(HOME)).toMatchObject({ dead: false, unanswered: [atMs] });
  });

  test.each<[string, Map<string, Counters>]>([
    ['what was sent went back', seen(10)],
    ['both went back', seen(0)],
    ['something was received', seen(9_000, 32)],
    ['what was received went back', seen(9_000, -1)],
  ])('when %s, nothing is held against it', (_, counters) => {
    const after = observe(suspected(), 1_300, counters);
    expect(after.peers.get(HOME)).toMatchObject({ dead: false, unanswered: [] });
    expect(isCalm(after)).toBe(true);
  });

  test('a peer that goes and comes back is a new one', () => {
    const gone = observe(suspected(), 1_200, new Map());
    expect(gone.peers.size).toBe(0);
    expect(observe(gone, 1_500, seen(9_000)).peers.get(HOME)).toMatchObject({ dead: false, unanswered: [] });
  });

  test('peers are judged apart', () => {
    let health = NOTHING_SEEN;
    for (let atMs = 0; atMs <= 3_000; atMs += LOOK_MS) {
      const both = new Map([
        ['silent', { sent: atMs, received: 0 }],
        ['well', { sent: atMs, received: atMs }],
      ]);
      health = observe(health, atMs, both);
    }
    expect([...health.peers].map(([key, peer]) => [key, peer.dead])).toEqual([
      ['silent', true],
      ['well', false],
    ]);
    expect(isCalm(health)).toBe(false);
  });

  test('what is remembered stays small', () => {
    let health = NOTHING_SEEN;
    for (let atMs = 0; atMs < 60_000; atMs += 100) {
      health = observe(health, atMs, seen(atMs * 10));
      expect(health.peers.get(HOME)!.unanswered.length).toBeLessThan(20);
    }
  });
});
