// `certs import`.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CertificateMaker, createCertificateMaker } from '../test/certificate-maker.ts';
import { createCertsDir } from './adapters/certs-dir.ts';
import { importCertificate } from './import-certificate.ts';

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
  ['the key as certificate', { certFile: 'key' }, 'import_refused', /not_pem/],
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
