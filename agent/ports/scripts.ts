// Programs that the owner of an origin put there to be asked whether a service can work. Law: only whoever may change this machine anyway can put
// one there, and none of them runs as root.

export type ScriptResult =
  /** It ended with 0. */
  | { kind: 'well' }
  /** It ended otherwise, or not in time. `words`: what it printed first, one line, printable. */
  | { kind: 'ill'; reason: string; words: string }
  /** It was not run: there is none of that name, or one that others could have put there. */
  | { kind: 'refused'; reason: string };

export interface Scripts {
  /** Ends within SCRIPT_MS_MAX, with its process group. Never throws. */
  run(name: string): Promise<ScriptResult>;
}

export const SCRIPT_MS_MAX = 10_000;
