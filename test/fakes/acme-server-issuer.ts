// The certificates of the ACME server of the tests: signed by openssl over the request's own key, or wrong in the one way that the test wants.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { type CertificateMaker, createCertificateMaker } from '../certificate-maker.ts';
import type { CertificateFault } from './acme-server-faults.ts';

const OPENSSL_TIMEOUT_MS = 20_000;
const HOUR_MS = 3_600_000;

export interface IssueRequest {
  /** DER of a PKCS #10 request. */
  csr: Buffer;
  /** As ordered; the request must have the same. */
  names: readonly string[];
  now: number;
  lifetimeMs: number;
  fault: CertificateFault | undefined;
}

export interface Issued {
  /** PEM: leaf and issuer. */
  fullchain: string;
  /** RFC 9773 §4.1, by what openssl reads in the certificate. */
  certId: string;
  notBefore: number;
  notAfter: number;
}

export interface Issuer {
  /** @throws Error when the request's names or signature are not right */
  issue(request: IssueRequest): Promise<Issued>;
  close(): Promise<void>;
}

export async function createIssuer(): Promise<Issuer> {
  const [maker, foreign] = await Promise.all([createCertificateMaker('ACME CA'), createCertificateMaker('another CA')]);
  let count = 0;
  return {
    async issue({ csr, names, now, lifetimeMs, fault }) {
      count += 1;
      const path = join(maker.folder, `order-${count}`);
      await writeFile(`${path}.der`, csr);
      await openssl('req', '-inform', 'DER', '-in', `${path}.der`, '-out', `${path}.csr`);
      await mustAskFor(`${path}.csr`, names);
      const times = timesOf(now, lifetimeMs, fault);
      const dates = { notBefore: new Date(times.notBefore), notAfter: new Date(times.notAfter) };
      const certified = fault === 'other_name' ? ['else.example'] : names;
      const leaf =
        fault === 'other_key'
          ? (await maker.make({ names: names.map((name) => `DNS:${name}`), ...dates })).leaf
          : await sign(maker, path, certified, dates);
      const certId = await certIdOf(leaf, path);
      return { fullchain: `${leaf}${(fault === 'broken_chain' ? foreign : maker).issuer}`, certId, ...times };
    },
    async close() {
      await Promise.all([maker.close(), foreign.close()]);
    },
  };
}

function timesOf(now: number, lifetimeMs: number, fault: CertificateFault | undefined) {
  // Let's Encrypt backdates by an hour; a short-lived certificate by less.
  const backMs = Math.min(HOUR_MS, lifetimeMs / 100);
  const aheadMs = fault === 'not_yet_valid' ? 2 * HOUR_MS : fault === 'ended' ? -lifetimeMs - HOUR_MS : 0;
  // An X.509 time has whole seconds.
  const notBefore = Math.floor((now + aheadMs - backMs) / 1000) * 1000;
  return { notBefore, notAfter: notBefore + Math.floor(lifetimeMs / 1000) * 1000 };
}

async function mustAskFor(csrFile: string, names: readonly string[]): Promise<void> {
  const text = await openssl('req', '-in', csrFile, '-noout', '-text', '-verify');
  const asked = [...text.matchAll(/DNS:([^,\s]+)/g)].map(([, name]) => name);
  if (asked.sort().join() !== [...names].sort().join())
    throw new Error(`asked for ${asked.join()}, ordered ${names.join()}`);
}

async function sign(
  { folder, issuerFile }: CertificateMaker,
  path: string,
  names: readonly string[],
  { notBefore, notAfter }: { notBefore: Date; notAfter: Date },
): Promise<string> {
  await writeFile(`${path}.index`, '');
  await writeFile(
    `${path}.cnf`,
    `[ca]
default_ca = own
[own]
database = ${path}.index
rand_serial = yes
new_certs_dir = ${folder}
policy = anything
x509_extensions = leaf
email_in_dn = no
unique_subject = no
[anything]
commonName = optional
[leaf]
basicConstraints = critical,CA:FALSE
authorityKeyIdentifier = keyid:always
extendedKeyUsage = serverAuth
subjectAltName = ${names.map((name) => `DNS:${name}`).join(',')}
`,
  );
  await openssl(
    ...['ca', '-batch', '-notext', '-config', `${path}.cnf`, '-md', 'sha256', '-subj', '/'],
    ...['-cert', issuerFile, '-keyfile', join(folder, 'ca.key'), '-in', `${path}.csr`, '-out', `${path}.pem`],
    ...['-startdate', opensslTime(notBefore), '-enddate', opensslTime(notAfter)],
  );
  return readFile(`${path}.pem`, 'utf8');
}

/** By openssl's words alone: the client's reading of the certificate is held against this one. */
async function certIdOf(leaf: string, path: string): Promise<string> {
  await writeFile(`${path}.leaf`, leaf);
  const text = await openssl('x509', '-in', `${path}.leaf`, '-noout', '-serial', '-ext', 'authorityKeyIdentifier');
  const serial = /^serial=([0-9A-F]+)$/m.exec(text)?.[1] ?? '';
  const keyIdentifier = /([0-9A-F]{2}(?::[0-9A-F]{2}){7,})/.exec(text)?.[1]?.replaceAll(':', '') ?? '';
  // A DER integer whose first bit is set has a zero before it (X.690 §8.3).
  const integer = /^[89A-F]/.test(serial) ? `00${serial}` : serial;
  return `${Buffer.from(keyIdentifier, 'hex').toString('base64url')}.${Buffer.from(integer, 'hex').toString('base64url')}`;
}

function opensslTime(date: Date): string {
  return date.toISOString().replace(/[-:T]|\.\d+/g, '');
}

async function openssl(...args: string[]): Promise<string> {
  const { stdout } = await execa('openssl', args, { timeout: OPENSSL_TIMEOUT_MS, stdin: 'ignore' });
  return stdout;
}
