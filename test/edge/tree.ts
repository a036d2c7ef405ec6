// A rendered tree as a value: path → text. Changes for tests that show what a directive is for.

export type Tree = ReadonlyMap<string, string>;

/** The same tree as another release: its id stands in every include and in the answer of the probe socket. */
export function withReleaseId(tree: Tree, id: string): Tree {
  const before = /\/releases\/([A-Za-z0-9._-]+)\//.exec(tree.get('nginx.conf') ?? '')?.[1];
  if (before === undefined) return tree;
  const places = [
    [`/releases/${before}/`, `/releases/${id}/`],
    [`return 200 ${before};`, `return 200 ${id};`],
  ] as const;
  return mapped(tree, (text) => places.reduce((all, [from, to]) => all.replaceAll(from, to), text));
}

/** The tree with `from` replaced wherever it stands. @throws Error when it stands nowhere */
export function withText(tree: Tree, from: string, to: string): Tree {
  if (![...tree.values()].some((text) => text.includes(from)))
    throw new Error(`the tree has no ${JSON.stringify(from)}`);
  return mapped(tree, (text) => text.replaceAll(from, to));
}

function mapped(tree: Tree, change: (text: string) => string): Tree {
  return new Map([...tree].map(([path, text]) => [path, change(text)]));
}
