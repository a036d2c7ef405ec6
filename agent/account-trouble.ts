// While there is no account at the certificate authority, nothing is ordered. Law: every hostname that this edge would order says why, and
// none says it any longer than that.

/** Of an edge, as its certificates see it: certificate name → orderer. */
interface Place {
  config: { node: string };
  certificates: ReadonlyMap<string, string | undefined>;
}

export interface AccountTrouble {
  /** Why there is none; it is said of nobody yet. */
  because(reason: string): void;
  /** Says it of the hostnames that are there now. `isServed`: it needs no certificate now. */
  tell(place: Place, isServed: (hostname: string) => boolean): void;
  over(): void;
}

export function createAccountTrouble(explain: (hostname: string, reason: string | undefined) => void): AccountTrouble {
  const told = new Set<string>();
  let why: string | undefined;
  return {
    because(reason) {
      why = reason;
    },
    tell({ config, certificates }, isServed) {
      if (why === undefined) return;
      for (const [hostname, orderer] of certificates) {
        if (orderer !== config.node || isServed(hostname)) continue;
        told.add(hostname);
        explain(hostname, why);
      }
    },
    over() {
      why = undefined;
      for (const hostname of told) explain(hostname, undefined);
      told.clear();
    },
  };
}
