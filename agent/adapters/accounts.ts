// The account that nginx workers run as, looked up in the system's own files.
import { readFile } from 'node:fs/promises';
import { KokoaError } from '../../bundle/error.ts';

/** Debian's account for web servers. */
const WORKER_ACCOUNT = 'www-data';

export interface WorkerAccount {
  account: string;
  group: string;
  gid: number;
}

/** @throws KokoaError account_missing when Debian's base files do not have it */
export async function workerAccount(): Promise<WorkerAccount> {
  const line = (await readFile('/etc/group', 'utf8'))
    .split('\n')
    .find((entry) => entry.startsWith(`${WORKER_ACCOUNT}:`));
  const gid = Number(line?.split(':')[2]);
  if (line && Number.isInteger(gid)) return { account: WORKER_ACCOUNT, group: WORKER_ACCOUNT, gid };
  throw new KokoaError('account_missing', `there is no group ${WORKER_ACCOUNT} in /etc/group`, {
    hint: 'install Debian’s nginx package, which brings it',
  });
}
