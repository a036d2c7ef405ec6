// What an edge remembers of certificates that nothing needs, from one run to the next. What is lost is counted anew.

export interface UnwantedStore {
  /** Certificate name → how long it has been unneeded, ms; empty when there is nothing, or it is damaged. Never throws. */
  read(): Promise<ReadonlyMap<string, number>>;
  /** Replaces them in one step. @throws KokoaError state_unwritable */
  write(unwanted: ReadonlyMap<string, number>): Promise<void>;
}
