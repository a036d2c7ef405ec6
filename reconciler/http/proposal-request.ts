// A team's request as it was sent: its key, and its body where it has one. Law: bounded and shaped before anybody waits for it.
import type { Request, Response } from 'express';
import { canonicalJson, sha256Hex } from '../../bundle/canonical.ts';
import type { RouteMethod, RouteRequest } from '../core/route-request-shapes.ts';
import { refuse } from './answer.ts';
import { readJson } from './body.ts';
import type { KeyedRequest } from './proposal-opening.ts';

export const ROUTE_BYTES_MAX = 64 * 1024;
/** RFC 7396, section 4. */
const MERGE_PATCH_TYPE = 'application/merge-patch+json';
const KEY_CHARS_MAX = 255;

export interface AskedChange extends KeyedRequest {
  request: RouteRequest;
}

/** Undefined when the refusal was already sent. */
export async function readChange(
  method: RouteMethod,
  request: Request,
  response: Response,
): Promise<AskedChange | undefined> {
  const key = keyOf(request.headers['idempotency-key']);
  if (key === null) {
    const message = `expected an Idempotency-Key of 1 to ${KEY_CHARS_MAX} printable ASCII characters`;
    refuse(response, 400, { error: 'bad_idempotency_key', message });
    return undefined;
  }
  const hostname = String(request.params.hostname ?? '');
  if (method === 'DELETE') return { key, ...hashed(method, hostname, null), request: { method, hostname } };
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  const isPatch = method === 'PATCH' && type === MERGE_PATCH_TYPE;
  const body = await readJson(request, response, ROUTE_BYTES_MAX, isPatch ? MERGE_PATCH_TYPE : undefined);
  if (body === undefined) return undefined;
  const asked = method === 'POST' ? { method, body } : { method, hostname, body };
  return { key, ...hashed(method, hostname, body), request: asked };
}

/**
 * A string, with the quotes of a structured field or, as most programs send it, without. Null: it is none.
 * https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
 */
function keyOf(header: string | string[] | undefined): string | undefined | null {
  if (header === undefined) return undefined;
  const text = String(header).trim();
  const quoted = /^"((?:[^"\\]|\\["\\])*)"$/.exec(text)?.[1]?.replace(/\\(.)/g, '$1');
  const key = quoted ?? text;
  return /^[\x20-\x7e]+$/.test(key) && key.length <= KEY_CHARS_MAX ? key : null;
}

/** Of what it says, not of how it is laid out. */
function hashed(method: RouteMethod, hostname: string, body: unknown): { requestSha256: string } {
  return { requestSha256: sha256Hex(`${method} ${hostname}\n${textOf(body)}`) };
}

function textOf(body: unknown): string {
  try {
    return canonicalJson(body);
  } catch {
    // Numbers that no route has: the rules refuse them later.
    return JSON.stringify(body);
  }
}
