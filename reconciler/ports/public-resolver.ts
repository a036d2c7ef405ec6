// What the public sees in DNS, where nobody lets us ask the authority itself.
import type { NameRecords } from './dns-zone.ts';

export interface PublicResolver {
  /**
   * What is told of a name: a CNAME alone where there is one, else A, AAAA and TXT, and of others MX. With a TTL of 0, because a resolver
   * tells what is left of a life, and never how long it was. Undefined: nothing. What a wildcard makes up looks as if it stood there.
   * @throws KokoaError dns_unreachable
   */
  records(name: string, signal: AbortSignal): Promise<NameRecords | undefined>;
}
