// The shapes between reading and compiling: a file of the data as text, and as a checked value.
import type { Edge, Kokoa, Origin, Route } from '../../schemas/types.ts';
import type { Position, Problem } from './problem.ts';

/** One file at one commit, or a file that is gone (`blob` undefined). */
export interface FileChange {
  /** Relative to the data directory, forward slashes. */
  path: string;
  /** Content id (git blob id, or sha256 outside git); undefined: deleted. */
  blob: string | undefined;
  /** Present whenever `blob` is. */
  bytes?: Uint8Array;
}

export interface Values {
  route: Route;
  origin: Origin;
  edge: Edge;
  kokoa: Kokoa;
}

export type Kind = keyof Values;

/** A file after everything that can be judged by looking at it alone. */
export interface LoadedFile<K extends Kind = Kind> {
  path: string;
  blob: string;
  kind: K;
  /** routes/TEAM/…: the folder. */
  team?: string;
  /** Present when the file has no error of its own. Defaults are not filled in; hostnames are as typed. */
  value?: Values[K];
  /** Routes only: the hostname in canonical form, when it has one. One with a value lacks it exactly when it takes a public port. */
  hostname?: string;
  /** The file's own problems; cross-file rules are judged elsewhere. */
  problems: readonly Problem[];
  /** Position of the value at a JSON pointer (`/wireguard/address`), or of its key, or of its nearest parent. */
  locate(pointer: string, part?: 'key' | 'value'): Position;
}

export type AnyLoadedFile = { [K in Kind]: LoadedFile<K> }[Kind];
