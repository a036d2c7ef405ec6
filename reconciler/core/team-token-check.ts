// The tokens of teams in kokoa.yaml: each is one program of one team, and no machine's.
import type { Kokoa } from '../../schemas/types.ts';
import type { LoadedFile } from './files.ts';
import { type Problem, problemAt } from './problem.ts';
import { repeated } from './repeated.ts';

/** `nodeTokens`: sha256 of a node's token, in hex → the file that has it. */
export function checkTeamTokens(
  file: LoadedFile<'kokoa'>,
  { teams }: Kokoa,
  nodeTokens: ReadonlyMap<string, string>,
): Problem[] {
  const places = teams.flatMap(({ name: team, tokens = [] }, teamAt) =>
    tokens.map(({ name, sha256 }, at) => ({
      ...{ team, name, sha256, path: `teams[${teamAt}].tokens[${at}]` },
      pointer: `/teams/${teamAt}/tokens/${at}`,
    })),
  );
  const twice = (pointer: string, message: string) =>
    problemAt(file, file.locate(pointer), 'KK413', message, 'make a new one: kokoa token add');
  return [
    ...repeated(places, ({ team, name }) => `${team}\n${name}`).map(([place, other]) => {
      const message = `${place.path}: found the name ${place.name}, which ${other.path} has too, expected different ones`;
      return problemAt(file, file.locate(`${place.pointer}/name`), 'KK403', message, 'rename or delete one of them');
    }),
    ...repeated(places, ({ sha256 }) => sha256).map(([place, other]) =>
      twice(
        `${place.pointer}/sha256`,
        `${place.path}: found a token that ${other.path} has too, expected one of its own`,
      ),
    ),
    ...places.flatMap(({ sha256, path, pointer }) => {
      const node = nodeTokens.get(sha256);
      return node === undefined
        ? []
        : [
            twice(
              `${pointer}/sha256`,
              `${path}: found the token of a machine, which ${node} has, expected one of its own`,
            ),
          ];
    }),
  ];
}
