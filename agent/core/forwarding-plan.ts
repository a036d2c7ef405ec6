// What the kernel must be told so that forwards work, and what to take back. Law: no more than they need: single interfaces, never
// the whole machine; only what the agent turned on itself is turned off again; and where it turned on forwarding, only forwards pass.
import type { Forward } from '../../bundle/config.ts';
import type { KernelSetting, KernelState, OwnSetting } from '../ports/kernel-settings.ts';
import { isInterfaceName } from './firewall.ts';
import { LOOPBACK_HOST } from './forward-host.ts';

export interface ForwardingPlan {
  /** Before the packet filter changes: what is no longer guarded must not forward any more. */
  turnOff: readonly KernelSetting[];
  /** After the packet filter stands. */
  turnOn: readonly KernelSetting[];
  /** What is the agent's own when the plan was carried out. */
  own: readonly OwnSetting[];
  /** True when the agent remembers something else than `own`. */
  ownChanged: boolean;
  /** Interfaces on which the packet filter lets only forwards pass. */
  guarded: readonly string[];
}

/**
 * The settings that allowed forwards need. `devices`: host → the interface that leads to it. A packet is routed on when the interface
 * it came in by has `forwarding`: the tunnel for requests, the other one for answers.
 */
export function neededSettings(
  forwards: readonly Forward[],
  devices: ReadonlyMap<string, string>,
  tunnel: string,
): KernelSetting[] {
  const hosts = [...new Set(forwards.map(({ host }) => host))];
  const found = hosts.filter((host) => host !== LOOPBACK_HOST).map((host) => devices.get(host) ?? 'lo');
  const leaving = [...new Set(found)].filter(
    (device) => device !== 'lo' && device !== tunnel && isInterfaceName(device),
  );
  const forwarding = leaving.length > 0 ? [tunnel, ...leaving.sort()] : [];
  return [
    ...(hosts.includes(LOOPBACK_HOST) ? [{ interfaceName: tunnel, name: 'route_localnet' } as const] : []),
    ...forwarding.map((interfaceName) => ({ interfaceName, name: 'forwarding' }) as const),
  ];
}

/** `state` was read with `needed`. */
export function planForwarding(needed: readonly KernelSetting[], state: KernelState): ForwardingPlan {
  const on = new Set(state.on.map(keyOf));
  const wanted = new Set(needed.map(keyOf));
  const ours = state.own.filter((setting) => on.has(keyOf(setting)) && !isOvertaken(setting, state));
  const kept = ours.filter((setting) => wanted.has(keyOf(setting)));
  const turnOn = needed.filter((setting) => !on.has(keyOf(setting)));
  const own = [...kept, ...turnOn.map((setting) => ({ ...setting, everywhere: state.everywhere }))].sort(byKey);
  return {
    turnOff: ours.filter((setting) => !wanted.has(keyOf(setting))).map(plain),
    turnOn,
    own,
    ownChanged: JSON.stringify(own) !== JSON.stringify([...state.own].sort(byKey)),
    guarded: own.filter(({ name }) => name === 'forwarding').map(({ interfaceName }) => interfaceName),
  };
}

/** True when the plan does nothing. */
export function isNothing({ turnOff, turnOn, ownChanged }: ForwardingPlan): boolean {
  return turnOff.length === 0 && turnOn.length === 0 && !ownChanged;
}

/** Since then somebody made the whole machine a router, this interface too: it is theirs now. */
function isOvertaken({ name, everywhere }: OwnSetting, state: KernelState): boolean {
  return name === 'forwarding' && state.everywhere && !everywhere;
}

function plain({ interfaceName, name }: KernelSetting): KernelSetting {
  return { interfaceName, name };
}

function keyOf({ interfaceName, name }: KernelSetting): string {
  return `${interfaceName}/${name}`;
}

function byKey(a: KernelSetting, b: KernelSetting): number {
  return keyOf(a) < keyOf(b) ? -1 : 1;
}
