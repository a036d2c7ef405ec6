// `originTls`: how the certificate of an https backend is judged.
import type { OriginTls } from '../../../schemas/types.ts';
import { judgeCertificates } from './certificates.ts';
import { block, type FieldPlace, type FieldProblem, one, refuse, saidBySchema } from './field.ts';
import { serverName } from './server-name.ts';

export const originTls = block<OriginTls>(
  { verify: saidBySchema, ca: one(judgeCa), serverName },
  ({ verify, ca }, place) => {
    if (verify === 'ca' && ca === undefined) {
      const message = 'found verify: ca without ca, expected the certificates of your authority';
      return [refuse(place, 'KK320', message, 'add ca, in PEM form', '/verify')];
    }
    if (verify === 'ca' || ca === undefined) return [];
    const message = `found ca with verify: ${verify}, expected it with verify: ca only`;
    return [refuse(place, 'KK320', message, 'write verify: ca, or delete ca', '/ca')];
  },
);

function judgeCa(text: string, place: FieldPlace): FieldProblem[] {
  const result = judgeCertificates(text);
  if (result.kind === 'certificates') return [];
  if (result.kind === 'private-key') {
    const message = 'found a private key, expected certificates only';
    return [
      refuse(place, 'KK322', message, 'delete it, and make a new key: whoever reads the repository has this one'),
    ];
  }
  const message = `found ${result.found}, expected blocks from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----`;
  return [refuse(place, 'KK321', message, 'write "ca: |" and paste the certificates below it, indented')];
}
