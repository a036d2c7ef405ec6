// The ACME client. One account per node; keys never leave the machine unencrypted.

export interface AcmeServer {
  server: string;
  email?: string;
}

export interface IssuedCertificate {
  /** PEM, leaf first. */
  fullchain: string;
  /** PEM. */
  key: string;
}

export interface CertificateAuthority {
  /** Registers the account once and answers its RFC 7638 thumbprint. @throws KokoaError acme_account_failed */
  account(acme: AcmeServer): Promise<string>;
  /**
   * Orders one certificate by HTTP-01; the answer to the challenge is the edges' own. On abort the waiting ends, not the order:
   * the next call for this hostname takes its result. @throws KokoaError acme_order_failed, acme_account_unknown (`account` then
   * registers another), acme_rate_limited (`cause` is `{retryAfterMs}` when the CA named a time)
   */
  order(acme: AcmeServer, hostname: string, signal?: AbortSignal): Promise<IssuedCertificate>;
}
