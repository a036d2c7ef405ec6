// Reads a running reconciler over HTTP, as people and their programs do. Law: a token goes over TLS that is verified, or stays on this
// machine; the answer is bounded, and no redirect is followed.
import { readFileSync } from 'node:fs';
import { type IncomingMessage, request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { KokoaError } from '../../bundle/error.ts';
import { isLoopback } from '../http/loopback.ts';

export interface ApiPlace {
  /** Base URL. */
  url: string;
  /** Absent: asked as somebody on the reconciler's own machine. */
  token?: string | undefined;
  /** PEM file of the only CAs to trust; absent: those of Node. */
  caFile?: string | undefined;
}

const ANSWER_BYTES_MAX = 64 * 1024 * 1024;
const ANSWER_MS_MAX = 15_000;
const WORDS_CHARACTERS_MAX = 300;

/** What `path` answers, parsed. @throws KokoaError usage, api_unreachable, api_refused, api_garbled */
export async function readApi(place: ApiPlace, path: string): Promise<unknown> {
  const url = checkedUrl(place, path);
  const ca = caOf(place);
  const { status, body } = await asked(url, place, ca).catch((cause: NodeJS.ErrnoException) => {
    // Behind it stands advice about Node, or the source line of OpenSSL.
    const [words] = cause.message.split(/;| [0-9A-F]{8,}:/);
    throw new KokoaError('api_unreachable', `${url.origin} does not answer: ${words}`, {
      hint: unreachableHint(url, cause.code ?? ''),
      cause,
    });
  });
  const value = parsed(body);
  if (status === 200 && value !== undefined) return value;
  if (status === 200) throw new KokoaError('api_garbled', `${url.origin} answers something else than JSON`);
  const words = (value as { message?: unknown } | undefined)?.message;
  const why = typeof words === 'string' ? `: ${words.slice(0, WORDS_CHARACTERS_MAX)}` : '';
  throw new KokoaError('api_refused', `${url.origin} answers ${status}${why}`, {
    ...(status === 401 && {
      hint: 'give a node’s token with --token-file, or ask on the machine of the reconciler itself',
    }),
  });
}

function checkedUrl({ url, token }: ApiPlace, path: string): URL {
  const parsedUrl = URL.parse(url);
  if (!parsedUrl || !/^https?:$/.test(parsedUrl.protocol) || parsedUrl.username || parsedUrl.password)
    throw new KokoaError('usage', '--url: expected a URL such as https://control.hoge.com:8443');
  if (token !== undefined && parsedUrl.protocol === 'http:' && !isLoopback(bare(parsedUrl.hostname)))
    throw new KokoaError('usage', '--url: plain HTTP would show the token to anybody on the way; use https');
  return new URL(`${parsedUrl.pathname.replace(/\/$/, '')}${path}`, parsedUrl);
}

/** By the codes of Node and OpenSSL. */
const UNTRUSTED =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?)$/;

function unreachableHint({ protocol, host }: URL, code: string): string {
  if (protocol === 'http:' && (code === 'ECONNRESET' || code.startsWith('HPE_')))
    return `it may speak TLS: try --url https://${host}, and its --tls-cert as --ca FILE`;
  if (protocol === 'https:' && (code === 'EPROTO' || code.startsWith('ERR_SSL_')))
    return `it may speak plain HTTP: try --url http://${host}`;
  if (UNTRUSTED.test(code))
    return 'no CA known here signed its certificate: name that CA, or its --tls-cert, by --ca FILE';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return 'ask by a name of its certificate, or on its machine by https://127.0.0.1';
  return 'start `kokoa serve`, or name another with --url https://HOST:PORT; a private CA: --ca FILE';
}

/** @throws KokoaError usage */
function caOf({ caFile }: ApiPlace): string | undefined {
  if (caFile === undefined) return undefined;
  try {
    return readFileSync(caFile, 'utf8');
  } catch (cause) {
    throw new KokoaError('usage', `--ca: ${caFile} cannot be read (${(cause as NodeJS.ErrnoException).code})`, {
      cause,
    });
  }
}

async function asked(url: URL, { token }: ApiPlace, ca: string | undefined): Promise<{ status: number; body: string }> {
  const options = {
    headers: { Accept: 'application/json', ...(token !== undefined && { Authorization: `Bearer ${token}` }) },
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
    ...(ca !== undefined && { ca }),
    // A certificate names the control plane, and no loopback address; whoever can listen there is on this machine.
    ...(isLoopback(bare(url.hostname)) && token === undefined && { checkServerIdentity: () => undefined }),
  };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = url.protocol === 'https:' ? tlsRequest(url, options, resolve) : plainRequest(url, options, resolve);
    request.once('error', reject);
    request.end();
  });
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`more than ${ANSWER_BYTES_MAX} bytes`);
    parts.push(part);
  }
  return { status: response.statusCode ?? 0, body: Buffer.concat(parts).toString('utf8') };
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}
