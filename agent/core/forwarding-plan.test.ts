import { describe, expect, test } from 'vitest';
import type { KernelSetting, KernelState, OwnSetting } from '../ports/kernel-settings.ts';
import { isNothing, neededSettings, planForwarding } from './forwarding-plan.ts';

const forwarding = (interfaceName: string): KernelSetting => ({ interfaceName, name: 'forwarding' });
const own = (interfaceName: string, everywhere = false): OwnSetting => ({ ...forwarding(interfaceName), everywhere });
const LOCALNET: KernelSetting = { interfaceName: 'kokoa0', name: 'route_localnet' };
const to = (host: string) => ({ port: 20_001, host, hostPort: 80 });

describe('what forwards need', () => {
  test.each<[string, string[], Record<string, string>, KernelSetting[]]>([
    ['nothing without forwards', [], {}, []],
    ['the tunnel’s loopback for loopback', ['127.0.0.1'], {}, [LOCALNET]],
    ['the tunnel and the LAN', ['10.0.0.1'], { '10.0.0.1': 'eth0' }, [forwarding('kokoa0'), forwarding('eth0')]],
    [
      'each interface once',
      ['10.0.0.1', '10.0.0.2', '10.1.0.1', '127.0.0.1'],
      { '10.0.0.1': 'eth1', '10.0.0.2': 'eth1', '10.1.0.1': 'eth0' },
      [LOCALNET, forwarding('kokoa0'), forwarding('eth0'), forwarding('eth1')],
    ],
    ['nothing for a host without a route', ['10.0.0.1'], {}, []],
    ['nothing for the machine’s own address', ['10.0.0.1'], { '10.0.0.1': 'lo' }, []],
    ['nothing for a way back into the tunnel', ['10.0.0.1'], { '10.0.0.1': 'kokoa0' }, []],
    ['nothing for a name that no path should hold', ['10.0.0.1'], { '10.0.0.1': '..' }, []],
  ])('%s', (_, hosts, devices, needed) => {
    expect(neededSettings(hosts.map(to), new Map(Object.entries(devices)), 'kokoa0')).toEqual(needed);
  });
});

describe('the plan', () => {
  const NEEDED = [forwarding('kokoa0'), forwarding('eth0')];
  const state = (changes: Partial<KernelState>): KernelState => ({ everywhere: false, on: [], own: [], ...changes });
  const names = (settings: readonly KernelSetting[]) => settings.map(({ interfaceName }) => interfaceName);

  test.each<
    [string, KernelSetting[], KernelState, { on?: string[]; off?: string[]; guarded?: string[]; own?: string[] }]
  >([
    ['turns on what is off, and guards it', NEEDED, state({}), { on: ['kokoa0', 'eth0'], guarded: ['eth0', 'kokoa0'] }],
    ['leaves alone what others turned on', NEEDED, state({ on: NEEDED, everywhere: true }), { own: [] }],
    [
      'guards only what is its own',
      NEEDED,
      state({ on: [forwarding('eth0')] }),
      { on: ['kokoa0'], guarded: ['kokoa0'] },
    ],
    [
      'has nothing to do twice',
      NEEDED,
      state({ on: NEEDED, own: NEEDED.map(({ interfaceName }) => own(interfaceName)) }),
      { guarded: ['eth0', 'kokoa0'] },
    ],
    [
      'turns on again what was turned off',
      NEEDED,
      state({ on: [forwarding('eth0')], own: [own('eth0'), own('kokoa0')] }),
      { on: ['kokoa0'], guarded: ['eth0', 'kokoa0'] },
    ],
    ['takes its own back', [], state({ on: NEEDED, own: [own('eth0')] }), { off: ['eth0'], own: [] }],
    ['takes nothing back that is off', [], state({ own: [own('eth0')] }), { own: [] }],
    [
      'follows the LAN to another interface',
      [forwarding('kokoa0'), forwarding('eth1')],
      state({ on: NEEDED, own: [own('eth0'), own('kokoa0')] }),
      { on: ['eth1'], off: ['eth0'], guarded: ['eth1', 'kokoa0'] },
    ],
    [
      'gives up what became everybody’s',
      NEEDED,
      state({ everywhere: true, on: NEEDED, own: [own('eth0'), own('kokoa0')] }),
      { own: [] },
    ],
    [
      'keeps what it turned on on a router',
      NEEDED,
      state({ everywhere: true, on: NEEDED, own: [own('eth0', true)] }),
      { guarded: ['eth0'] },
    ],
    ['never guards loopback', [LOCALNET], state({}), { on: ['kokoa0'], guarded: [], own: ['kokoa0'] }],
  ])('%s', (_, needed, found, { on = [], off = [], guarded = [], own: kept = guarded }) => {
    const plan = planForwarding(needed, found);
    expect({ on: names(plan.turnOn), off: names(plan.turnOff), guarded: plan.guarded, own: names(plan.own) }).toEqual({
      on,
      off,
      guarded,
      own: kept,
    });
  });

  test('carried out, it leaves nothing to do', () => {
    const plan = planForwarding(NEEDED, state({}));
    expect(isNothing(plan)).toBe(false);
    expect(isNothing(planForwarding(NEEDED, state({ on: NEEDED, own: plan.own })))).toBe(true);
    expect(isNothing(planForwarding([], state({})))).toBe(true);
    expect(isNothing(planForwarding([], state({ own: plan.own })))).toBe(false);
  });
});
