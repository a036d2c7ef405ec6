// The two sides of a change, and what differs.
import type { Desired } from './desired.ts';
import { viewOfDesired } from './desired-view.ts';
import type { AnyLoadedFile, LoadedFile } from './files.ts';
import { lookup } from './persistent-map.ts';
import type { Problem } from './problem.ts';
import { type DesiredView, viewOf } from './view.ts';

/** All files of one state of the data, and everything that was found wrong with them and between them. */
export interface JudgedData {
  loaded: readonly AnyLoadedFile[];
  problems: readonly Problem[];
}

/** As the questions about ownership read it. */
export interface Change {
  base: DesiredView;
  head: DesiredView;
  /** Routes with a value that the change adds or edits; a route that is moved is one that is added. */
  routes: readonly LoadedFile<'route'>[];
  /** Whether the two hold something else at a path; one that neither holds is the same. */
  isChanged(path: string): boolean;
  /** The base holds no data at all. */
  isFirst: boolean;
  /** The head has a file there, and it was read. */
  isLoaded(path: string): boolean;
}

/** Content ids of the two must be of one kind. */
export function changeBetween(base: JudgedData, head: JudgedData): Change {
  const [before, after] = [base, head].map(({ loaded }) => new Map(loaded.map(({ path, blob }) => [path, blob])));
  const isChanged = (path: string) => before!.get(path) !== after!.get(path);
  const isLoaded = (path: string) => after!.has(path);
  const routes = head.loaded.filter((file): file is LoadedFile<'route'> => file.kind === 'route');
  return {
    base: viewOf(base.loaded),
    head: viewOf(head.loaded),
    routes: routes.filter(({ path, value }) => value !== undefined && isChanged(path)),
    isChanged,
    isFirst: base.loaded.length === 0,
    isLoaded,
  };
}

/** The same of two states that share what is equal. `paths`: all that may differ; cost: those. */
export function changeInDesired(base: Desired, head: Desired, paths: Iterable<string>): Change {
  const changed = new Set(
    [...paths].filter((path) => lookup(base.files, path)?.blob !== lookup(head.files, path)?.blob),
  );
  const view = viewOfDesired(head);
  const routes = [...changed].sort().flatMap((path) => view.route(path) ?? []);
  return {
    base: viewOfDesired(base),
    head: view,
    routes: routes.filter(({ value }) => value !== undefined),
    isChanged: (path) => changed.has(path),
    isFirst: base.files.size === 0,
    isLoaded: (path) => lookup(head.files, path) !== undefined,
  };
}
