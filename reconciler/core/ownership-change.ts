// The two sides of a change, and what differs.
import type { AnyLoadedFile, LoadedFile } from './files.ts';
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
}

/** Content ids of the two must be of one kind. */
export function changeBetween(base: JudgedData, head: JudgedData): Change {
  const [before, after] = [base, head].map(({ loaded }) => new Map(loaded.map(({ path, blob }) => [path, blob])));
  const isChanged = (path: string) => before!.get(path) !== after!.get(path);
  const routes = head.loaded.filter((file): file is LoadedFile<'route'> => file.kind === 'route');
  return {
    base: viewOf(base.loaded),
    head: viewOf(head.loaded),
    routes: routes.filter(({ path, value }) => value !== undefined && isChanged(path)),
    isChanged,
  };
}
