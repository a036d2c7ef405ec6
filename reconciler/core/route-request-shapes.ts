// What is asked for a route, and what comes of it.
import type { LoadedFile } from './files.ts';
import type { Problem } from './problem.ts';

export type RouteRequest =
  | { method: 'POST'; body: unknown }
  | { method: 'PATCH'; hostname: string; body: unknown }
  | { method: 'DELETE'; hostname: string };

export type RouteMethod = RouteRequest['method'];

/** The file of a route that a request is about, and its text. */
export interface CurrentRoute {
  file: LoadedFile<'route'>;
  text: string;
}

export interface RouteChange {
  hostname: string;
  path: string;
  /** Null: the file goes. */
  text: string | null;
  /** What a reviewer should know; of this file. */
  warnings: readonly Problem[];
}

export interface RouteRefusal {
  kind: 'refused';
  status: 403 | 404 | 409 | 422;
  error: string;
  message: string;
  hint: string;
  problems?: readonly Problem[];
}

export type RouteDecision =
  | ({ kind: 'change' } & RouteChange)
  /** It is like that already. */
  | { kind: 'unchanged'; hostname: string; path: string }
  | RouteRefusal;
