// Reads a request body up to a cap. Law: never a byte more in memory, no decompression, no guessing of encodings; what is over the
// cap is answered at once and the connection closed, because reading the rest would be the sender's choice. Stalled bodies end by
// the server's own timeouts.
import type { Request, Response } from 'express';
import { refuse } from './answer.ts';

/** Deeper JSON than any of our posts. */
const DEPTH_MAX = 32;

/** The text, or undefined when the refusal was already sent. `type`: the one accepted media type. */
export async function readBody(
  request: Request,
  response: Response,
  limits: { bytesMax: number; type: string },
): Promise<string | undefined> {
  if (mediaTypeOf(request) !== limits.type)
    return refusal(response, 415, 'unsupported_media_type', `expected Content-Type: ${limits.type}`);
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity')
    return refusal(response, 415, 'unsupported_encoding', 'expected a body without Content-Encoding');
  if (Number(request.headers['content-length'] ?? 0) > limits.bytesMax)
    return tooLarge(request, response, limits.bytesMax);
  const bytes = await collect(request, limits.bytesMax);
  if (bytes === 'gone') return undefined;
  if (bytes === 'too_large') return tooLarge(request, response, limits.bytesMax);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return refusal(response, 400, 'not_utf8', 'the body is not UTF-8');
  }
}

/** The parsed value, or undefined when the refusal was already sent. JSON `null` is refused: no post is one. `type`: the one accepted. */
export async function readJson(
  request: Request,
  response: Response,
  bytesMax: number,
  type = 'application/json',
): Promise<unknown> {
  const text = await readBody(request, response, { bytesMax, type });
  if (text === undefined) return undefined;
  if (depthOf(text) > DEPTH_MAX) return refusal(response, 400, 'too_deep', `JSON nested deeper than ${DEPTH_MAX}`);
  try {
    const value: unknown = JSON.parse(text);
    if (value !== null) return value;
  } catch {}
  return refusal(response, 400, 'not_json', 'the body is not a JSON object');
}

function collect(request: Request, bytesMax: number): Promise<Buffer | 'too_large' | 'gone'> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    request.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes <= bytesMax) {
        parts.push(part);
        return;
      }
      request.removeAllListeners('data');
      request.pause();
      resolve('too_large');
    });
    request.once('end', () => resolve(Buffer.concat(parts)));
    request.once('error', () => resolve('gone'));
    request.once('close', () => resolve('gone'));
  });
}

function tooLarge(request: Request, response: Response, bytesMax: number): undefined {
  request.pause();
  return refusal(response, 413, 'body_too_large', `the body is larger than ${bytesMax} bytes`);
}

function refusal(response: Response, status: number, error: string, message: string): undefined {
  refuse(response, status, { error, message });
  return undefined;
}

function mediaTypeOf(request: Request): string | undefined {
  return request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
}

/** Deepest nesting of brackets outside strings; enough to refuse before anything recursive sees the value. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (inString) {
      if (character === '\\') at += 1;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === '{' || character === '[') deepest = Math.max(deepest, ++depth);
    else if (character === '}' || character === ']') depth -= 1;
  }
  return deepest;
}
