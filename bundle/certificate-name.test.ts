// Hostnames as paths and arguments.
import { basename, join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { certificateFolder, hostnameOfFolder, isCanonicalHostname } from './certificate-name.ts';

test.each(['app.hoge.com', '*.hoge.com', 'a.b', 'xn--eckwd4c7cu47r2wf.jp', `${'a'.repeat(63)}.com`])(
  '%s is canonical',
  (name) => {
    expect(isCanonicalHostname(name)).toBe(true);
    expect(hostnameOfFolder(certificateFolder(name))).toBe(name);
  },
);

test.each([
  '',
  'com',
  'A.com',
  'a.com.',
  '.a.com',
  '-a.com',
  'a-.com',
  'a..com',
  'a.*.com',
  '**.com',
  `${'a'.repeat(64)}.com`,
  7,
  null,
])('%j is not', (name) => expect(isCanonicalHostname(name)).toBe(false));

test('no text that passes leaves its folder, hides, or looks like an option', () => {
  const text = fc.oneof(fc.string({ maxLength: 300 }), fc.stringMatching(/^[-*._/a-z]{1,30}$/), fc.domain());
  fc.assert(
    fc.property(text, (name) => {
      if (!isCanonicalHostname(name)) return;
      const folder = certificateFolder(name);
      expect(basename(join('/certs', folder))).toBe(folder);
      expect(folder).toMatch(/^[a-z0-9_]/);
    }),
  );
});
