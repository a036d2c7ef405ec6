// The agent's memory. Most of what it allocates is garbage a moment later: texts of a release, parsed answers. Node lets a heap double before it
// looks for garbage; an edge's memory belongs to its web server.
import { setFlagsFromString } from 'node:v8';

/** Of what is in use: by so much the heap may grow between two collections. */
const GROWTH_PERCENT = 30;

/** What the command line of node says beside it, in MB: the same for what was allocated last. Only a starting process takes it. */
export const YOUNG_HEAP_OPTION = '--max-semi-space-size=8';

export function keepHeapSmall(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
}
