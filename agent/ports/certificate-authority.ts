// The ACME client. One account per node; keys never leave the machine unencrypted.
import type { ChallengeAnswer } from '../../bundle/api.ts';

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

/** How the proof for a wildcard gets into DNS (RFC 8555, 8.4). */
export interface DnsProof {
  /** Asks once, and answers within seconds. Never throws. */
  present(value: string, signal?: AbortSignal): Promise<ChallengeAnswer>;
  /** The order has ended, one way or the other. Never throws. */
  end(): Promise<void>;
}

export interface CertificateAuthority {
  /** Registers the account once and answers its RFC 7638 thumbprint. @throws KokoaError acme_account_failed, certbot_failed */
  account(acme: AcmeServer): Promise<string>;
  /**
   * Orders one certificate by HTTP-01, where the answer to the challenge is the edges' own, or that of a wildcard by DNS-01. On abort the
   * waiting ends, not the order: the next call for this name takes its result. @throws KokoaError acme_validation_failed (of this name alone), acme_rate_limited and
   * acme_unavailable (of these two and acme_account_failed `cause` is `{retryAfterMs}` when the CA named a time), acme_account_unknown
   * (`account` then registers another), acme_order_failed (anything else), proof_missing (of a wildcard, by no fault of the CA), certbot_failed (nobody
   * asked the CA)
   */
  order(acme: AcmeServer, name: string, signal?: AbortSignal, proof?: DnsProof): Promise<IssuedCertificate>;
}
