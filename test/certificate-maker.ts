// Certificates for tests, made by openssl: real chains with any name, time or fault. Everything lives in one temp folder.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

const OPENSSL_TIMEOUT_MS = 20_000;

export interface LeafRequest {
  /** Subject alternative names, e.g. `DNS:app.hoge.com`. */
  names: string[];
  notBefore?: Date;
  notAfter?: Date;
  /** Arguments of `openssl genpkey`; P-256 by default. */
  keyArguments?: string[];
  /** Further lines of the extension section. */
  extensions?: string[];
  ca?: boolean;
}

export interface MadeCertificate {
  /** The leaf alone. */
  leaf: string;
  /** Leaf and issuer. */
  fullchain: string;
  key: string;
}

export interface CertificateMaker {
  folder: string;
  issuer: string;
  make(request: LeafRequest): Promise<MadeCertificate>;
  /** The files of one certificate for a server of the test's own. */
  files(request: LeafRequest): Promise<{ certFile: string; keyFile: string }>;
  issuerFile: string;
  close(): Promise<void>;
}

const P256 = ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'];

/** A CA of its own in a temp folder. */
export async function createCertificateMaker(name = 'test CA'): Promise<CertificateMaker> {
  const folder = await mkdtemp(join(tmpdir(), 'kokoa-ca-'));
  const issuerFile = join(folder, 'ca.pem');
  const issuerKey = join(folder, 'ca.key');
  await openssl('genpkey', ...P256, '-out', issuerKey);
  await openssl('req', '-x509', '-new', '-key', issuerKey, '-subj', `/CN=${name}`, '-days', '3650', '-out', issuerFile);
  const issuer = await readFile(issuerFile, 'utf8');
  let count = 0;

  async function files(request: LeafRequest): Promise<{ certFile: string; keyFile: string }> {
    count += 1;
    const path = join(folder, `leaf-${count}`);
    await openssl('genpkey', ...(request.keyArguments ?? P256), '-out', `${path}.key`);
    // openssl's database of what it issued: one per certificate, so that several can be made at once.
    await writeFile(`${path}.index`, '');
    await writeFile(`${path}.cnf`, configuration(folder, path, request));
    await openssl('req', '-new', '-key', `${path}.key`, '-subj', '/', '-out', `${path}.csr`);
    await openssl(
      ...['ca', '-batch', '-notext', '-config', `${path}.cnf`, '-md', 'sha256'],
      ...['-cert', issuerFile, '-keyfile', issuerKey, '-in', `${path}.csr`, '-out', `${path}.pem`],
      ...['-startdate', opensslTime(request.notBefore ?? new Date(Date.now() - 3_600_000))],
      ...['-enddate', opensslTime(request.notAfter ?? new Date(Date.now() + 90 * 86_400_000))],
    );
    return { certFile: `${path}.pem`, keyFile: `${path}.key` };
  }

  return {
    folder,
    issuer,
    issuerFile,
    files,
    async make(request) {
      const { certFile, keyFile } = await files(request);
      const leaf = await readFile(certFile, 'utf8');
      return { leaf, fullchain: `${leaf}${issuer}`, key: await readFile(keyFile, 'utf8') };
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

function configuration(folder: string, path: string, { names, extensions = [], ca = false }: LeafRequest): string {
  return `[ca]
default_ca = own
[own]
database = ${path}.index
rand_serial = yes
new_certs_dir = ${folder}
policy = anything
x509_extensions = leaf
email_in_dn = no
[anything]
commonName = optional
[leaf]
basicConstraints = CA:${ca ? 'TRUE' : 'FALSE'}
${names.length > 0 ? `subjectAltName = ${names.join(',')}` : ''}
${extensions.join('\n')}
`;
}

function opensslTime(date: Date): string {
  return date.toISOString().replace(/[-:T]|\.\d+/g, '');
}

async function openssl(...args: string[]): Promise<void> {
  await execa('openssl', args, { timeout: OPENSSL_TIMEOUT_MS, stdin: 'ignore' });
}
