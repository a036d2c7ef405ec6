// The names of pools in DNS: each in a zone of kokoa.yaml, and nobody else's.
import type { Kokoa } from '../../schemas/types.ts';
import { zoneNameOf } from './dns/wanted-records.ts';
import type { LoadedFile } from './files.ts';
import { canonicalHostname, hostnameProblem } from './hostname.ts';
import { type Problem, problemAt } from './problem.ts';
import { shown } from './shown.ts';

export function checkPoolNames(file: LoadedFile<'kokoa'>, kokoa: Kokoa): Problem[] {
  const seen = new Map<string, number>();
  return kokoa.pools.flatMap(({ hostname }, at): Problem[] => {
    if (hostname === undefined) return [];
    const field = `pools[${at}].hostname`;
    const pointer = `/pools/${at}/hostname`;
    const canonical = canonicalHostname(hostname);
    if (canonical.kind === 'refused')
      return [hostnameProblem(file.path, () => file.locate(pointer), field, hostname) ?? []].flat();
    const name = canonical.hostname;
    const zone = zoneNameOf(name, kokoa);
    const other = seen.get(name);
    seen.set(name, at);
    const expected = name.startsWith('*')
      ? 'a name without a wildcard'
      : zone === undefined
        ? 'a name below a zone of kokoa.yaml'
        : zone === name
          ? 'a name below a zone, and not the zone itself'
          : other !== undefined
            ? `another name than that of pools[${other}]`
            : undefined;
    if (expected === undefined) return [];
    const message = `${field}: found ${shown(hostname)}, expected ${expected}`;
    return [problemAt(file, file.locate(pointer), 'KK416', message, `such as edges.${zone ?? 'hoge.com'}`)];
  });
}
