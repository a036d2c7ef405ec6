import { describe, expect, it } from 'vitest';
import { type Eyes, HOSTS_SAMPLED_MAX, type HostAnswer, look, narrowed, questionsFor } from './look.ts';
import { checksThat, stillBroken } from './probe.ts';
import { edgeBundle, originBundle, routeOf } from './verified.fixture.ts';

const NOW_SECONDS = 1_000_000;
const HOME_KEY = `${'A'.repeat(43)}=`;

function eyes(answers: Record<string, HostAnswer>, handshake = NOW_SECONDS - 10): Eyes {
  const peer = { publicKey: HOME_KEY, allowedIps: [], keepaliveSeconds: 0, latestHandshake: handshake };
  return {
    host: async (hostname) => answers[hostname] ?? { kind: 'failed' },
    tunnel: async () => ({ up: true, listenPort: 1, peers: [peer] }),
    controlPlane: async () => true,
    nowSeconds: () => NOW_SECONDS,
  };
}

const answer = (status: number): HostAnswer => ({ kind: 'answer', status });

describe('what is asked', () => {
  it('is only what is there before and after, and not the network when it stays', () => {
    const questions = questionsFor(edgeBundle(['a.test', 'gone.test']), edgeBundle(['a.test', 'new.test']));
    expect(questions).toEqual({ hostnames: ['a.test'], peers: [], controlPlane: false });
  });

  it('is no hostname that is served otherwise now, whatever answers there', () => {
    const moved = { ...routeOf('a.test'), backends: [{ address: '10.100.1.1', port: 9 }] };
    const limited = { ...routeOf('b.test'), limits: { maxBodyBytes: 1 } };
    const ended = { ...routeOf('c.test'), backends: [], closed: 'expired' as const };
    const ordered = { ...routeOf('d.test'), orderer: 'osaka-1' };
    const wanted = { ...edgeBundle(['x.test']), chunks: [{ routes: [moved, limited, ended, ordered] }] };
    const running = edgeBundle(['a.test', 'b.test', 'c.test', 'd.test']);
    expect(questionsFor(running, wanted).hostnames).toEqual(['d.test']);
  });

  it('is the network too when it changes, but no peer that differs', () => {
    const other = edgeBundle(['a.test'], { peers: ['office'] });
    const { peers, controlPlane } = questionsFor(edgeBundle(['a.test']), other);
    expect([peers.map(({ node }) => node), controlPlane]).toEqual([['home'], true]);

    const home = { node: 'home', publicKey: `${'Z'.repeat(43)}=`, address: '10.100.1.1' };
    const rekeyed = edgeBundle(['a.test'], { config: { wireguard: { address: '10.100.0.1', peers: [home] } } });
    expect(questionsFor(edgeBundle(['a.test']), rekeyed).peers).toEqual([]);
  });

  it('is no hostname on an origin', () => {
    const { hostnames, peers } = questionsFor(originBundle([80]), originBundle([80, 81]));
    expect([hostnames, peers.map(({ node }) => node)]).toEqual([[], ['home']]);
  });

  it('is a bounded sample of what stays, spread over all', () => {
    const names = Array.from({ length: 1_000 }, (_, index) => `h${String(index).padStart(3, '0')}.test`);
    const { hostnames } = questionsFor(edgeBundle(names.slice(0, 998)), edgeBundle(names));
    expect(hostnames).toHaveLength(HOSTS_SAMPLED_MAX);
    expect(new Set(hostnames).size).toBe(HOSTS_SAMPLED_MAX);
    expect(hostnames.at(-1)! > 'h800.test').toBe(true);
  });
});

describe('a look at a hostname', () => {
  it.each([
    ['an answer of the origin', answer(200), true],
    ['an error of the origin', answer(500), true],
    ['an origin that is down', answer(502), true],
    ['an origin that times out', answer(504), true],
    ['our own "not routed"', answer(404), false],
    ['our own "wrong connection"', answer(421), false],
    ['a refused handshake', { kind: 'failed' }, false],
  ] satisfies [string, HostAnswer, boolean][])('%s', async (_, found, holds) => {
    const questions = { hostnames: ['*.a.test'], peers: [], controlPlane: false };
    expect(await look(questions, eyes({ '*.a.test': found }), 10)).toEqual({ '*.a.test': holds });
  });

  it('that is slow says nothing', async () => {
    const questions = { hostnames: ['a.test'], peers: [], controlPlane: false };
    expect(await look(questions, eyes({ 'a.test': { kind: 'slow' } }), 10)).toEqual({});
  });
});

describe('a look at the network', () => {
  const questions = questionsFor(edgeBundle(['a.test']), edgeBundle(['a.test'], { peers: ['office'] }));

  it.each([
    [NOW_SECONDS - 179, true],
    [NOW_SECONDS - 181, false],
    [0, false],
  ])('with the last handshake at %s', async (handshake, fresh) => {
    const seen = await look({ ...questions, hostnames: [] }, eyes({}, handshake), 10);
    expect(seen).toEqual({ 'tunnel to home': fresh, 'control plane': true });
  });

  it('takes a peer that moves to its next key by whichever it used last', async () => {
    const [home] = questions.peers;
    const moving = { ...home!, publicKey: `${'Z'.repeat(42)}A=`, nextPublicKey: HOME_KEY };
    const ask = (seen: Eyes) => look({ hostnames: [], peers: [moving], controlPlane: false }, seen, 10);
    expect(await ask(eyes({}))).toEqual({ 'tunnel to home': true });
    expect(await ask(eyes({}, NOW_SECONDS - 181))).toEqual({ 'tunnel to home': false });
  });

  it('that fails says nothing of the tunnels', async () => {
    const blind: Eyes = { ...eyes({}), tunnel: () => Promise.reject(new Error('no wg')) };
    expect(await look({ ...questions, hostnames: [] }, blind, 10)).toEqual({ 'control plane': true });
  });

  it('asks nobody who is not asked about', async () => {
    const nobody: Eyes = {
      ...eyes({}),
      tunnel: () => Promise.reject(new Error('asked')),
      controlPlane: () => Promise.reject(new Error('asked')),
    };
    expect(await look({ hostnames: [], peers: [], controlPlane: false }, nobody, 10)).toEqual({});
  });
});

describe('only what held before', () => {
  it('is asked again', async () => {
    const questions = questionsFor(
      edgeBundle(['a.test', 'b.test', 'c.test']),
      edgeBundle(['a.test', 'b.test', 'c.test'], { peers: ['x'] }),
    );
    const before = await look(
      questions,
      eyes({ 'a.test': answer(200), 'b.test': answer(404), 'c.test': { kind: 'slow' } }, 0),
      10,
    );
    const again = narrowed(questions, new Set(checksThat('hold', before)));
    expect(again).toEqual({ hostnames: ['a.test'], peers: [], controlPlane: true });
  });

  it('condemns: until it holds again, or time is up', async () => {
    let looks = 0;
    const recovers = async () => ({ 'a.test': ++looks > 2, 'b.test': true });
    expect(await stillBroken(recovers, 2_000)).toEqual([]);
    expect(looks).toBe(3);
    expect(await stillBroken(async () => ({ 'b.test': false, 'a.test': false, 'c.test': true }), 0)).toEqual([
      'a.test',
      'b.test',
    ]);
    expect(await stillBroken(async () => ({}), 0)).toEqual([]);
  });
});
