// Which service of an origin a tunnel address and port lead to: the way back from what edges are told to what people wrote.
import type { Desired } from './desired.ts';
import { forwardsOf } from './forwards.ts';
import type { Service } from './health/backend-standing.ts';
import { slotsOf } from './slots.ts';

type ServiceAt = (address: string, port: number) => Service | undefined;

const made = new WeakMap<Desired, ServiceAt>();

/** Made once for each state, when somebody asks. */
export function serviceAtIn(desired: Desired): ServiceAt {
  const known = made.get(desired);
  if (known) return known;
  const origins = new Map(
    slotsOf(desired)
      .filter(({ role }) => role === 'origin')
      .map(({ node, file }) => [file.value!.wireguard.address, node]),
  );
  const forwards = new Map<string, ReadonlyMap<number, Service>>();
  const serviceAt: ServiceAt = (address, port) => {
    const origin = origins.get(address);
    if (origin === undefined) return undefined;
    let led = forwards.get(origin);
    if (led === undefined) {
      // Of one number both protocols may have a service, mostly the same one.
      const services = forwardsOf(desired, origin).map(
        ({ port: at, host, hostPort }) => [at, { origin, host, port: hostPort }] as const,
      );
      led = new Map(services.toReversed());
      forwards.set(origin, led);
    }
    return led.get(port) ?? { origin, port };
  };
  made.set(desired, serviceAt);
  return serviceAt;
}
