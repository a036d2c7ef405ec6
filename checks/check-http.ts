// Whether a path is answered as it should be. Law: a new connection each time, closed afterwards; what is read of head and body is bounded.
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { BODY_BYTES_MAX, type CheckResult, failed, type HttpCheck, STATUS_USUAL } from './check.ts';
import { connectionFailure } from './connection-failure.ts';

const HEADER_BYTES_MAX = 16 * 1024;

/** An aborted `signal` is a failure. @throws Error where the hostname or path cannot stand in a request */
export function checkHttp(check: HttpCheck, signal: AbortSignal): Promise<CheckResult> {
  return new Promise((resolve) => {
    const asked = ask(check, signal);
    const end = (result: CheckResult) => {
      resolve(result);
      asked.destroy();
    };
    asked.on('response', (response) => judge(check, response, end));
    // An answer that changes the protocol, which nobody asked for, is the end of the connection and nothing else.
    asked.on('close', () => end(failed('connection_closed', 'the connection ended without an answer')));
    asked.on('error', (error) => end(connectionFailure(error)));
    asked.end();
  });
}

function ask({ kind, address, port, hostname, path }: HttpCheck, signal: AbortSignal): ClientRequest {
  const options = {
    ...{ host: address, port, path, signal, agent: false as const, maxHeaderSize: HEADER_BYTES_MAX },
    headers: { host: hostname, 'user-agent': 'kokoa-check', connection: 'close' },
  };
  if (kind === 'http') return httpRequest(options);
  // An address is no name for a handshake (RFC 6066, section 3).
  return httpsRequest({ ...options, rejectUnauthorized: false, servername: isIP(hostname) === 0 ? hostname : '' });
}

function judge({ status = STATUS_USUAL, body }: HttpCheck, response: IncomingMessage, end: (r: CheckResult) => void) {
  const { statusCode = 0 } = response;
  response.on('error', (error) => end(connectionFailure(error)));
  if (statusCode < status.from || statusCode > status.to)
    return end(failed('wrong_status', `${statusCode}, expected ${status.from} to ${status.to}`));
  if (body === undefined) return end({ ok: true });
  const wrong = () => end(failed('wrong_body', 'the answer does not hold the expected text'));
  const wanted = Buffer.from(body);
  let bytes = 0;
  /** Of what came before: as much as could be the beginning of the text. */
  let tail = Buffer.alloc(0);
  response.on('data', (part: Buffer) => {
    const seen = Buffer.concat([tail, part.subarray(0, BODY_BYTES_MAX - bytes)]);
    bytes += part.length;
    tail = seen.subarray(Math.max(0, seen.length - wanted.length + 1));
    if (seen.includes(wanted)) end({ ok: true });
    else if (bytes >= BODY_BYTES_MAX) wrong();
  });
  response.on('end', wrong);
}
