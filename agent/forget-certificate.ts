// `kokoa-agent certs forget`: takes an imported certificate off this edge again. Law: only what a person imported goes; what the pool handed
// over, ordered here or sent with a route, comes and goes by itself.
import { KokoaError } from '../bundle/error.ts';
import type { CertificateSource, CertificateStore } from './ports/certificate-store.ts';

const NAMES_MAX = 5;
const CAME_BY: Readonly<Record<Exclude<CertificateSource, 'imported'>, string>> = {
  ordered: 'was ordered by this edge',
  relayed: 'came from the pool',
  given: 'was given for its route',
};

/** @throws KokoaError not_imported, certificate_store_failed */
export async function forgetCertificate(hostname: string, store: CertificateStore): Promise<void> {
  const { held } = await store.list();
  const found = held.find((one) => one.hostname === hostname);
  if (found?.source === 'imported' && (await store.remove(hostname))) return;
  const imported = held.filter(({ source }) => source === 'imported').map((one) => one.hostname);
  const more = imported.length > NAMES_MAX ? ` and ${imported.length - NAMES_MAX} more` : '';
  const why =
    found === undefined || found.source === 'imported'
      ? 'this edge holds no imported certificate of that name'
      : `the certificate of ${hostname} ${CAME_BY[found.source]} and was not imported`;
  throw new KokoaError('not_imported', why, {
    hint: `imported here: ${imported.length === 0 ? 'none' : `${imported.slice(0, NAMES_MAX).join(', ')}${more}`}`,
  });
}
