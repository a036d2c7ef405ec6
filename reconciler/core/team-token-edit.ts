// kokoa.yaml with one token of a team more or less. Law: everything else it says stays, comments too; what comes out is read again, and
// refused when it says anything else than was meant.
import { isDeepStrictEqual } from 'node:util';
import type { Kokoa } from '../../schemas/types.ts';
import { KOKOA_FILE } from './paths.ts';
import { commentsOf, parseYaml } from './yaml.ts';
import { type EditableYaml, editYaml } from './yaml-edit.ts';

export interface TeamToken {
  name: string;
  /** Hex. */
  sha256: string;
}

/** `text` is a valid kokoa.yaml, and `kokoa` what it says. Undefined: it is laid out in a way that cannot be edited. */
export function withTeamToken(text: string, kokoa: Kokoa, team: string, token: TeamToken): string | undefined {
  const at = kokoa.teams.findIndex(({ name }) => name === team);
  const before = kokoa.teams[at]?.tokens;
  const wanted = replaceTokens(kokoa, at, [...(before ?? []), token]);
  const after = edited(text, wanted, (document) => {
    const path = ['teams', at, 'tokens'];
    if (before === undefined) document.setIn(path, document.createNode([token]));
    else document.addIn(path, document.createNode(token));
  });
  return after !== undefined && isDeepStrictEqual(commentsOf(after), commentsOf(text)) ? after : undefined;
}

/** The same with one token less; the team has one of this name. A comment about it goes with it. */
export function withoutTeamToken(text: string, kokoa: Kokoa, team: string, name: string): string | undefined {
  const at = kokoa.teams.findIndex((one) => one.name === team);
  const before = kokoa.teams[at]?.tokens ?? [];
  const index = before.findIndex((token) => token.name === name);
  const left = before.filter((_, other) => other !== index);
  return edited(text, replaceTokens(kokoa, at, left), (document) => {
    document.deleteIn(left.length === 0 ? ['teams', at, 'tokens'] : ['teams', at, 'tokens', index]);
  });
}

function replaceTokens(kokoa: Kokoa, at: number, tokens: TeamToken[]): Kokoa {
  const teams = kokoa.teams.map((team, index) => {
    if (index !== at) return team;
    const { tokens: _, ...rest } = team;
    return tokens.length === 0 ? rest : { ...rest, tokens };
  });
  return { ...kokoa, teams };
}

/** `wanted`: what the result has to say. */
function edited(text: string, wanted: Kokoa, edit: (document: EditableYaml) => void): string | undefined {
  const after = editYaml(text, edit);
  const { value, problems } = parseYaml(KOKOA_FILE, Buffer.from(after));
  return problems.length === 0 && isDeepStrictEqual(value, wanted) ? after : undefined;
}
