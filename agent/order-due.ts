// What is due here: the certificates that this edge orders and lacks, or that are to be renewed. One answer for the plan, the choice of the CA and
// the account.
import type { EdgeConfig } from '../bundle/config.ts';
import type { CertificateShelf } from './certificate-shelf.ts';
import { standingAgainst } from './core/own-certificate.ts';
import { type Held, heldOf } from './core/renewal.ts';

export interface DueParts {
  view(): DueView | undefined;
  shelf: Pick<CertificateShelf, 'get'>;
  /** ms: when the CA itself suggests to renew what is held of this name, if it does. */
  suggestedAt?(name: string): number | undefined;
  now(): number;
}

interface DueView {
  config: Pick<EdgeConfig, 'node' | 'edge'>;
  /** Certificate name → its orderer. */
  certificates: ReadonlyMap<string, string | undefined>;
}

/** What orders are to know of a certificate that is held. */
export function heldNow(name: string, { view, shelf, suggestedAt, now }: DueParts): Held | undefined {
  const config = view()?.config;
  const compromised = config?.edge.compromised;
  const place = { name, node: config?.node ?? '', compromised, suggestedAtMs: suggestedAt?.(name) };
  return heldOf(standingAgainst(shelf.get(name), view()?.certificates.get(name)), place, now());
}

/** ms. */
interface Due {
  endsMs: number;
  lifetimeMs: number;
}

/** The certificates that this edge is to order now; of one that is not there no end and no lifetime is known: both are Infinity. */
export function dueOf({ config, certificates }: DueView, dependencies: DueParts): Due[] {
  const atMs = dependencies.now();
  return [...certificates].flatMap(([name, orderer]) => {
    const held = orderer === config.node ? heldNow(name, dependencies) : undefined;
    if (orderer !== config.node || (held && held.renewMs > atMs)) return [];
    const { notBefore = -Infinity, notAfter = Infinity } = (held && dependencies.shelf.get(name)) ?? {};
    return [{ endsMs: notAfter, lifetimeMs: notAfter - notBefore }];
  });
}
