// Things that should each have something of their own, and do not.

/** Every item whose key another one has, with the first such other by path. */
export function repeated<T extends { path: string }>(
  items: readonly T[],
  keyOf: (item: T) => string | undefined,
): [T, T][] {
  const byKey = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    if (key === undefined) continue;
    const group = byKey.get(key);
    if (group === undefined) byKey.set(key, [item]);
    else group.push(item);
  }
  return [...byKey.values()].flatMap((group) => {
    if (group.length < 2) return [];
    const [first, second] = [...group].sort((a, b) => (a.path < b.path ? -1 : 1)) as [T, T, ...T[]];
    return group.map((item): [T, T] => [item, item === first ? second : first]);
  });
}
