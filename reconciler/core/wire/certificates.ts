// PEM certificates in one form: nothing around them, Unix line ends, lines as RFC 7468 §2 wants them.

const BLOCK = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE-----/g;
const LINE = /.{1,64}/g;

/** Only the certificates of `pem`, in their order. */
export function canonicalPem(pem: string): string {
  const blocks = Array.from(pem.matchAll(BLOCK), ([, body]) => body!.replace(/\s/g, '').match(LINE) ?? []);
  return blocks
    .map((lines) => `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`)
    .join('');
}
