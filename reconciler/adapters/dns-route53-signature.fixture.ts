// Whether a request carries AWS's signature, version 4, of one key: docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
import { createHash, createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { AwsCredentials } from '../core/dns/aws-credentials.ts';

/** The code with which AWS refuses it; undefined when it is right. */
export function signatureProblem(request: IncomingMessage, body: Buffer, key: AwsCredentials): string | undefined {
  const form =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/((\d{8})\/us-east-1\/route53\/aws4_request), SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/;
  const [, id, scope, day, signed, signature] = form.exec(request.headers.authorization ?? '') ?? [];
  if (id === undefined) return 'MissingAuthenticationToken';
  if (id !== key.accessKeyId) return 'InvalidClientTokenId';
  if (request.headers['x-amz-security-token'] !== key.sessionToken) return 'InvalidClientTokenId';
  const names = signed!.split(';');
  if (!['host', 'x-amz-date'].every((name) => names.includes(name))) return 'IncompleteSignature';

  const url = new URL(request.url!, 'http://double');
  const query = [...url.searchParams].map((pair) => pair.map(encoded).join('=')).sort();
  const canonical = [
    request.method,
    url.pathname,
    query.join('&'),
    ...names.map((name) => `${name}:${String(request.headers[name] ?? '').trim()}`),
    '',
    signed,
    sha256(body),
  ].join('\n');
  const text = ['AWS4-HMAC-SHA256', request.headers['x-amz-date'], scope, sha256(Buffer.from(canonical))].join('\n');
  const parts = [day!, 'us-east-1', 'route53', 'aws4_request'];
  const derived = parts.reduce<Buffer>((from, part) => hmac(from, part), Buffer.from(`AWS4${key.secretAccessKey}`));
  return hmac(derived, text).toString('hex') === signature ? undefined : 'SignatureDoesNotMatch';
}

function encoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
}

function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
