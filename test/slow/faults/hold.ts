// Loaded before a program (`node --import`): makes the thread of the pool, says so, and waits to be let go, so that a tracer sees the
// program from its first step on. KOKOA_HOLD: a folder; `ready` is written there, `go` waited for.
import { existsSync, writeFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';

const LOOK_EVERY_MS = 2;
const { KOKOA_HOLD: folder = '' } = process.env;

await stat(folder);
writeFileSync(join(folder, 'ready'), '');
const never = new Int32Array(new SharedArrayBuffer(4));
while (!existsSync(join(folder, 'go'))) Atomics.wait(never, 0, 0, LOOK_EVERY_MS);
