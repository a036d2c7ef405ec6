// Tells the control plane how orders ended, because the fleet has one budget. Law: an order has one end; what could not be told is told later,
// and before the same name is asked for again.
import type { OrderEnd, OrderResult } from '../bundle/api.ts';
import type { ControlPlane } from './ports/control-plane.ts';

/** Names of which the end was not told yet; the oldest is forgotten first, and then counts as issued. */
const UNTOLD_MAX = 1000;

export interface OrderEnds {
  /** A lease for an order at this ACME directory was granted. */
  begun(name: string, server: string): void;
  /** Does nothing when the order has ended. */
  ended(name: string, result: OrderResult): void;
  /** Tells what was not told yet, as far as the control plane answers. */
  tell(): Promise<void>;
}

/** `sign`: as this edge. */
export function createOrderEnds(
  control: Pick<ControlPlane, 'orderEnded'>,
  sign: (end: Omit<OrderEnd, 'by' | 'signature'>) => OrderEnd,
): OrderEnds {
  const open = new Map<string, string>();
  const untold = new Map<string, OrderEnd>();
  let telling: Promise<void> | undefined;

  async function tellAll(): Promise<void> {
    for (const [name, end] of [...untold]) {
      const told = await control.orderEnded(end);
      if (untold.get(name) !== end) continue;
      untold.delete(name);
      if (told.kind === 'answered') continue;
      // Behind the others, so that one that is never taken holds up none of them.
      untold.set(name, end);
      return;
    }
  }

  return {
    begun: (name, server) => void open.set(name, server),
    ended(name, result) {
      const server = open.get(name);
      if (server === undefined) return;
      open.delete(name);
      untold.delete(name);
      untold.set(name, sign({ kind: 'order_end', name, server, ...result }));
      if (untold.size > UNTOLD_MAX) untold.delete(untold.keys().next().value!);
    },
    tell() {
      telling ??= tellAll().finally(() => {
        telling = undefined;
      });
      return telling;
    },
  };
}
