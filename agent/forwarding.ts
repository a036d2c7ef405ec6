// What forwards need of the kernel beside the packet filter, made true and taken back. Law: turned off before the filter lets go of
// an interface, turned on after the filter stands.
import type { Forward } from '../bundle/config.ts';
import { LOOPBACK_HOST } from './core/forward-host.ts';
import { type ForwardingPlan, isNothing, neededSettings, planForwarding } from './core/forwarding-plan.ts';
import type { KernelSettings } from './ports/kernel-settings.ts';
import type { Routing } from './ports/routing.ts';

export interface ForwardingParts {
  settings: KernelSettings;
  routing: Routing;
}

export interface Forwarding {
  /** Reads only. @throws KokoaError kernel_setting_failed */
  plan(forwards: readonly Forward[]): Promise<ForwardingPlan>;
  /** @throws KokoaError kernel_setting_failed, state_unwritable */
  turnOff(plan: ForwardingPlan): Promise<void>;
  /** @throws KokoaError kernel_setting_failed, state_unwritable */
  turnOn(plan: ForwardingPlan): Promise<void>;
}

const NOTHING: ForwardingPlan = { turnOff: [], turnOn: [], own: [], ownChanged: false, guarded: [] };

export function createForwarding({ settings, routing }: ForwardingParts, interfaceName: string): Forwarding {
  /** Nothing of the kernel is the agent's: most machines have no forwards, and are looked at once. */
  let clean = false;

  return {
    async plan(forwards) {
      if (forwards.length === 0 && clean) return NOTHING;
      const hosts = forwards.map(({ host }) => host).filter((host) => host !== LOOPBACK_HOST);
      const devices = hosts.length > 0 ? await routing.devices(hosts) : new Map<string, string>();
      const needed = neededSettings(forwards, devices, interfaceName);
      const plan = planForwarding(needed, await settings.read(needed));
      clean = needed.length === 0 && isNothing(plan);
      return plan;
    },
    async turnOff({ turnOff, turnOn, own, ownChanged }) {
      // What is to be turned on is remembered by `turnOn`.
      if (turnOff.length > 0 || (ownChanged && turnOn.length === 0)) await settings.turn('off', turnOff, own);
    },
    async turnOn({ turnOn, own }) {
      if (turnOn.length > 0) await settings.turn('on', turnOn, own);
    },
  };
}
