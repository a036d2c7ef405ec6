// PEM certificates (RFC 7468) in one form: nothing around them, Unix line ends, full lines.

const BLOCK = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE-----/g;
/** The most that one line may have: with longer lines the text has fewer bytes. */
const LINE_CHARS = /.{1,76}/g;

/** Only the certificates of `pem`, in their order. */
export function canonicalPem(pem: string): string {
  const blocks = Array.from(pem.matchAll(BLOCK), ([, body]) => body!.replace(/\s/g, '').match(LINE_CHARS) ?? []);
  return blocks
    .map((lines) => `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`)
    .join('');
}
