// How requests to Route 53 go out. Law: the whole answer comes within the signal's time and the cap, and no redirect is followed.
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

/** What the SDK has signed. */
interface SignedRequest {
  protocol: string;
  hostname: string;
  port?: number;
  path: string;
  query?: Record<string, string | string[] | null>;
  method: string;
  headers: Record<string, string>;
  body?: string | Uint8Array<ArrayBuffer>;
}

/** In place of the SDK's own, which ends its time with the headers and has no cap. */
export const boundedSender = {
  async handle(request: SignedRequest, { abortSignal }: { abortSignal?: AbortSignal } = {}) {
    const query = new URLSearchParams();
    for (const [key, value] of Object.entries(request.query ?? {}))
      for (const one of [value ?? ''].flat()) query.append(key, one);
    const url = new URL(`${request.protocol}//${request.hostname}`);
    url.port = String(request.port ?? '');
    url.pathname = request.path;
    // As it was signed: a space as %20.
    url.search = query.toString().replaceAll('+', '%20').replaceAll('*', '%2A');
    const { status, headers, body } = await fetch(url, {
      method: request.method,
      headers: request.headers,
      ...(request.body !== undefined && { body: request.body }),
      redirect: 'manual',
      signal: abortSignal ?? null,
    });
    const parts: Uint8Array[] = [];
    let bytes = 0;
    for await (const part of body ?? []) {
      bytes += part.length;
      if (bytes > ANSWER_BYTES_MAX) throw new TooLargeError();
      parts.push(part);
    }
    return {
      response: {
        statusCode: status,
        headers: Object.fromEntries(headers),
        body: Uint8Array.from(Buffer.concat(parts)),
      },
    };
  },
  updateHttpClientConfig() {},
  httpHandlerConfigs: () => ({}),
};

class TooLargeError extends Error {
  readonly code = 'TOO_LARGE';
}

/** What the system said, as a code: texts of fetch and of the SDK may hold an address, or what was sent. */
export function failureCode(error: unknown): string {
  let inner = error;
  for (let depth = 0; depth < 4 && inner instanceof Error; depth += 1) {
    const { code } = inner as { code?: unknown };
    if (code === 'TOO_LARGE') return `the answer is larger than ${ANSWER_BYTES_MAX} bytes`;
    if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,40}$/.test(code)) return code;
    inner = inner.cause;
  }
  return 'there was no answer of its kind';
}
