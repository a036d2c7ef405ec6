// One rule for acme.email: what git accepts, every edge accepts and hands to certbot. The two halves meet here and nowhere else.
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accountArguments } from '../agent/adapters/acme-account.ts';
import { EDGE_CONFIG_SCHEMA } from '../bundle/config-schema.ts';
import { loadFile } from '../reconciler/core/load.ts';
import schema from '../schemas/kokoa.schema.json' with { type: 'json' };

const ajv = new Ajv({ strict: false });
const inGit = ajv.compile(schema.properties.acme.properties.email);
interface EdgeSchema {
  properties: { edge: { properties: { acme: { properties: { email: object } } } } };
}
const onTheWire = ajv.compile((EDGE_CONFIG_SCHEMA as EdgeSchema).properties.edge.properties.acme.properties.email);
const server = 'https://ca.example/directory';

describe('an address that git accepts', () => {
  it.each([
    ...['ops@hoge.com', 'Ops.Team+edge@mail.hoge.co.jp', '1@a.b', `${'a'.repeat(64)}@hoge.com`],
    ...["o'x@hoge.com", 'o%x@hoge.com', '_ops@hoge.com', "'@hoge.com", '%@hoge.com', 'o-@hoge.com'],
  ])('is one for an edge: %s', (email) => {
    expect([inGit(email), onTheWire(email)]).toEqual([true, true]);
    expect(accountArguments({ server, email })).toContain(`--email=${email}`);
  });

  it('is one on the wire and for certbot, whatever it is', () => {
    const some = fc.oneof(
      fc.emailAddress(),
      fc.stringMatching(/^[ -~]{0,70}@[ -~]{0,70}$/),
      fc.stringMatching(/^[a-z0-9!#$%&'*+/=?^_`{|}~.-]{1,70}@[a-z0-9.-]{1,200}$/),
    );
    fc.assert(
      fc.property(some, (email) => {
        fc.pre(inGit(email) === true);
        expect(onTheWire(email)).toBe(true);
        expect(accountArguments({ server, email })).toContain(`--email=${email}`);
      }),
      { numRuns: 300 },
    );
  });
});

it.each([
  '-ops@hoge.com',
  '--@hoge.com',
  '.ops@hoge.com',
  'ops..x@hoge.com',
  'ops@hoge',
  'ops@-hoge.com',
  'a b@hoge.com',
  'o(x@hoge.com',
  'a@hoge.com,b@hoge.com',
  `${'a'.repeat(65)}@hoge.com`,
])('refuses %s at its place', (email) => {
  const text = `acme:\n  email: '${email}'\n  server: ${server}\n`;
  const { problems } = loadFile('kokoa.yaml', 'b', new TextEncoder().encode(text));
  expect(problems.filter(({ line }) => line === 2)).toMatchObject([
    { rule: 'KK115', column: 10, message: expect.stringContaining(email.slice(0, 20)), hint: expect.any(String) },
  ]);
});

it.each(['-ops@hoge.com', '--help@hoge.com'])('is no option of certbot even if a reconciler signs it: %s', (email) => {
  expect(onTheWire(email)).toBe(false);
  expect(() => accountArguments({ server, email })).toThrow('malformed');
});
