// JSON that a crash, a full disk or a stranger may have damaged: it counts as nothing, and whoever reads it looks at its shape.
import { readBounded } from './durable-write.ts';

/** Undefined: there is no such file, it is larger than `bytesMax`, or it is no JSON. Never throws. */
export async function readDamagedJson(path: string, bytesMax: number): Promise<unknown> {
  return parsedOrNothing(await readBounded(path, bytesMax).catch(() => undefined));
}

export function parsedOrNothing(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
