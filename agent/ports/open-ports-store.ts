// What an origin had open when its agent ended: ports of routes, and ports that were about to close.
import type { PortsInForce } from '../core/closing-ports.ts';

export interface OpenPortsStore {
  /**
   * What was written since the machine was started; no ports where nothing was. `damaged`: something else stands in its place.
   * `nowMs`: of the clock of `write`. Never throws.
   */
  read(nowMs: number): Promise<PortsInForce | 'damaged'>;
  /** Writes only when something differs. @throws KokoaError state_unwritable */
  write(ports: PortsInForce): Promise<void>;
}
