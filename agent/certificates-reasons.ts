// Why hostnames have no certificate: the newest reason each, and a number that tells whether any of them is another one.

const REASON_CHARACTERS_MAX = 300;

export interface Reasons {
  /** Undefined: there is none any more. */
  explain(hostname: string, reason: string | undefined): void;
  of(hostname: string): string | undefined;
  /** Something else that reasons are worked out of is different. */
  changed(): void;
  /** Grows with every change. */
  revision(): number;
}

export function createReasons(): Reasons {
  const reasons = new Map<string, string>();
  let revision = 0;
  return {
    explain(hostname: string, reason: string | undefined): void {
      if (reasons.get(hostname) === reason) return;
      if (reason === undefined) reasons.delete(hostname);
      else reasons.set(hostname, reason.slice(0, REASON_CHARACTERS_MAX));
      revision += 1;
    },
    of: (hostname: string) => reasons.get(hostname),
    changed: () => {
      revision += 1;
    },
    revision: () => revision,
  };
}
