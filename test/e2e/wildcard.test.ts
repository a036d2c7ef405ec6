// A wildcard, the whole way: certbot on an edge, the control plane's lease and proof, a real zone in knot, and Pebble that looks there.
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createCertbot } from '../../agent/adapters/certbot.ts';
import { createControlPlane } from '../../agent/adapters/control-plane.ts';
import { createDnsProof } from '../../agent/dns-proof.ts';
import type { ControlPlane } from '../../agent/ports/control-plane.ts';
import { judgeCertificate } from '../../bundle/certificate.ts';
import { createRfc2136 } from '../../reconciler/adapters/dns-rfc2136.ts';
import { createDnsChallenges } from '../../reconciler/dns-challenges.ts';
import { dnsProviderOf } from '../../reconciler/dns-providers.ts';
import {
  chunk,
  edgeConfig,
  enrolment,
  type Installation,
  install,
  leaseQuestion,
  report,
  SIGNER,
} from '../../reconciler/http/http.fixture.ts';
import type { Zone } from '../../schemas/types.ts';
import { createMemoryStore } from '../fakes/memory-store.ts';
import { type LoopbackKnot, startLoopbackKnot } from '../loopback-knot.ts';
import { type LoopbackPebble, startLoopbackPebble } from '../loopback-pebble.ts';

// certbot needs seconds of a core; a loaded machine has few.
vi.setConfig({ testTimeout: 120_000 });

const NAMES = ['*.app.hoge.com', '*.hoge.com'];
let knot: LoopbackKnot;
let pebble: LoopbackPebble;
let plane: Installation;
let control: ControlPlane;
let stateDir: string;

beforeAll(async () => {
  knot = await startLoopbackKnot({ 'hoge.com': ['app A 203.0.113.1'] });
  pebble = await startLoopbackPebble({}, knot.port);
  stateDir = await mkdtemp(join(tmpdir(), 'kokoa-wildcard-'));
  const credentials = { file: 'tsig' };
  const zone: Zone = { name: 'hoge.com', provider: 'rfc2136', server: `127.0.0.1:${knot.port}`, credentials };
  const places = { read: async () => ({ kind: 'text', text: knot.keyText }) as const };
  const challenges = createDnsChallenges({
    zones: () => new Map([['hoge.com', zone]]),
    provider: (name, wanted) => dnsProviderOf(name, wanted, places, { rfc2136: createRfc2136 }),
    publicDns: { cname: async () => undefined },
    store: createMemoryStore(),
    log: { info() {}, warn() {} },
    now: Date.now,
  });
  plane = await install({ challenges });
  control = createControlPlane({ urls: () => [plane.server.url], token: async () => plane.token('a') });
});

afterAll(async () => {
  await Promise.all([control.close(), plane.close(), pebble.close(), knot.close()]);
  await rm(stateDir, { recursive: true, force: true });
});

/** Edge a applied a config by which it orders these. */
async function publish(names: readonly string[]): Promise<void> {
  const routes = names.map((name) => ({ hostname: name.replace('*', 'any'), certificate: name, orderer: 'a' }));
  const text = chunk(routes);
  const [config] = await plane.publish([edgeConfig('a', [text], { acme: { server: pebble.server } })], [text]);
  await control.report(report({ state: 'applied', applied: config!.configHash, enrolment: enrolment() }));
}

const certbot = () => createCertbot({ binary: 'certbot', stateDir, caFile: pebble.caFile });
/** `by`: an agent has one for all its orders. */
const order = (name: string, signal?: AbortSignal, by = certbot()) =>
  by.order({ server: pebble.server }, name, signal, createDnsProof(name, { control, ...SIGNER }));
const lease = (name: string) => control.lease(leaseQuestion(name, pebble.server));

test('certbot gets wildcards, two at once, by proofs that the reconciler writes, and nothing of them stays', async () => {
  await publish(NAMES);
  for (const name of NAMES) expect(await lease(name)).toMatchObject({ lease: { granted: true } });
  const agent = certbot();
  const pairs = await Promise.all(NAMES.map((name) => order(name, undefined, agent)));
  for (const [at, hostname] of NAMES.entries())
    expect(judgeCertificate({ ...pairs[at]!, hostname, now: Date.now() })).toMatchObject({ ok: true });
  expect(pebble.issued()).toBe(2);
  expect(pebble.validations()).toBeGreaterThanOrEqual(2);
  const zone = createRfc2136({ zone: 'hoge.com', address: '127.0.0.1', port: knot.port, key: knot.key });
  const records = ['_acme-challenge.hoge.com', '_acme-challenge.app.hoge.com'];
  expect(await Promise.all(records.map((record) => zone.txt(record)))).toEqual([[], []]);
  expect((await readdir(join(stateDir, 'acme'), { recursive: true })).filter((path) => path.includes('proof'))).toEqual(
    [],
  );
});

test('without a lease the CA is not even asked to look, and the error says why', async () => {
  await publish(['*.other.hoge.com']);
  const before = pebble.validations();
  await expect(order('*.other.hoge.com')).rejects.toMatchObject({
    code: 'proof_missing',
    message: expect.stringContaining('a holds no lease for this certificate'),
  });
  expect(pebble.validations()).toBe(before);
});

test('an agent that comes back answers the hook of the certbot that went on', async () => {
  await publish(['*.app.hoge.com']);
  await lease('*.app.hoge.com');
  const before = pebble.issued();
  const stop = new AbortController();
  const waiting = certbot().order({ server: pebble.server }, '*.app.hoge.com', stop.signal, {
    end: async () => undefined,
    present: async () => {
      stop.abort();
      return { outcome: 'wait', reason: 'the agent is about to end', retryAfterMs: 200 };
    },
  });
  await expect(waiting).rejects.toMatchObject({ code: 'certbot_failed' });
  await delay(300);
  expect(judgeCertificate({ ...(await order('*.app.hoge.com')), hostname: '*.app.hoge.com', now: Date.now() }).ok).toBe(
    true,
  );
  expect(pebble.issued() - before).toBe(1);
});
