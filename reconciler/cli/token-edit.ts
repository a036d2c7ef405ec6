// Gives teams tokens for their programs, and takes them away: the sha256 goes into kokoa.yaml, the token to whoever asked, once.
import { randomBytes } from 'node:crypto';
import { sha256Hex } from '../../bundle/canonical.ts';
import { KokoaError } from '../../bundle/error.ts';
import { KOKOA_FILE } from '../core/paths.ts';
import { didYouMean } from '../core/suggest.ts';
import { TEAM_TOKEN_PREFIX } from '../core/team-token.ts';
import { withoutTeamToken, withTeamToken } from '../core/team-token-edit.ts';
import { type DataFolder, openDataFolder, replaceFile } from './data-folder.ts';
import { dataTop } from './data-top.ts';

const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const DEFAULT_NAME = 'api';
const TOKEN_BYTES = 32;

export interface TeamTokenOptions {
  team: string;
  name?: string;
  dir?: string;
}

/** Prints the token on stdout. False: not written, the problems are printed. @throws KokoaError usage, kokoa_missing, name_taken, layout_unknown */
export async function addTeamToken({ team, name: asked, dir }: TeamTokenOptions): Promise<boolean> {
  const folder = openDataFolder(dataTop(dir));
  const names = namesOf(folder, team);
  const name = asked ?? freeName(names);
  if (!NAME.test(name))
    throw usage(`found --name ${JSON.stringify(name.slice(0, 80))}, expected lower-case letters, digits and dashes`);
  if (names.includes(name))
    throw new KokoaError('name_taken', `team ${team} has a token of the name ${name} already`, {
      hint: `choose another --name; to replace it: add the new one, move the program over, then\n  kokoa token revoke --team ${team} --name ${name}`,
    });
  const token = TEAM_TOKEN_PREFIX + randomBytes(TOKEN_BYTES).toString('base64url');
  const text = withTeamToken(textOf(folder), folder.kokoa, team, { name, sha256: sha256Hex(token) });
  if (!(await replace(folder, text))) return false;
  console.error(`wrote ${KOKOA_FILE}: team ${team} has the token ${name}`);
  console.log(token);
  console.error('It is good once this change is merged and live. Nobody can show it again: give');
  console.error('it to the program now, as a secret (docs/api.md). Is it in a file? Others may');
  console.error('read that: chmod 600 FILE, and the next time umask 077 first.');
  return true;
}

/** The same, without anything on stdout. @throws KokoaError name_unknown as well */
export async function revokeTeamToken({ team, name = '', dir }: TeamTokenOptions): Promise<boolean> {
  const folder = openDataFolder(dataTop(dir));
  const names = namesOf(folder, team);
  if (!names.includes(name)) {
    const meant = didYouMean(name, names);
    const hint = meant === undefined ? `it has ${names.join(', ') || 'none'}` : `did you mean ${meant}?`;
    throw new KokoaError('name_unknown', `team ${team} has no token of the name ${JSON.stringify(name.slice(0, 80))}`, {
      hint,
    });
  }
  if (!(await replace(folder, withoutTeamToken(textOf(folder), folder.kokoa, team, name)))) return false;
  console.error(`wrote ${KOKOA_FILE}: team ${team} has no token ${name} any more; it ends with the merge`);
  return true;
}

/** Of the team's tokens. @throws KokoaError usage when there is no such team */
function namesOf({ kokoa }: DataFolder, team: string): string[] {
  const found = kokoa.teams.find(({ name }) => name === team);
  if (found !== undefined) return (found.tokens ?? []).map(({ name }) => name);
  const teams = kokoa.teams.map(({ name }) => name);
  const meant = didYouMean(team, teams);
  throw new KokoaError('usage', `${KOKOA_FILE} has no team ${JSON.stringify(team.slice(0, 80))}`, {
    hint: meant === undefined ? `it has ${teams.slice(0, 5).join(', ')}` : `did you mean ${meant}?`,
  });
}

function freeName(names: readonly string[]): string {
  for (let count = 1; ; count += 1) {
    const name = count === 1 ? DEFAULT_NAME : `${DEFAULT_NAME}-${count}`;
    if (!names.includes(name)) return name;
  }
}

function textOf({ judgement }: DataFolder): string {
  return Buffer.from(judgement.files.find(({ path }) => path === KOKOA_FILE)?.bytes ?? []).toString();
}

async function replace(folder: DataFolder, text: string | undefined): Promise<boolean> {
  if (text !== undefined) return replaceFile(folder, KOKOA_FILE, text);
  throw new KokoaError('layout_unknown', `${KOKOA_FILE} is laid out in a way this command cannot edit`, {
    hint: 'run kokoa fmt, then this again',
  });
}

function usage(message: string): KokoaError {
  return new KokoaError('usage', message);
}
