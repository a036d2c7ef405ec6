// What a sweep can step through: a real program in a real situation, one round at a time.
import type { FaultKind } from './fault-kinds.ts';
import type { Injection, Tracing } from './strace.ts';

export interface FaultProgram {
  name: string;
  /** What of it changes the disk: threads (`main`, `pool`), or what `trace` has names for. */
  threads: readonly string[];
  /** `each`: every kind at every point. `turns`: KILL at every point, and one of the others in turn. */
  kinds: 'each' | 'turns';
  open(): Promise<OpenProgram>;
}

export interface OpenProgram {
  /** What is watched: absolute, without links. */
  folder: string;
  /**
   * From a whole state to the next one. `begin` is called once, with the process whose writes count; what it answers is ended before
   * anything is judged. `kind`: what goes wrong meanwhile; undefined: nothing. @throws Error that says what does not hold
   */
  round(begin: (pid: number) => Promise<Tracing>, kind: FaultKind | undefined): Promise<void>;
  /** Where it is not one thread of one process that is traced. */
  trace?(thread: string, injection: Injection | undefined): Promise<Tracing>;
  close(): Promise<void>;
}
