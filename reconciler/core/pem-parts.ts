// Takes a PEM text apart (RFC 7468): its certificates and its private keys, in their order. Law: a reason says what kind of thing was found,
// and repeats nothing of it.

/** Each a block of its own, lines ended by a line feed. */
export type PemParts = { ok: true; certificates: string[]; keys: string[] } | { ok: false; reason: string };

const BEGIN = /^-----BEGIN ([A-Z0-9 ]{1,40})-----$/;
const KEYS: readonly string[] = ['PRIVATE KEY', 'RSA PRIVATE KEY', 'EC PRIVATE KEY'];
/** `openssl ecparam -genkey` writes the first, proxies keep the second beside their certificates. */
const LEFT_OUT: readonly string[] = ['EC PARAMETERS', 'DH PARAMETERS'];
/** RFC 1421, as OpenSSL writes it into the block itself. */
const ENCRYPTED = /^Proc-Type:.*ENCRYPTED/;

const NO_PASS_PHRASE =
  'found a private key with a pass phrase, expected one without: openssl pkey -in IT -out PLAIN writes it';
const OPENSSH = 'found a key of SSH, expected the private key that the certificate was requested with';
const OTHER = 'found a PEM block that is neither a certificate nor a private key, expected nothing else';

/** What stands around the blocks is left out. Cost: the lines. */
export function pemParts(text: string): PemParts {
  const found = { certificates: [] as string[], keys: [] as string[] };
  let open: { label: string; lines: string[] } | undefined;
  for (const line of text.split('\n').map((one) => one.trim())) {
    const label = BEGIN.exec(line)?.[1];
    if (label !== undefined) {
      if (open !== undefined)
        return no('found the beginning of a PEM block inside another one, expected its end first');
      open = { label, lines: [line] };
    } else if (open !== undefined) {
      open.lines.push(line);
      if (line !== `-----END ${open.label}-----`) continue;
      const reason = keep(open, found);
      if (reason !== undefined) return no(reason);
      open = undefined;
    }
  }
  return open === undefined ? { ok: true, ...found } : no('found a PEM block without its end: is the text cut?');
}

function keep(
  { label, lines }: { label: string; lines: readonly string[] },
  { certificates, keys }: { certificates: string[]; keys: string[] },
): string | undefined {
  if (LEFT_OUT.includes(label)) return undefined;
  if (label === 'ENCRYPTED PRIVATE KEY' || lines.some((line) => ENCRYPTED.test(line))) return NO_PASS_PHRASE;
  if (label === 'OPENSSH PRIVATE KEY') return OPENSSH;
  const block = `${lines.join('\n')}\n`;
  if (label === 'CERTIFICATE') certificates.push(block);
  else if (KEYS.includes(label)) keys.push(block);
  else return OTHER;
  return undefined;
}

function no(reason: string): PemParts {
  return { ok: false, reason };
}
