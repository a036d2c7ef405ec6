import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withoutSecrets } from './secret-parts.ts';
import { FILE_BYTES_MAX } from './yaml-text.ts';

const ROUTE = 'hostname: app.hoge.com\norigin: home\nport: 8080\n';

describe('withoutSecrets', () => {
  it.each([
    'auth:\n  basic:\n    users:\n      alice: hunter2\n',
    'auth:\n  basic:\n    users:\n      hunter2: x\n',
    'auth:\n  basic:\n    users: |\n      alice:hunter2\n\n      # hunter2\n      bob:hunter2\r\n',
    'auth:\n  basic:\n    users:\n    - {name: alice, password: hunter2}\n',
    'auth:\n  basic:\n    users:\n      pool: hunter2\n      host: hunter2\n',
    'auth:\n  basic:\n    password: hunter2\n',
    'auth:\n  basic: hunter2\n',
    'auth:\n  basic: [alice, hunter2]\n',
    'auth:\n  alice: hunter2\n',
    'auth: hunter2\n',
    'auth: {basic: {users: {alice: hunter2}}}\n',
    '"auth": {"basic": {"users": {\n  "alice": "hunter2"}}}\n',
    'auth:\n  basic:\n    users:\nalice:hunter2\n\nbob:hunter2\n',
    'auth:\n basic:\n users:\n alice: hunter2\n',
    'auth:\n\tbasic:\n\t\tusers: hunter2\n',
    'auth:\n  forward: {origin: home, port: 1, path: /a}\n  basic:\n    users: hunter2\n',
    'paths:\n  - prefix: /a\n    auth:\n      basic:\n        users:\n          alice: hunter2\n',
    'basicAuth:\n  alice: hunter2\n',
    'users:\n  - alice:hunter2\n',
    'password: hunter2\n',
    'headers:\n  request:\n    set:\n      X-Thing: hunter2\n      X-Other: >-\n        hunter2\n',
    'headers: {request: {set: {X-Thing: hunter2}}}\n',
    '# password: hunter2\n',
    '# API_KEY=hunter2\n',
    'token: hunter2\n',
    'redirect: {to: https://user:hunter2@hoge.com}\n',
  ])('shows no password of %j, and the rest as it is', (lines) => {
    const text = `${ROUTE}${lines}`;
    const shown = withoutSecrets(text);
    expect(shown).not.toMatch(/hunter|alice/);
    expect(shown.length).toBe(text.length);
    expect(shown.replace(/[^\n]/g, '')).toBe(text.replace(/[^\n]/g, ''));
    expect(shown.startsWith(ROUTE)).toBe(true);
    expect(withoutSecrets(shown)).toBe(shown);
  });

  it.each([
    'auth:\n  forward:\n    origin: home\n    port: 4180\n    path: /oauth2/auth\n',
    'auth: {forward: {origin: home, port: 4180, path: /oauth2/auth}}\n',
    'headers:\n  request:\n    remove: [X-Thing]\nhsts: {maxAge: 0}\n',
    'sealing:\n  recipient: age1x\n',
    'paths:\n  - prefix: /users\n    public: true\n',
  ])('shows all of %j', (text) => {
    expect(withoutSecrets(text)).toBe(text);
  });

  it.each([
    [
      '  - {name: a.example, provider: cloudflare, credentials: {file: hunter2}, wildcard: true}',
      '  - {name: a.example, provider: cloudflare, credentials: *file: ********, wildcard: true}',
    ],
    [
      '  - {name: a.example, credentials: hunter2, provider: cloudflare}',
      '  - {name: a.example, credentials: *******, provider: cloudflare}',
    ],
    ['  - {prefix: /a, auth: {basic: {users: {pool: hunter2, host: hunter2}}}, public: true}', undefined],
    ["  - {credentials: 'hunter2, name: x', provider: manual}", undefined],
    ['  - {credentials: {file: a}, server: 192.0.2.1, credentials: hunter2, provider: manual}', undefined],
  ])('in a flow map only the value of a secret is hidden: %s', (line, expected) => {
    const shown = withoutSecrets(`zones:\n${line}`).split('\n')[1]!;
    expect(shown).not.toContain('hunter');
    expect(shown.length).toBe(line.length);
    expect(shown).toMatch(/, (?:wildcard: true|provider: \w+|public: true)\}$/);
    if (expected !== undefined) expect(shown).toBe(expected);
  });

  it.each([
    'zones:\n  - {name: a.example, credentials: hunter2\n',
    'zones:\n  - {name: a.example, credentials: {file: hunter2, server: hunter2\n',
    "zones:\n  - {credentials: 'hunter2, server: hunter2\n",
    'zones:\n  - {credentials: hunter2, hunter2: x, alice: hunter2}\n',
    'zones:\n  - {credentials: x, headers: {request: {set: {X-A: hunter2}}}}\n',
    'zones:\n  - {credentials: {file: x}}, server: hunter2}\n',
    'credentials: x, server: hunter2\n',
    'zones:\n  - {credentials: "x\\", server: hunter2", provider: manual\n',
  ])('in a flow map that does not end, or goes on with a name of nobody, all is hidden: %j', (text) => {
    const shown = withoutSecrets(text);
    expect(shown).not.toMatch(/hunter|alice/);
    expect(withoutSecrets(shown)).toBe(shown);
  });

  it('shows again what follows, and the names that the schema has', () => {
    expect(
      withoutSecrets(
        'auth:\n  basic:\n    users:\n      file: Wiki Users\n      alice: x\nlimits: {burst: 1}\nheaders:\n  request:\n    set:\n      X-A: b\n    remove: [B]\n',
      ),
    ).toBe(
      'auth:\n  basic:\n    users:\n      file: **** *****\n      ****** *\nlimits: {burst: 1}\nheaders:\n  request:\n    set:\n      X-A: *\n    remove: [B]\n',
    );
  });

  it('keeps length and lines of any text', () => {
    const part = fc.constantFrom(
      'auth:',
      'basic:',
      'users',
      ':',
      '\n',
      '  ',
      'forward:',
      'set:',
      '{',
      'x',
      '\r\n',
      '- ',
      '"',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(part, fc.string({ unit: 'binary' })), { maxLength: 40 }), (parts) => {
        const text = parts.join('');
        const shown = withoutSecrets(text);
        expect(shown.length).toBe(text.length);
        expect(shown.replace(/[^\n]/g, '')).toBe(text.replace(/[^\n]/g, ''));
      }),
    );
  });

  it.each([
    'users',
    'password-',
    'token ',
    'auth: ',
    ' ',
    '- ',
    'set:',
    '"',
    'a\n',
    'users:\n',
    'file: ',
    '{credentials: x, server: y, ',
  ])('looks at a whole file of %j in bounded time', (unit) => {
    const start = performance.now();
    withoutSecrets(unit.repeat(Math.floor(FILE_BYTES_MAX / unit.length)));
    expect(performance.now() - start).toBeLessThan(5_000);
  });
});
