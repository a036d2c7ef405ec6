// The lab's own certificate authority, for the servers that are there before any edge: control, git and the CA's API. Made by openssl,
// good for one run. What visitors verify comes from Pebble instead.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { KokoaError } from '../bundle/error.ts';
import type { Run } from './run.ts';

const VALID_DAYS = 30;
const OPENSSL_TIMEOUT_MS = 10_000;

export interface CertificateFiles {
  certFile: string;
  /** Mode 0600. */
  keyFile: string;
}

export interface Pki {
  /** PEM of the root, as a file and as text. */
  readonly caFile: string;
  readonly caPem: string;
  /** Makes a server certificate. The first name is also its subject. @throws KokoaError lab_openssl_failed */
  certificate(names: readonly string[], addresses?: readonly string[]): Promise<CertificateFiles>;
}

/** Makes the root (EC P-256). @throws KokoaError lab_openssl_failed */
export async function createPki(run: Run): Promise<Pki> {
  const folder = join(run.directory, 'pki');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const caFile = join(folder, 'ca.pem');
  const caKeyFile = join(folder, 'ca.key');
  const extensions = ['basicConstraints = critical, CA:TRUE', 'keyUsage = critical, keyCertSign, cRLSign'];
  await issue('Kokoa lab root', extensions, { certFile: caFile, keyFile: caKeyFile });
  return {
    caFile,
    caPem: readFileSync(caFile, 'utf8'),
    certificate: async (names, addresses = []) => {
      const subject = names[0] ?? addresses[0];
      if (subject === undefined) throw new TypeError('a certificate needs a name or an address');
      const files = { certFile: join(folder, `${subject}.pem`), keyFile: join(folder, `${subject}.key`) };
      const alternatives = [...names.map((name) => `DNS:${name}`), ...addresses.map((address) => `IP:${address}`)];
      const leaf = [
        'basicConstraints = critical, CA:FALSE',
        'extendedKeyUsage = serverAuth',
        'authorityKeyIdentifier = keyid',
        `subjectAltName = ${alternatives.join(', ')}`,
      ];
      await issue(subject, leaf, files, ['-CA', caFile, '-CAkey', caKeyFile]);
      return files;
    },
  };
}

async function issue(
  subject: string,
  extensions: readonly string[],
  files: CertificateFiles,
  signer: readonly string[] = [],
): Promise<void> {
  const configFile = `${files.certFile}.cnf`;
  const sections = [
    '[req]\ndistinguished_name = subject\nprompt = no\nx509_extensions = extensions',
    `[subject]\nCN = ${subject}`,
    `[extensions]\nsubjectKeyIdentifier = hash\n${extensions.join('\n')}`,
  ];
  writeFileSync(configFile, `${sections.join('\n')}\n`);
  // openssl creates the key file itself, readable by its owner alone.
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-keyout', files.keyFile];
  const args = ['req', '-x509', ...key, '-days', String(VALID_DAYS), '-config', configFile, ...signer];
  const result = await execa('openssl', [...args, '-out', files.certFile], {
    reject: false,
    timeout: OPENSSL_TIMEOUT_MS,
  });
  if (result.exitCode !== 0) {
    throw new KokoaError('lab_openssl_failed', `certificate for ${subject}: ${result.stderr || result.shortMessage}`);
  }
}
