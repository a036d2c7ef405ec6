// `kokoa-agent certs import`: a certificate a person brings to this edge.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { importCertificate } from '../import-certificate.ts';
import { openCertificateStore } from '../node.ts';

export function registerCerts(program: Command): void {
  const certs = program.command('certs').description('certificates held by this edge');
  certs
    .command('import')
    .description('use this certificate for HOST on this edge; it stays on this machine')
    .argument('<host>', 'hostname, e.g. app.hoge.com or *.hoge.com')
    .requiredOption('--cert <file>', 'PEM file: the certificate, then its issuers')
    .requiredOption('--key <file>', 'PEM file: the private key')
    .action(async (hostname: string, { cert, key }: { cert: string; key: string }) => {
      const certsDir = await openCertificateStore(resolve(program.opts<{ state: string }>().state));
      const accepted = await importCertificate({ hostname, certFile: cert, keyFile: key, certsDir, now: Date.now() });
      console.log(`${hostname}: certificate stored, valid until ${new Date(accepted.notAfter).toISOString()}`);
    });
}
