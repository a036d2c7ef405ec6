// A team's token: good while what is live and the newest valid file both have it, and never for anybody else.
import { describe, expect, it } from 'vitest';
import type { Kokoa } from '../../schemas/types.ts';
import { judgeTeamToken, looksLikeTeamToken } from './team-token.ts';
import { desiredOf, kokoa, sha } from './world.fixture.ts';

const token = (letter: string) => `kokoa_team_${letter.repeat(43)}`;
type Tokens = Record<string, string[]>;

function state(teams: Tokens | undefined) {
  if (teams === undefined) return desiredOf([]);
  const value = Object.entries(teams).map(([name, letters]) => ({
    name,
    hostnames: ['*.hoge.com'],
    tokens: letters.map((letter) => ({ name: `of-${letter}`, sha256: sha(token(letter)) })),
  })) as Kokoa['teams'];
  return desiredOf([kokoa({ teams: value })]);
}

describe('judgeTeamToken', () => {
  it.each<[string, Tokens | undefined, Tokens | undefined, string]>([
    ['in both', { hoge: ['a'] }, { hoge: ['a'] }, 'hoge'],
    ['in both, beside others', { hoge: ['b', 'a'], fuga: ['c'] }, { fuga: ['c'], hoge: ['a'] }, 'hoge'],
    ['removed in the newest', { hoge: ['a'] }, { hoge: ['b'] }, 'token_unknown'],
    ['of a team that the newest lacks', { hoge: ['a'] }, { fuga: ['b'] }, 'token_unknown'],
    ['moved to another team in the newest', { hoge: ['a'] }, { fuga: ['a'] }, 'token_unknown'],
    ['not live yet', { hoge: ['b'] }, { hoge: ['a', 'b'] }, 'token_unknown'],
    ['live, with a newest that cannot be read', { hoge: ['a'] }, undefined, 'hoge'],
    ['with nothing live', undefined, { hoge: ['a'] }, 'token_unknown'],
    ['of two teams', { hoge: ['a'], fuga: ['a'] }, { hoge: ['a'], fuga: ['a'] }, 'token_unknown'],
    ['of one team twice', { hoge: ['a', 'a'] }, { hoge: ['a'] }, 'hoge'],
  ])('of a token %s', (_, live, newest, expected) => {
    const verdict = judgeTeamToken(token('a'), { live: state(live), newest: state(newest) });
    expect(verdict.kind === 'ok' ? verdict.team : verdict.code).toBe(expected);
    expect(JSON.stringify(verdict)).not.toMatch(/aaaa/);
  });

  it.each([
    ['', 'token_missing'],
    ['abc', 'token_garbled'],
    [sha(token('a')), 'token_garbled'],
    [`${token('a')}a`, 'token_garbled'],
    [token('a').slice(0, -1), 'token_garbled'],
    [` ${token('a')}`, 'token_garbled'],
    [token('A'), 'token_unknown'],
  ])('refuses %j', (text, code) => {
    const both = state({ hoge: ['a'] });
    expect(judgeTeamToken(text, { live: both, newest: both })).toMatchObject({ kind: 'unauthorized', code });
  });
});

it('tells what is meant to be a token of a team', () => {
  expect([token('a'), 'kokoa_team_', 'eyJhbGciOi', ''].map(looksLikeTeamToken)).toEqual([true, true, false, false]);
});
