// What an origin saw of one request. It crosses the edge as JSON in the echo's answer, and is kept at the origin for the test to read.

export interface Seen {
  /** Name of the origin that answered. */
  origin: string;
  method: string;
  /** The request target, byte for byte. */
  url: string;
  httpVersion: string;
  headers: Record<string, string | string[] | undefined>;
  /** Name and value in their order, as they were spelled. */
  rawHeaders: string[];
  bodyBytes: number;
  /** Lower-case hex; of what has arrived when the body is complete. */
  bodySha256: string;
  /** True once the whole body was there. */
  complete: boolean;
  /** True once the connection ended before the whole answer was taken. */
  broken: boolean;
  /** Which request of its connection this is, from 1 on. */
  onConnection: number;
  /** The connection itself, counted by the origin from 1 on. */
  connection: number;
  /** SNI of a TLS connection; false: none was sent. */
  sni?: string | false;
}
