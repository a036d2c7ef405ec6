// The public address this node announces. Law: nobody waits for it twice; an answer that is there is given at once and renewed beside,
// and an address once known is not forgotten because a look-up failed: peers would lose the way.

export interface Addresses {
  ipv4?: string;
  ipv6?: string;
}

const RENEW_MS = 5 * 60_000;

/** `look` may take seconds; the first call waits for it. Never throws. */
export function rememberAddress(look: () => Promise<Addresses>, now: () => number) {
  let known: Addresses | undefined;
  let at = 0;
  let looking: Promise<Addresses> | undefined;

  async function renew(): Promise<Addresses> {
    const found = await look().catch(() => ({}));
    known = Object.keys(found).length > 0 ? found : (known ?? found);
    at = now();
    looking = undefined;
    return known;
  }

  return {
    async get(): Promise<Addresses> {
      if (!known || Math.abs(now() - at) >= RENEW_MS) looking ??= renew();
      return known ?? looking!;
    },
    /** What is known without waiting. */
    known: () => known,
  };
}
