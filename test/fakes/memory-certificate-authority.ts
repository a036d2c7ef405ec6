// A CA in memory with real certificates: slow, failing or lying when told. It counts what it issued.
import type { CertificateAuthority } from '../../agent/ports/certificate-authority.ts';
import { KokoaError } from '../../bundle/error.ts';
import type { CertificateMaker, LeafRequest } from '../certificate-maker.ts';

export interface MemoryCertificateAuthority {
  /** The CA as one node uses it, with an account of its own. */
  connect(thumbprint: string): CertificateAuthority;
  /** Hostnames of the orders, in the order they came. */
  readonly orders: string[];
  /** The next `times` orders of this name fail. */
  fail(hostname: string, times: number, code?: string): void;
  /** What the CA makes for this name instead of what was asked. */
  issueInstead(hostname: string, request: LeafRequest | undefined): void;
}

export function createMemoryCertificateAuthority(maker: CertificateMaker): MemoryCertificateAuthority {
  const orders: string[] = [];
  const failing = new Map<string, { times: number; code: string }>();
  const instead = new Map<string, LeafRequest>();
  return {
    orders,
    connect: (thumbprint) => ({
      account: async () => thumbprint,
      async order(_acme, hostname) {
        orders.push(hostname);
        const failure = failing.get(hostname);
        if (failure && failure.times > 0) {
          failure.times -= 1;
          throw new KokoaError(failure.code, `the CA refused ${hostname}`);
        }
        const { fullchain, key } = await maker.make(instead.get(hostname) ?? { names: [`DNS:${hostname}`] });
        return { fullchain, key };
      },
    }),
    fail: (hostname, times, code = 'acme_order_failed') => failing.set(hostname, { times, code }),
    issueInstead(hostname, request) {
      if (request) instead.set(hostname, request);
      else instead.delete(hostname);
    },
  };
}
