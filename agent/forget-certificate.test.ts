// `certs forget`.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CertificateMaker, createCertificateMaker } from '../test/certificate-maker.ts';
import { createCertsDir } from './adapters/certs-dir.ts';
import { forgetCertificate } from './forget-certificate.ts';

let maker: CertificateMaker;
let folder: string;

beforeAll(async () => {
  maker = await createCertificateMaker();
  folder = await mkdtemp(join(tmpdir(), 'kokoa-forget-'));
});
afterAll(async () => {
  await maker.close();
  await rm(folder, { recursive: true });
});

test('what was imported goes with its key, once', async () => {
  const store = createCertsDir({ dir: join(folder, 'imported') });
  await store.write('*.hoge.com', await maker.make({ names: ['DNS:*.hoge.com'] }), 'imported');
  await forgetCertificate('*.hoge.com', store);
  expect(await store.list()).toEqual({ held: [], strange: [] });
  await expect(forgetCertificate('*.hoge.com', store)).rejects.toMatchObject({
    code: 'not_imported',
    hint: 'imported here: none',
  });
});

test.each(['ordered', 'relayed', 'given'] as const)('what was %s stays', async (source) => {
  const store = createCertsDir({ dir: join(folder, source) });
  const made = await maker.make({ names: ['DNS:app.hoge.com', 'DNS:own.hoge.com'] });
  await store.write('app.hoge.com', made, source);
  await store.write('own.hoge.com', made, 'imported');
  await expect(forgetCertificate('app.hoge.com', store)).rejects.toMatchObject({
    code: 'not_imported',
    message: expect.stringContaining('app.hoge.com'),
    hint: 'imported here: own.hoge.com',
  });
  expect((await store.list()).held).toHaveLength(2);
});
