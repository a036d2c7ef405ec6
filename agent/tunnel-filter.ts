// What comes in through the tunnel: the packet filter for the ports in force, and what forwards need of the kernel. Law: settings are turned
// off before the filter lets go of an interface, and turned on after it stands; whoever changes the filter, steps for it never interleave.
import PQueue from 'p-queue';
import type { NodeConfig } from '../bundle/config.ts';
import { type AllowedRange, allowedForwards } from './core/allow-list.ts';
import { type OpenOrigin, openOrigin, type PortsInForce } from './core/closing-ports.ts';
import { renderFirewall } from './core/firewall.ts';
import { type ForwardingPlan, isNothing } from './core/forwarding-plan.ts';
import { createForwarding, type ForwardingParts } from './forwarding.ts';
import type { OpenPorts } from './open-ports.ts';
import type { Firewall } from './ports/firewall.ts';

export interface TunnelFilterParts {
  firewall: Firewall;
  /** Settings and routes of the kernel; only forwards use them. */
  forwarding: ForwardingParts;
  ports: OpenPorts;
  interfaceName: string;
  /** What the owner of this machine allows; only origins use it. */
  allow: readonly AllowedRange[];
}

export interface TunnelFilter {
  /** Makes the filter that of a config. What forwards need is still to be turned on. @throws KokoaError */
  make(config: NodeConfig): Promise<{ done: string[]; turnOn(): Promise<string[]> }>;
  /** True when the machine was changed by somebody else. Reads only. @throws KokoaError */
  differs(config: NodeConfig): Promise<boolean>;
  /** True when ports that no route declares any more have stayed open long enough. */
  hasPortsToClose(): boolean;
  /** Puts back what was made last, when somebody else changed it; in a turn of its own with `make`. @throws KokoaError firewall_failed */
  restore(): Promise<string[]>;
}

interface Wanted {
  ruleset: string;
  settings: ForwardingPlan;
}

const FILTER = 'packet filter';
const SETTINGS = 'kernel settings for forwards';

export function createTunnelFilter(parts: TunnelFilterParts): TunnelFilter {
  const { firewall, ports, interfaceName, allow } = parts;
  const forwarding = createForwarding(parts.forwarding, interfaceName);
  const queue = new PQueue({ concurrency: 1 });
  const inTurn = <T>(task: () => Promise<T>) => queue.add(task) as Promise<T>;
  let ruleset: string | undefined;

  async function wantedFor(config: NodeConfig, inForce: PortsInForce): Promise<Wanted> {
    const open = openOrigin(inForce);
    const settings = await forwarding.plan(allowedForwards(open.forwards, allow));
    return { ruleset: rulesetFor(config, open, settings.guarded, parts), settings };
  }

  /** Never only compared with what was applied: whoever reloads nftables flushes our table too, and every port is open then. */
  async function stands(wanted: Wanted): Promise<boolean> {
    return wanted.ruleset === ruleset && (await firewall.matches());
  }

  async function put(wanted: Wanted): Promise<string[]> {
    if (await stands(wanted)) return [];
    ruleset = undefined;
    await firewall.apply(wanted.ruleset);
    ruleset = wanted.ruleset;
    return [FILTER];
  }

  async function putBack(): Promise<string[]> {
    if (ruleset === undefined || (await firewall.matches())) return [];
    await firewall.apply(ruleset);
    return [FILTER];
  }

  return {
    async make(config) {
      const next = await ports.plan(config);
      const wanted = await wantedFor(config, next);
      await ports.keep(next);
      await forwarding.turnOff(wanted.settings);
      const done = await inTurn(() => put(wanted));
      ports.use(next);
      const { settings } = wanted;
      return {
        done,
        async turnOn() {
          await forwarding.turnOn(settings);
          return isNothing(settings) ? [] : [SETTINGS];
        },
      };
    },
    async differs(config) {
      const wanted = await wantedFor(config, await ports.inForce());
      return !isNothing(wanted.settings) || !(await inTurn(() => stands(wanted)));
    },
    hasPortsToClose: ports.hasExpired,
    restore: () => inTurn(putBack),
  };
}

function rulesetFor(
  config: NodeConfig,
  open: OpenOrigin,
  guarded: readonly string[],
  { interfaceName, allow }: Pick<TunnelFilterParts, 'interfaceName' | 'allow'>,
): string {
  const { role, wireguard } = config;
  const { icmp = false, scripts = [] } = (config.role === 'origin' && config.origin.asked) || {};
  return renderFirewall({
    ...{ interfaceName, role, allow, guarded },
    address: wireguard.address,
    peers: wireguard.peers.map(({ address }) => address),
    ...open,
    asked: { icmp, scripts: scripts.length > 0 },
  });
}
