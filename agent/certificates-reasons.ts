// Why hostnames have no certificate: the newest reason each, and a number that tells whether any of them is another one.

export const REASON_CHARACTERS_MAX = 300;

/** No failure, and it says nothing of the last one. */
export const BEING_ORDERED = 'being ordered';

export interface Reasons {
  /** Undefined: there is none any more. */
  explain(hostname: string, reason: string | undefined): void;
  of(hostname: string): string | undefined;
  /** What all wait for that some edge orders, before anything else; undefined: nothing. */
  explainAll(reason: string | undefined): void;
  ofAll(): string | undefined;
  /** The newest failure of each, also while it is tried again. */
  failures(): ReadonlyMap<string, string>;
  /** Something else that reasons are worked out of is different. */
  changed(): void;
  /** Grows with every change. */
  revision(): number;
}

export function createReasons(): Reasons {
  const reasons = new Map<string, string>();
  const failures = new Map<string, string>();
  let all: string | undefined;
  let revision = 0;
  return {
    explain(hostname: string, reason: string | undefined): void {
      if (reasons.get(hostname) === reason) return;
      const text = reason?.slice(0, REASON_CHARACTERS_MAX);
      for (const kept of reason === BEING_ORDERED ? [reasons] : [reasons, failures]) {
        if (text === undefined) kept.delete(hostname);
        else kept.set(hostname, text);
      }
      revision += 1;
    },
    of: (hostname: string) => reasons.get(hostname),
    explainAll(reason: string | undefined): void {
      if (all === reason) return;
      all = reason?.slice(0, REASON_CHARACTERS_MAX);
      revision += 1;
    },
    ofAll: () => all,
    failures: () => failures,
    changed: () => {
      revision += 1;
    },
    revision: () => revision,
  };
}
