// What an edge remembers of its visits from one run to the next. It is a cache: what is lost is not asked again.
import type { Visit } from '../core/visit-plan.ts';

export type KeptVisit = Pick<Visit, 'hostname' | 'route' | 'answer'>;

export interface VisitsStore {
  /** The newest change first; none when there are none, or they are damaged. Never throws. */
  read(): Promise<KeptVisit[]>;
  /** Replaces them in one step. @throws KokoaError state_unwritable */
  write(visits: readonly KeptVisit[]): Promise<void>;
}
