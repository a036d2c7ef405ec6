// The account of this edge at the CA that it uses. Law: what one CA asked to wait for is nothing to another one; while there is no account, the
// hostnames that wait for it say why.
import { type AccountTrouble, createAccountTrouble } from './account-trouble.ts';
import type { CaInUse } from './ca-in-use.ts';
import type { EdgeView, Log } from './certificate-orders.ts';
import type { CertificateShelf } from './certificate-shelf.ts';
import { type Attempt, afterFailure } from './core/order-plan.ts';
import { type DueParts, dueOf } from './order-due.ts';
import { describeFailure, retryAfterOf } from './order-failure.ts';
import type { AcmeServer, CertificateAuthority } from './ports/certificate-authority.ts';

export interface AccountParts extends DueParts {
  shelf: CertificateShelf;
  ca: Pick<CertificateAuthority, 'account'>;
  caInUse: CaInUse;
  /** The account to announce; called again when it changes. */
  onAccount(thumbprint: string): void;
  explain(hostname: string, reason: string | undefined): void;
  log: Log;
}

export interface OrderAccount {
  /** The CA in use. @throws TypeError before the first `choose` */
  acme(): AcmeServer;
  /** True: it is another one than before. */
  choose(view: EdgeView): Promise<boolean>;
  /** Its RFC 7638 thumbprint; registers where there is none. Undefined: not now, see `retryAtMs`. */
  ensure(view: EdgeView): Promise<string | undefined>;
  /** ms; undefined: nothing is waited for. */
  retryAtMs(): number | undefined;
  /** The clock went back: nobody waits for a time of before. */
  forgetWait(): void;
}

export function createOrderAccount(parts: AccountParts): OrderAccount {
  const { ca, caInUse, shelf, now, log, onAccount } = parts;
  const trouble: AccountTrouble = createAccountTrouble(parts.explain);
  let acme: AcmeServer | undefined;
  let known: string | undefined;
  let attempt: Attempt | undefined;

  async function register(view: EdgeView, at: AcmeServer): Promise<string | undefined> {
    try {
      const thumbprint = await ca.account(at);
      if (thumbprint !== known) onAccount(thumbprint);
      known = thumbprint;
      attempt = undefined;
      trouble.over();
      return thumbprint;
    } catch (error) {
      const endsMs = dueOf(view, parts).reduce((first, due) => Math.min(first, due.endsMs), Infinity);
      attempt = afterFailure(attempt, now(), retryAfterOf(error), endsMs);
      const { code, detail, hint } = describeFailure(error);
      caInUse.failed(at, code);
      trouble.because(`${code}: ${hint ?? detail}`);
      log.warn({ code, detail, hint }, 'no account at the certificate authority yet');
      return undefined;
    }
  }

  return {
    acme() {
      if (acme === undefined) throw new TypeError('no CA was chosen yet');
      return acme;
    },
    async choose(view) {
      const before = acme;
      acme = await caInUse.choose(view.config.edge.acme, () => dueOf(view, parts).map(({ lifetimeMs }) => lifetimeMs));
      const isOther = before !== undefined && before.server !== acme.server;
      if (isOther) attempt = undefined;
      return isOther;
    },
    async ensure(view) {
      const isWaiting = attempt !== undefined && attempt.notBeforeMs > now();
      const thumbprint = isWaiting || acme === undefined ? undefined : await register(view, acme);
      if (thumbprint === undefined) trouble.tell(view, (hostname) => shelf.isServed(hostname, now()));
      return thumbprint;
    },
    retryAtMs: () => attempt?.notBeforeMs,
    forgetWait: () => {
      attempt = undefined;
    },
  };
}
