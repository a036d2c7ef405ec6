// The domain that somebody registered, by which CAs count certificates.
import { parse } from 'tldts';

/** Private suffixes count (github.io), as they do for the CA. A name that belongs to no suffix is counted by itself. */
export function registeredDomain(name: string): string {
  const hostname = name.startsWith('*.') ? name.slice(2) : name;
  return parse(hostname, { allowPrivateDomains: true, validateHostname: false }).domain ?? hostname;
}
