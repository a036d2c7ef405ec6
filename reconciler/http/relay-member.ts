// Who may use a pool's mailbox: an edge, and only that of the pool its published config names.
import type { Request, Response } from 'express';
import { authenticate, type Caller, refuse } from './answer.ts';
import type { HttpDeps } from './deps.ts';
import type { ServedNode } from './served.ts';

export interface Member {
  caller: Caller;
  node: ServedNode;
  pool: string;
}

/** The edge that asks, or undefined when the refusal was already sent. */
export function authenticateMember(request: Request, response: Response, deps: HttpDeps): Member | undefined {
  const caller = authenticate(request, response, deps);
  if (!caller) return undefined;
  if (caller.role !== 'edge') {
    refuse(response, 403, {
      error: 'edges_only',
      message: `${caller.node} is an origin; a mailbox belongs to a pool of edges`,
    });
    return undefined;
  }
  const node = deps.served.node(caller.node);
  const pool = node?.config.pool;
  if (node && pool !== undefined) return { caller, node, pool };
  refuse(response, 503, { error: 'not_ready', message: `nothing is published for ${caller.node} yet` });
  return undefined;
}
