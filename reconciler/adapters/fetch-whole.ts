// A question by `fetch` and its whole answer. Law: no more bytes than the cap are kept, no redirect is followed, and the signal bounds the time
// to the last byte, not only to the headers.

/** The pages of the APIs that are asked are smaller by far. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;
const CAUSES_MAX = 4;

export interface WholeAnswer {
  status: number;
  headers: Headers;
  body: Buffer<ArrayBuffer>;
}

export class TooLargeError extends Error {
  override name = 'TooLargeError';

  constructor(bytesMax: number) {
    super(`the answer is larger than ${bytesMax} bytes`);
  }
}

/**
 * `init.redirect` is not heeded.
 * @throws TooLargeError, what `fetch` throws, and the reason of `init.signal`
 */
export async function fetchWhole(
  url: string | URL | Request,
  init: RequestInit = {},
  bytesMax = ANSWER_BYTES_MAX,
): Promise<WholeAnswer> {
  const { status, headers, body } = await fetch(url, { ...init, redirect: 'manual' });
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body ?? []) {
    bytes += part.length;
    if (bytes > bytesMax) throw new TooLargeError(bytesMax);
    parts.push(part);
  }
  return { status, headers, body: Buffer.concat(parts) };
}

/** For libraries that want a `fetch`. */
export function responseOf({ status, headers, body }: WholeAnswer): Response {
  return new Response(body.length === 0 ? null : body, { status, headers });
}

/** What the system said, as a code, or that the answer was too large: texts of `fetch` may hold an address, or what was sent. */
export function failureCode(error: unknown): string | undefined {
  let inner = error;
  for (let depth = 0; depth < CAUSES_MAX && inner instanceof Error; depth += 1) {
    if (inner instanceof TooLargeError) return inner.message;
    const { code } = inner as { code?: unknown };
    if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,40}$/.test(code)) return code;
    inner = inner.cause;
  }
  return undefined;
}
