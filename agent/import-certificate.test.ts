// `certs import`.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CertificateMaker, createCertificateMaker, type LeafRequest } from '../test/certificate-maker.ts';
import { createCertsDir } from './adapters/certs-dir.ts';
import { importCertificate } from './import-certificate.ts';

const WEAK = ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024'];
let maker: CertificateMaker;
let folder: string;

beforeAll(async () => {
  maker = await createCertificateMaker();
  folder = await mkdtemp(join(tmpdir(), 'kokoa-import-'));
});
afterAll(async () => {
  await maker.close();
  await rm(folder, { recursive: true });
});

test('a wildcard certificate is stored for this edge alone', async () => {
  const certsDir = createCertsDir({ dir: join(folder, 'certs') });
  const files = await maker.files({ names: ['DNS:*.hoge.com'] });
  const accepted = await importCertificate({ hostname: '*.hoge.com', ...files, certsDir, now: Date.now() });
  expect(accepted.notAfter).toBeGreaterThan(Date.now());
  expect((await certsDir.list()).held).toMatchObject([{ hostname: '*.hoge.com', source: 'imported' }]);
  expect((await certsDir.read('*.hoge.com'))?.fullchain).toBe(await readFile(files.certFile, 'utf8'));
});

test.each<[string, Record<string, string>, string, RegExp]>([
  ['another name', { hostname: 'else.example' }, 'import_refused', /wrong_name: it is for DNS:app\.hoge\.com/],
  ['a name in upper case', { hostname: 'APP.hoge.com' }, 'import_refused', /bad_hostname/],
  ['a name of one label', { hostname: 'hoge' }, 'import_refused', /bad_hostname: hoge has one label/],
  ['a name with an underscore', { hostname: 'foo_bar.hoge.com' }, 'import_refused', /bad_hostname: .*foo_bar/],
  ['a name with a dot at its end', { hostname: 'app.hoge.com.' }, 'import_refused', /bad_hostname: .*dot/],
  ['a wildcard in the middle', { hostname: 'app.*.com' }, 'import_refused', /bad_hostname: .*\*/],
  ['an address', { hostname: 'https://app.hoge.com' }, 'import_refused', /bad_hostname: /],
  ['the key as certificate', { certFile: 'key' }, 'import_refused', /not_pem: .*leaf-\d+\.key/],
  ['the certificate as key', { keyFile: 'cert' }, 'import_refused', /bad_key/],
  ['a file that is not there', { certFile: 'absent' }, 'import_unreadable', /absent: ENOENT/],
  ['a file that is too large', { keyFile: 'large' }, 'import_unreadable', /more than/],
  ['a folder', { keyFile: '.' }, 'import_unreadable', /EISDIR/],
])('%s is refused, with the reason, and nothing is stored', async (_title, change, code, message) => {
  const certsDir = createCertsDir({ dir: join(folder, 'refused') });
  const { certFile, keyFile } = await maker.files({ names: ['DNS:app.hoge.com'] });
  await writeFile(join(folder, 'large'), 'x'.repeat(1_000_000));
  const named: Record<string, string> = {
    key: keyFile,
    cert: certFile,
    absent: join(folder, 'absent'),
    large: join(folder, 'large'),
    '.': folder,
  };
  const path = (name: string | undefined, otherwise: string) => (name === undefined ? otherwise : named[name]!);
  const request = {
    hostname: change.hostname ?? 'app.hoge.com',
    certFile: path(change.certFile, certFile),
    keyFile: path(change.keyFile, keyFile),
    certsDir,
    now: Date.now(),
  };
  const failure = await importCertificate(request).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code });
  expect((failure as Error).message).toMatch(message);
  expect((failure as Error).message).not.toContain('PRIVATE KEY');
  expect((await certsDir.list()).held).toEqual([]);
});

test.each<[string, LeafRequest, RegExp]>([
  ['has ended', { names: ['DNS:app.hoge.com'], notAfter: new Date(Date.now() - 60_000) }, /renewed one/],
  ['has a weak key', { names: ['DNS:app.hoge.com'], keyArguments: WEAK }, /2048/],
])('a certificate that %s is refused with what to do', async (_, made, hint) => {
  const certsDir = createCertsDir({ dir: join(folder, 'refused') });
  const files = await maker.files(made);
  const failure = importCertificate({ hostname: 'app.hoge.com', ...files, certsDir, now: Date.now() });
  await expect(failure).rejects.toMatchObject({ code: 'import_refused', hint: expect.stringMatching(hint) });
});
