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
  /** Orders one certificate by HTTP-01; the answer to the challenge is the edges' own. @throws KokoaError acme_order_failed */
  order(acme: AcmeServer, hostname: string): Promise<IssuedCertificate>;
}
