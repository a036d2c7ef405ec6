// Hostnames where they become paths and arguments. Law: only a canonical hostname passes, so no name can leave its folder or
// be read as an option.

const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const HOSTNAME = new RegExp(`^(?:\\*\\.)?${LABEL}(?:\\.${LABEL})+$`);
/** RFC 1035 §2.3.4, without the trailing dot. */
const HOSTNAME_CHARACTERS_MAX = 253;

/** Lower case A-labels, two or more, no trailing dot; the first may be `*`. */
export function isCanonicalHostname(hostname: unknown): hostname is string {
  return typeof hostname === 'string' && hostname.length <= HOSTNAME_CHARACTERS_MAX && HOSTNAME.test(hostname);
}

export function isWildcard(hostname: string): boolean {
  return hostname.startsWith('*.');
}

/** The wildcard that stands for a hostname's first label, `*.hoge.com` for `app.hoge.com`; undefined: there is none for it. */
export function wildcardAbove(hostname: string): string | undefined {
  const parent = hostname.slice(hostname.indexOf('.') + 1);
  return isWildcard(hostname) || !parent.includes('.') ? undefined : `*.${parent}`;
}

/** The folder of a hostname's certificate: the hostname itself, `_wildcard.x` for `*.x`. Call with a canonical hostname. */
export function certificateFolder(hostname: string): string {
  return isWildcard(hostname) ? `_wildcard${hostname.slice(1)}` : hostname;
}

/** The hostname whose folder this is; undefined for any other name. */
export function hostnameOfFolder(folder: string): string | undefined {
  const hostname = folder.startsWith('_wildcard.') ? `*${folder.slice('_wildcard'.length)}` : folder;
  return isCanonicalHostname(hostname) ? hostname : undefined;
}
