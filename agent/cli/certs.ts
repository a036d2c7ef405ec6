// `kokoa-agent certs`: certificates that a person brings to this edge, one by one or those of a lost pool, and takes back. Law: only a machine that has joined keeps one.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { age } from '../adapters/age.ts';
import { openNodeKeys } from '../adapters/node-keys.ts';
import { isLocked } from '../adapters/state-lock.ts';
import { trustedDir } from '../adapters/trusted-dir.ts';
import { forgetCertificate } from '../forget-certificate.ts';
import { importCertificate } from '../import-certificate.ts';
import { restoreCertificates } from '../import-certificate-parcel.ts';
import { openCertificateStore } from '../node-certificates.ts';
import type { Settings } from '../ports/settings.ts';
import { agentCommand } from './agent-command.ts';
import { readJoined } from './open-joined.ts';

const SHOWN_MAX = 10;

const FORGET_HELP = `
Until the pool has handed one over, or one was ordered, visitors of that name
get no secure connection: a minute or two. For a wildcard that nobody orders,
import the next one instead, which replaces it.`;

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
      console.log('on this edge alone, and not renewed: import it on every edge of the pool, or');
      console.log('write tls.certificate into its route, which brings it to all of them.');
      console.log(`take it back: ${agentCommand(stateDir, 'certs forget')} ${shellWord(hostname)}`);
      if (await hasNoRoute(stateDir, settings, hostname)) {
        console.log('no route of that name here: it is used as soon as one comes');
        console.log('it is removed when no route has needed it for 7 days: keep the files');
      }
    });
  certs
    .command('forget')
    .description('remove an imported certificate of HOST from this edge: then the one of the pool is served again')
    .argument('<host>', 'the name that it was imported for')
    .addHelpText('after', FORGET_HELP)
    .action(async (hostname: string) => {
      const stateDir = resolve(program.opts<{ state: string }>().state);
      await readJoined(stateDir);
      await forgetCertificate(hostname, await openCertificateStore(stateDir));
      const isRunning = await isLocked(stateDir);
      console.log(`${hostname}: the imported certificate and its key are removed`);
      console.log(
        isRunning
          ? 'the agent sees it within a minute: it takes the one of the pool, or has one ordered'
          : `it takes the one of the pool, or has one ordered, after: ${agentCommand(stateDir, 'run')}`,
      );
    });
  certs
    .command('restore')
    .description('take the certificates of a pool that lost all its edges, as kokoa certs escrow-restore packed them')
    .argument('<file>', 'what it wrote for this machine')
    .addHelpText('after', '\nDo it after kokoa-agent join and before run: then nothing is ordered.')
    .action(async (file: string) => {
      const stateDir = resolve(program.opts<{ state: string }>().state);
      await readJoined(stateDir);
      const { identity: ageIdentity } = await openNodeKeys(stateDir);
      const store = await openCertificateStore(stateDir);
      const { pool, names, leftOut } = await restoreCertificates({
        file,
        ageIdentity,
        sealing: age,
        store,
        now: Date.now(),
      });
      for (const { name, reason } of leftOut.slice(0, SHOWN_MAX)) console.log(oneLine(`left out ${name}: ${reason}`));
      if (leftOut.length > SHOWN_MAX) console.log(`left out ${leftOut.length - SHOWN_MAX} more`);
      console.log(oneLine(`restored ${names.length} certificates of pool ${pool}`));
      console.log(`next: ${agentCommand(stateDir, 'run')}`);
    });
}

/** As a shell takes it: the `*` of a wildcard would be a pattern. */
function shellWord(hostname: string): string {
  return hostname.startsWith('*') ? `'${hostname}'` : hostname;
}

/** What stands in a file cannot act on a terminal. */
function oneLine(text: string): string {
  return text.replace(/[^ -~]+/g, '?');
}

/** False where nothing was accepted yet: then nobody knows. */
async function hasNoRoute(directory: string, { node, fingerprint }: Settings, hostname: string): Promise<boolean> {
  const bundle = await trustedDir({ directory, node, fingerprint }).accepted();
  return bundle?.chunks.every(({ routes }) => routes.every((route) => route.hostname !== hostname)) ?? false;
}
