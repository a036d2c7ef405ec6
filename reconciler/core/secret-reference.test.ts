// Where references lead: never two to one place, never out of the team's own.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { SecretReference } from '../../schemas/types.ts';
import { placeOf, referenceKey, referenceName } from './secret-reference.ts';

it.each<[SecretReference, object, string]>([
  [{ file: 'wiki-users' }, { kind: 'file', team: 'hoge', name: 'wiki-users' }, 'file wiki-users'],
  [{ credential: 'wiki.users' }, { kind: 'credential', name: 'hoge.wiki.users' }, 'credential wiki.users'],
  [{ env: 'WIKI_USERS' }, { kind: 'env', variable: 'KOKOA_SECRET_HOGE__WIKI_USERS' }, 'env WIKI_USERS'],
  [{ sealed: 'YWdl' }, { kind: 'sealed', text: 'YWdl' }, 'sealed 85f10f04'],
])('%j leads to %j', (reference, place, name) => {
  expect(placeOf('hoge', reference)).toEqual(place);
  expect(referenceName(reference)).toMatch(
    name.startsWith('sealed') ? /^sealed [0-9a-f]{8}$/ : new RegExp(`^${name}$`),
  );
});

const hostile = ['../x', '/etc/passwd', '..', '.', '', 'a/b', 'a\u0000', 'A', 'a\n', '.hidden', `${'a'.repeat(65)}`];
it.each(hostile)('%j leads nowhere, as a name and as a team', (name) => {
  for (const reference of [{ file: name }, { credential: name }, { env: name === 'A' ? 'a' : name }])
    expect(placeOf('hoge', reference).kind).toBe('nowhere');
  expect(placeOf(name === 'a\n' ? 'a\n' : name, { file: 'wiki' }).kind).toBe('nowhere');
});

it('a team with two dashes in a row has no variables, because another team could name the same one', () => {
  expect(placeOf('a--b', { env: 'X' })).toEqual({ kind: 'nowhere', reason: expect.stringContaining('two dashes') });
});

const team = fc.stringMatching(/^[ab1](?:[ab1-]{0,4}[ab1])?$/);
const name = fc.stringMatching(/^[ab1](?:[ab1._-]{0,4}[ab1])?$/);
const variable = fc.stringMatching(/^[AB][AB1_]{0,5}$/);
const reference: fc.Arbitrary<SecretReference> = fc.oneof(
  name.map((file) => ({ file })),
  name.map((credential) => ({ credential })),
  variable.map((env) => ({ env })),
);

it('two teams or two names never lead to one place', () => {
  const asked = fc.record({ team, reference });
  fc.assert(
    fc.property(asked, asked, (a, b) => {
      const [one, other] = [placeOf(a.team, a.reference), placeOf(b.team, b.reference)];
      fc.pre(one.kind !== 'nowhere' && referenceKey(a.team, a.reference) !== referenceKey(b.team, b.reference));
      expect(one).not.toEqual(other);
    }),
    { numRuns: 5000 },
  );
});
