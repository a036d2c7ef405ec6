// How requests to Route 53 go out. Law: the whole answer comes within the signal's time and the cap, and no redirect is followed.
import { fetchWhole } from './fetch-whole.ts';

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
    const { status, headers, body } = await fetchWhole(url, {
      method: request.method,
      headers: request.headers,
      ...(request.body !== undefined && { body: request.body }),
      signal: abortSignal ?? null,
    });
    return {
      response: {
        statusCode: status,
        headers: Object.fromEntries(headers),
        body: Uint8Array.from(body),
      },
    };
  },
  updateHttpClientConfig() {},
  httpHandlerConfigs: () => ({}),
};
