// By what an edge is known from outside. Law: whoever got the address of an edge that is gone answers with another mark, or none.
import { sha256Hex } from './canonical.ts';

/** Answered by every edge, for any hostname with plain HTTP and for every hostname that it serves with HTTPS. */
export const EDGE_MARK_PATH = '/.well-known/kokoa-edge';

const MARK_CHARACTERS = 32;

/** No secret: it is shown to everybody who asks. Lower-case hex. */
export function edgeMark(node: string): string {
  return sha256Hex(`kokoa-edge\n${node}`).slice(0, MARK_CHARACTERS);
}
