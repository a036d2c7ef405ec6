// What refusals of Route 53 mean. Law: only a few cleaned words of an answer get into an error, never a header, a body, a cause or a part of
// the access key.
import { KokoaError } from '../../bundle/error.ts';
import type { AwsCredentials } from '../core/dns/aws-credentials.ts';
import { ZoneThrottled } from './dns-throttled.ts';
import { oneLine } from './github-text.ts';

const REASON_CHARACTERS_MAX = 300;
const MESSAGES_MAX = 4;
/** A longer wait would be believed of nobody. */
const WAIT_MS_MAX = 3_600_000;
const WAIT_MS_MIN = 1_000;
/** Route 53 counts requests of one second, and says no time with its refusals. */
const UNTOLD_WAIT_MS = 5_000;
const CREDENTIAL_CODES = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'ExpiredToken',
  'ExpiredTokenException',
  'IncompleteSignature',
  'InvalidAccessKeyId',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'MissingAuthenticationToken',
  // It was there, and somebody has deleted it: as if the account had none.
  'NoSuchHostedZone',
  'NotAuthorizedException',
  'RequestExpired',
  'SignatureDoesNotMatch',
  'UnrecognizedClientException',
]);
const THROTTLE_CODES = new Set([
  'PriorRequestNotComplete',
  'RequestLimitExceeded',
  'SlowDown',
  'ThrottledException',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
]);
export const CREDENTIALS_HINT =
  'The key needs route53:ListHostedZonesByName on *, and route53:ListResourceRecordSets and ' +
  'route53:ChangeResourceRecordSets on the hosted zone. Is it still valid, and is the clock right?';

/** What the SDK threw, as far as it goes on. */
export interface Refusal {
  code: string;
  status: number;
  /** One for each mistake. Whoever answers may repeat what was sent. */
  said: readonly unknown[];
  retryAfter: string | undefined;
  credentials: AwsCredentials;
  nowMs: number;
}

/** An answer that says no. */
export function refusalError({ code, status, said, retryAfter, credentials, nowMs }: Refusal): KokoaError {
  const reason = `${/^[A-Za-z]{1,60}$/.test(code) ? code : 'no code'}: ${reasonOf(said, credentials)}`;
  const asksForTime = status === 429 || (status === 503 && retryAfter !== undefined) || THROTTLE_CODES.has(code);
  if (asksForTime)
    return new ZoneThrottled('Route 53', `Route 53 answered ${status}, ${reason}`, waitMs(retryAfter, nowMs));
  if (status >= 500 || status === 408 || status < 400)
    return new KokoaError('dns_unreachable', `Route 53 answered ${status}, ${reason}`);
  if (CREDENTIAL_CODES.has(code) || status === 401 || status === 403)
    return new KokoaError('dns_credentials', `Route 53 does not accept the access key for this: ${reason}`, {
      hint: CREDENTIALS_HINT,
    });
  return new KokoaError('dns_refused', `Route 53 refused: ${reason}`);
}

function waitMs(retryAfter: string | undefined, nowMs: number): number {
  const told = retryAfter?.trim() ?? '';
  const ms = /^\d{1,9}$/.test(told) ? Number(told) * 1000 : Date.parse(told) - nowMs;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, WAIT_MS_MIN), WAIT_MS_MAX) : UNTOLD_WAIT_MS;
}

function reasonOf(said: readonly unknown[], credentials: AwsCredentials): string {
  const messages = said.filter((one) => typeof one === 'string');
  let text = messages.slice(0, MESSAGES_MAX).join('; ');
  for (const secret of Object.values(credentials)) text = text.replaceAll(secret, '[hidden]');
  return oneLine(text, REASON_CHARACTERS_MAX) || 'no reason given';
}
