// The wiring of a node's certificates: the store that they are in, and who orders and shares them. Nothing is decided here.
import { join } from 'node:path';
import { type WorkerAccount, workerAccount } from './adapters/accounts.ts';
import { age } from './adapters/age.ts';
import { createCaStandingFile } from './adapters/ca-standing-file.ts';
import { createCertbot } from './adapters/certbot.ts';
import { createCertsDir } from './adapters/certs-dir.ts';
import { monotonicMs } from './adapters/monotonic.ts';
import type { NodeKeys } from './adapters/node-keys.ts';
import { createPoolKeyring } from './adapters/pool-keyring.ts';
import { openRecipientBook } from './adapters/recipient-book.ts';
import { createRenewalInfo } from './adapters/renewal-info.ts';
import { createUnwantedFile } from './adapters/unwanted-file.ts';
import { type CertificatesDependencies, createCertificates } from './certificates.ts';
import { clockDoubt } from './core/clock-doubt.ts';
import type { CertificateStore } from './ports/certificate-store.ts';
import type { ControlPlane } from './ports/control-plane.ts';
import type { Settings } from './ports/settings.ts';

/** The certificates held by the edge whose state this is. */
export async function openCertificateStore(stateDir: string): Promise<CertificateStore> {
  return openStore(stateDir, await workerIfRoot());
}

/** Only root can give files and processes to another account. */
export async function workerIfRoot(): Promise<WorkerAccount | undefined> {
  return process.getuid?.() === 0 ? workerAccount().catch(() => undefined) : undefined;
}

export function openStore(stateDir: string, worker: WorkerAccount | undefined): CertificateStore {
  return createCertsDir({ dir: join(stateDir, 'certs'), ...(worker && { gid: worker.gid }) });
}

export function openCertificates(
  stateDir: string,
  settings: Settings,
  keys: NodeKeys,
  parts: Pick<CertificatesDependencies, 'log' | 'store' | 'shown' | 'onAccount'> & { control: ControlPlane },
) {
  return createCertificates({
    ...parts,
    signingKey: keys.signingKey,
    ageIdentity: keys.identity,
    caStanding: createCaStandingFile(stateDir),
    renewalInfo: createRenewalInfo({ ...(settings.acmeCaFile && { caFile: settings.acmeCaFile }) }),
    unwanted: createUnwantedFile(join(stateDir, 'unwanted-certificates.json')),
    monotonicMs,
    ca: createCertbot({ binary: 'certbot', stateDir, ...(settings.acmeCaFile && { caFile: settings.acmeCaFile }) }),
    keyring: createPoolKeyring(join(stateDir, 'pool.key')),
    book: openRecipientBook(stateDir),
    approvalIsRequired: settings.approveRecipients === true,
    sealing: age,
    now: Date.now,
    isClockWrong: () => clockDoubt({ nowMs: Date.now(), serverMs: parts.control.serverTime()?.ms }) !== undefined,
  });
}
