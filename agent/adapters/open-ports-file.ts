// `open-ports.json` in the state directory: what is open on an origin, and until when. Law: it counts in one boot of the machine only; what
// is torn, foreign or too large opens nothing.
import { lstat, rm } from 'node:fs/promises';
import { shape } from '../../bundle/shape.ts';
import { NO_PORTS, type PortsInForce } from '../core/closing-ports.ts';
import { type KeptOpening, keptOf, portsOfKept } from '../core/kept-ports.ts';
import type { OpenPortsStore } from '../ports/open-ports-store.ts';
import { parsedOrNothing } from './damaged-json.ts';
import { readBounded, writeDurably } from './durable-write.ts';

/** Random at every start of the kernel (random(4)). */
const BOOT_FILE = '/proc/sys/kernel/random/boot_id';
const BOOT_BYTES_MAX = 100;
/** As many as the packet filter takes of each kind: TCP, UDP and forwards, in less than 100 bytes each. */
const OPENINGS_MAX = 3 * 4096;
const BYTES_MAX = OPENINGS_MAX * 100;

interface Kept {
  boot: string;
  open: KeptOpening[];
}

const port = { type: 'integer', minimum: 1, maximum: 65_535 };
const isKept = shape<Kept>({
  type: 'object',
  additionalProperties: false,
  required: ['boot', 'open'],
  properties: {
    boot: { type: 'string', maxLength: BOOT_BYTES_MAX },
    open: {
      type: 'array',
      maxItems: OPENINGS_MAX,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['port'],
        properties: {
          port,
          protocol: { const: 'udp' },
          host: { type: 'string', maxLength: 15 },
          hostPort: port,
          untilMs: { type: 'number', minimum: 0 },
        },
        dependencies: { host: ['hostPort'], hostPort: ['host'] },
      },
    },
  },
});

/** `bootFile`: where the kernel says which boot this is. */
export function createOpenPortsFile(path: string, bootFile: string = BOOT_FILE): OpenPortsStore {
  /** What lies on disk, as far as this process knows. */
  let written: string | undefined;
  let boot: Promise<string | undefined> | undefined;
  /** Undefined where there is no /proc: nothing is kept then. */
  const thisBoot = () => {
    boot ??= readBounded(bootFile, BOOT_BYTES_MAX).then(
      (text) => text?.trim() || undefined,
      () => undefined,
    );
    return boot;
  };

  return {
    async read(nowMs) {
      const now = await thisBoot();
      if (now === undefined) return NO_PORTS;
      if (await isAbsent(path)) {
        // Nobody who has nothing open needs a file.
        written = textOf(now, NO_PORTS);
        return NO_PORTS;
      }
      const text = await readBounded(path, BYTES_MAX).catch(() => undefined);
      const kept = parsedOrNothing(text);
      if (!isKept(kept)) return 'damaged';
      if (kept.boot !== now) return NO_PORTS;
      const ports = portsOfKept(kept.open, nowMs);
      if (ports) written = text;
      return ports ?? 'damaged';
    },
    async write(ports) {
      const now = await thisBoot();
      if (now === undefined) return;
      const text = textOf(now, ports);
      if (text === written) return;
      written = undefined;
      await writeDurably(path, text, { ours: true }).catch(async (error) => {
        // Rather nothing than what is no longer true: a port that was closed since would be opened again.
        await rm(path, { recursive: true, force: true }).catch(() => undefined);
        throw error;
      });
      written = text;
    },
  };
}

function textOf(boot: string, ports: PortsInForce): string {
  return `${JSON.stringify({ boot, open: keptOf(ports) })}\n`;
}

function isAbsent(path: string): Promise<boolean> {
  return lstat(path).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
  );
}
