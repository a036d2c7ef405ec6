// Of many moves of a node the first counts at once and the last in the end, as long as it may speak.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createMemoryStore } from '../../test/fakes/memory-store.ts';
import { createLog } from '../adapters/log.ts';
import type { Access } from '../core/access.ts';
import type { BoundEnrolment } from '../ports/store.ts';
import { createAddressPace, MOVE_EVERY_MS } from './address-pace.ts';
import { openFleetReports } from './fleet-reports.ts';

const KEYS = { wireguardPublicKey: 'k', signingKey: 's', formats: [1] };
const at = (ipv4: string | undefined, more = {}): BoundEnrolment => ({
  ...{ node: 'a', tokenSha256: 't', generation: 1, sequence: 1 },
  enrolment: { ...KEYS, ...(ipv4 !== undefined && { address: { ipv4 } }), ...more },
});

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }));
afterEach(() => void vi.useRealTimers());

async function moving() {
  const store = createMemoryStore();
  const reports = await openFleetReports(store, 0);
  const lines: string[] = [];
  let dirty = 0;
  const slot: Access = { node: 'a', role: 'edge', generation: 1, state: 'active' };
  const access = new Map([['t', slot]]);
  const pace = createAddressPace({
    ...{ reports, served: { access }, clock: () => new Date() },
    log: createLog({ format: 'json', write: (line) => void lines.push(line) }),
    onEnrolment() {
      dirty += 1;
    },
  });
  const bound = () => reports.enrolment('a')!;
  await reports.bind(at('192.0.2.1'));
  return {
    ...{ store, reports, lines, bound, slot, access },
    dirty: () => dirty,
    address: () => bound().enrolment.address?.ipv4,
    /** As a report is taken in; true where something counts. */
    async say(next: BoundEnrolment): Promise<boolean> {
      const admitted = pace.admit(bound(), next);
      if (admitted === bound()) return false;
      await reports.bind(admitted);
      return true;
    },
    pass: (ms: number) => vi.advanceTimersByTimeAsync(ms),
  };
}

it('takes the first move at once and the last of the others ten seconds later, one run for each', async () => {
  const { say, pass, address, dirty, store } = await moving();
  expect([await say(at('192.0.2.2')), address()]).toEqual([true, '192.0.2.2']);
  for (let n = 3; n < 50; n += 1) {
    expect(await say(at(`192.0.2.${n}`))).toBe(false);
    await pass(100);
  }
  expect([address(), dirty()]).toEqual(['192.0.2.2', 0]);
  await pass(MOVE_EVERY_MS);
  expect([address(), dirty()]).toEqual(['192.0.2.49', 1]);
  expect((await store.enrolments())[0]!.enrolment.address).toEqual({ ipv4: '192.0.2.49' });
  expect([await say(at('192.0.2.60')), vi.getTimerCount()]).toEqual([false, 1]);
});

it('changes nothing for a node that is back where it was', async () => {
  const { say, pass, address, dirty } = await moving();
  await say(at('192.0.2.2'));
  await say(at('192.0.2.3'));
  await say(at('192.0.2.2'));
  await pass(2 * MOVE_EVERY_MS);
  expect([address(), dirty()]).toEqual(['192.0.2.2', 0]);
});

it('takes an address away as slowly as it takes one in', async () => {
  const { say, pass, address } = await moving();
  await say(at('192.0.2.2'));
  expect([await say(at(undefined)), address()]).toEqual([false, '192.0.2.2']);
  await pass(MOVE_EVERY_MS);
  expect(address()).toBeUndefined();
});

it('never holds back anything else', async () => {
  const { say, address, bound } = await moving();
  await say(at('192.0.2.2'));
  expect(await say(at('192.0.2.3', { allow: ['80'] }))).toBe(true);
  expect([address(), bound().enrolment.allow]).toEqual(['192.0.2.2', ['80']]);
});

it('waits no longer because the clock was set back', async () => {
  const { say, address } = await moving();
  await say(at('192.0.2.2'));
  vi.setSystemTime(0);
  expect([await say(at('192.0.2.3')), address()]).toEqual([true, '192.0.2.3']);
});

it('gives another machine no address of the one before', async () => {
  const { say, pass, reports, address } = await moving();
  await say(at('192.0.2.2'));
  await say(at('192.0.2.3'));
  await reports.bind(at('192.0.2.9', { signingKey: 'other' }));
  await pass(MOVE_EVERY_MS);
  expect(address()).toBe('192.0.2.9');
});

it.each<[string, (site: Awaited<ReturnType<typeof moving>>) => unknown]>([
  ['suspended', ({ slot }) => Object.assign(slot, { state: 'suspended' })],
  ['given another token', ({ access }) => access.clear()],
  ['no owner of the token any more', ({ slot }) => Object.assign(slot, { node: 'b' })],
])('takes nothing later of a node that is %s by then', async (_, change) => {
  const site = await moving();
  await site.say(at('192.0.2.2'));
  await site.say(at('192.0.2.3'));
  change(site);
  await site.pass(MOVE_EVERY_MS);
  expect([site.address(), site.dirty()]).toEqual(['192.0.2.2', 0]);
});

it('takes what a draining node said', async () => {
  const { say, slot, pass, address } = await moving();
  await say(at('192.0.2.2'));
  await say(at('192.0.2.3'));
  Object.assign(slot, { state: 'draining' });
  await pass(MOVE_EVERY_MS);
  expect(address()).toBe('192.0.2.3');
});

it('writes no older address over what the machine said when it was bound anew', async () => {
  const { say, reports, pass, address } = await moving();
  await say(at('192.0.2.2'));
  await say(at('192.0.2.3'));
  await reports.bind({ ...at('192.0.2.9'), generation: 2 });
  await pass(MOVE_EVERY_MS);
  expect(address()).toBe('192.0.2.9');
});

const rotating = (nextWireguardPublicKey?: string, more = {}) => at('192.0.2.1', { nextWireguardPublicKey, ...more });

it('takes a next key at once and the last of many ten seconds later, one run for each', async () => {
  const { say, pass, bound, dirty } = await moving();
  expect(await say(rotating('n1'))).toBe(true);
  for (let n = 2; n < 9; n += 1) {
    expect(await say(rotating(`n${n}`))).toBe(false);
    await pass(1000);
  }
  expect([bound().enrolment.nextWireguardPublicKey, dirty()]).toEqual(['n1', 0]);
  await pass(MOVE_EVERY_MS);
  expect([bound().enrolment.nextWireguardPublicKey, dirty()]).toEqual(['n8', 1]);
});

it('takes a next key away as slowly, and its own address with it', async () => {
  const { say, pass, bound } = await moving();
  await say(rotating('n1'));
  expect(await say(at('192.0.2.5'))).toBe(false);
  expect(bound().enrolment).toMatchObject({ nextWireguardPublicKey: 'n1', address: { ipv4: '192.0.2.1' } });
  await pass(MOVE_EVERY_MS);
  expect(bound().enrolment).toEqual({ ...KEYS, address: { ipv4: '192.0.2.5' } });
});

it('never holds back the end of a rotation, nor leaves the key as the next one', async () => {
  const { say, bound, address } = await moving();
  await say(rotating('n1'));
  expect(await say(rotating(undefined, { wireguardPublicKey: 'n1' }))).toBe(true);
  expect(bound().enrolment).toEqual({ ...KEYS, wireguardPublicKey: 'n1', address: { ipv4: '192.0.2.1' } });
  await say(rotating('n2', { wireguardPublicKey: 'n1' }));
  await say(at('192.0.2.7', { wireguardPublicKey: 'n1' }));
  expect([address(), bound().enrolment.nextWireguardPublicKey]).toEqual(['192.0.2.1', undefined]);
});

const account = (acmeThumbprint?: string, more = {}) =>
  at('192.0.2.1', { ...(acmeThumbprint !== undefined && { acmeThumbprint }), ...more });

it('never holds back a first account, also of a node that just moved', async () => {
  const { say, bound } = await moving();
  await say(at('192.0.2.2'));
  expect(await say(at('192.0.2.3', { acmeThumbprint: 'A' }))).toBe(true);
  expect(bound().enrolment).toEqual({ ...KEYS, address: { ipv4: '192.0.2.2' }, acmeThumbprint: 'A' });
});

it('takes another account at once and the last of many ten seconds later, one run for each', async () => {
  const { say, pass, bound, dirty } = await moving();
  await say(account('A'));
  expect(await say(account('B'))).toBe(true);
  for (const one of ['A', 'B', 'A', 'C']) {
    await say(account(one));
    expect(bound().enrolment.acmeThumbprint).toBe('B');
    await pass(1000);
  }
  expect(dirty()).toBe(0);
  await pass(MOVE_EVERY_MS);
  expect([bound().enrolment.acmeThumbprint, dirty()]).toEqual(['C', 1]);
});

it('survives a store that is away, and says that the address comes again', async () => {
  const { say, pass, store, lines, address, dirty } = await moving();
  await say(at('192.0.2.2'));
  await say(at('192.0.2.3'));
  store.failNext('saveEnrolment', new Error('away'));
  await pass(MOVE_EVERY_MS);
  expect([address(), dirty(), lines.length]).toEqual(['192.0.2.2', 0, 1]);
  await pass(MOVE_EVERY_MS);
  expect([await say(at('192.0.2.3')), address()]).toEqual([true, '192.0.2.3']);
});
