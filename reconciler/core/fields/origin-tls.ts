// `originTls`: how the certificate of an https backend is judged.
import type { OriginTls } from '../../../schemas/types.ts';
import { canonicalHostname } from '../hostname.ts';
import { rules } from '../rules.ts';
import { judgeCertificates } from './certificates.ts';
import { block, type FieldPlace, type FieldProblem, one, refuse, saidBySchema, shown } from './field.ts';

export const originTls = block<OriginTls>(
  { verify: saidBySchema, ca: one(judgeCa), serverName: one(judgeServerName) },
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

function judgeServerName(typed: string, place: FieldPlace): FieldProblem[] {
  const result = canonicalHostname(typed);
  const found = `found ${shown(typed)}`;
  if (result.kind === 'refused')
    return [refuse(place, result.rule, `${found}, expected ${result.expected}`, rules[result.rule].fix)];
  if (result.hostname.startsWith('*'))
    return [refuse(place, 'KK204', `${found}, expected one full name`, 'write the name that the backend answers to')];
  if (result.hostname === typed) return [];
  const message = `${found}, expected lower case letters, digits and dashes, without a dot at the end`;
  return [refuse(place, 'KK201', message, `did you mean ${result.hostname}?`)];
}
