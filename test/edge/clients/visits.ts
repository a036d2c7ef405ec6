// The same request by each protocol that visitors speak, for tables.
import { type Http2Answer, visitHttp2 } from './http2-visit.ts';
import { visit } from './raw-visit.ts';

type Visit = (...given: Parameters<typeof visitHttp2>) => Promise<Http2Answer>;

/** Name and visit; for `describe.each`. */
export const VISITS: readonly [[name: 'HTTP/1.1', visit: Visit], [name: 'HTTP/2', visit: Visit]] = [
  ['HTTP/1.1', visit],
  ['HTTP/2', visitHttp2],
];
