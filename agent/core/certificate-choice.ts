// Which of the certificates held here serves a hostname. Law: a hostname that changes from one certificate to another is served by the one
// it had until the new one is there; a stopgap covers the name, so no visitor sees a difference.
import { isWildcard, wildcardAbove } from '../../bundle/certificate-name.ts';
import type { Chunk, WireRoute } from '../../bundle/config.ts';

/** Names of certificates that cover a hostname, the one that the config wants first. */
export function certificatesCovering(hostname: string, wanted: string): string[] {
  const others = [hostname, wildcardAbove(hostname)].filter((name) => name !== undefined && name !== wanted);
  return [wanted, ...(others as string[])];
}

/** Hostname → name of the certificate that serves it in place of the one that the config wants, which is not held; sorted. */
export function stopgapsOf(
  chunks: readonly Chunk[],
  isHeld: (certificate: string) => boolean,
): ReadonlyMap<string, string> {
  const found: [string, string][] = [];
  for (const { routes } of chunks) {
    for (const route of routes) {
      const stopgap = stopgapOf(route, isHeld);
      if (stopgap !== undefined) found.push([route.hostname, stopgap]);
    }
  }
  return new Map(found.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function stopgapOf(
  { hostname, certificate = hostname, protocol }: WireRoute,
  isHeld: (certificate: string) => boolean,
): string | undefined {
  if (protocol === 'tls' || isWildcard(hostname) || isHeld(certificate)) return undefined;
  return certificatesCovering(hostname, certificate).find((name) => name !== certificate && isHeld(name));
}
