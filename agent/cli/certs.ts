// `kokoa-agent certs import`: a certificate a person brings to this edge. Law: only a machine that has joined keeps one.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { trustedDir } from '../adapters/trusted-dir.ts';
import { importCertificate } from '../import-certificate.ts';
import { openCertificateStore } from '../node.ts';
import type { Settings } from '../ports/settings.ts';
import { readJoined } from './open-joined.ts';

export function registerCerts(program: Command): void {
  const certs = program.command('certs').description('certificates held by this edge');
  certs
    .command('import')
    .description('use this certificate for HOST on this edge; it stays on this machine')
    .argument('<host>', 'hostname, e.g. app.hoge.com or *.hoge.com')
    .requiredOption('--cert <file>', 'PEM file: the certificate, then its issuers')
    .requiredOption('--key <file>', 'PEM file: the private key')
    .action(async (hostname: string, { cert, key }: { cert: string; key: string }) => {
      const stateDir = resolve(program.opts<{ state: string }>().state);
      const settings = await readJoined(stateDir);
      const certsDir = await openCertificateStore(stateDir);
      const accepted = await importCertificate({ hostname, certFile: cert, keyFile: key, certsDir, now: Date.now() });
      console.log(`${hostname}: certificate stored, valid until ${new Date(accepted.notAfter).toISOString()}`);
      if (await hasNoRoute(stateDir, settings, hostname))
        console.log('no route of that name here: it is used as soon as one comes');
    });
}

/** False where nothing was accepted yet: then nobody knows. */
async function hasNoRoute(directory: string, { node, fingerprint }: Settings, hostname: string): Promise<boolean> {
  const bundle = await trustedDir({ directory, node, fingerprint }).accepted();
  return bundle?.chunks.every(({ routes }) => routes.every((route) => route.hostname !== hostname)) ?? false;
}
