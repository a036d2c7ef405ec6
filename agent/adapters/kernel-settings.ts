// /proc/sys/net/ipv4, a few files of it. Law: only the two settings of single interfaces are written, never those of all interfaces;
// what is turned on is on disk before it is on, so that a killed agent turns it off again; after a reboot nothing is remembered.
import { join } from 'node:path';
import { KokoaError } from '../../bundle/error.ts';
import { shape } from '../../bundle/shape.ts';
import { isInterfaceName } from '../core/firewall.ts';
import type { KernelSetting, KernelSettings, OwnSetting } from '../ports/kernel-settings.ts';
import { readBounded, writeDurably } from './durable-write.ts';
import { runProgram } from './program.ts';

const FOLDER = '/proc/sys/net/ipv4';
const EVERYWHERE = `${FOLDER}/ip_forward`;
const BOOT = '/proc/sys/kernel/random/boot_id';
/** Of the kernel, for all interfaces at once. */
const NOT_ONE_INTERFACE = ['all', 'default'];
const BYTES_MAX = 64 * 1024;
const SETTINGS_MAX = 300;

export interface KernelSettingsOptions {
  /** Holds `kernel-settings.json`. */
  stateDir: string;
  /** Put before every command, e.g. `['ip', 'netns', 'exec', NAME]`. */
  commandPrefix?: readonly string[];
}

interface Memory {
  /** The kernel's id of the boot in which this was true. */
  boot: string;
  own: OwnSetting[];
}

const isMemory = shape<Memory>({
  type: 'object',
  additionalProperties: false,
  required: ['boot', 'own'],
  properties: {
    boot: { type: 'string', maxLength: 100 },
    own: {
      type: 'array',
      maxItems: SETTINGS_MAX,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['interfaceName', 'name', 'everywhere'],
        properties: {
          interfaceName: { type: 'string', maxLength: 15 },
          name: { enum: ['forwarding', 'route_localnet'] },
          everywhere: { type: 'boolean' },
        },
      },
    },
  },
});

export function createKernelSettings({ stateDir, commandPrefix = [] }: KernelSettingsOptions): KernelSettings {
  const memoryPath = join(stateDir, 'kernel-settings.json');
  let remembered: Memory | undefined;

  /** What is damaged, or from another boot, is nothing: files are written whole, and a reboot turns everything off. */
  async function recall(boot: string): Promise<OwnSetting[]> {
    remembered ??= parseMemory(await readBounded(memoryPath, BYTES_MAX));
    if (remembered === undefined || remembered.boot !== boot) remembered = { boot, own: [] };
    return remembered.own;
  }

  async function remember(own: readonly OwnSetting[]): Promise<void> {
    const next: Memory = { boot: await bootOf(), own: [...own] };
    if (JSON.stringify(next) === JSON.stringify(remembered)) return;
    await writeDurably(memoryPath, `${JSON.stringify(next)}\n`, { ours: true });
    remembered = next;
  }

  /** Path → value of those that exist. */
  async function readAll(paths: readonly string[]): Promise<Map<string, string>> {
    const { stdout } = await runProgram([...commandPrefix, 'grep', '-sH', '', ...paths]);
    const values = stdout.split('\n').flatMap((line) => {
      // Interface names may hold a colon, values do not.
      const at = line.lastIndexOf(':');
      return at > 0 ? [[line.slice(0, at), line.slice(at + 1)] as const] : [];
    });
    return new Map(values);
  }

  async function bootOf(): Promise<string> {
    const boot = (await readAll([BOOT])).get(BOOT);
    if (boot === undefined) throw failed(`cannot read ${BOOT}`);
    return boot;
  }

  async function write(setting: KernelSetting, value: '0' | '1'): Promise<void> {
    const path = pathOf(setting);
    const { reason } = await runProgram([...commandPrefix, 'tee', path], { input: value });
    const now = (await readAll([path])).get(path);
    // An interface that is gone has no settings to take back.
    if (now !== value && !(value === '0' && now === undefined)) throw failed(reason || `${path} stays ${now}`);
  }

  return {
    async read(asked) {
      const first = await readAll([BOOT, EVERYWHERE, ...asked.map(pathOf)]);
      const boot = first.get(BOOT);
      const everywhere = first.get(EVERYWHERE);
      if (boot === undefined || everywhere === undefined) throw failed(`cannot read ${EVERYWHERE}`);
      const own = await recall(boot);
      const values = new Map([...first, ...(own.length > 0 ? await readAll(own.map(pathOf)) : [])]);
      const settings = new Map([...asked, ...own].map((setting) => [pathOf(setting), setting]));
      const on = [...settings].filter(([path]) => values.get(path) === '1');
      return {
        everywhere: everywhere === '1',
        on: on.map(([, { interfaceName, name }]) => ({ interfaceName, name })),
        own,
      };
    },
    async turn(to, settings, own) {
      settings.forEach(pathOf);
      if (to === 'on') await remember(own);
      for (const setting of settings) await write(setting, to === 'on' ? '1' : '0');
      if (to === 'off') await remember(own);
    },
  };
}

/** @throws KokoaError kernel_setting_failed for what is no single interface */
function pathOf({ interfaceName, name }: KernelSetting): string {
  if (!isInterfaceName(interfaceName) || NOT_ONE_INTERFACE.includes(interfaceName)) {
    throw failed(`"${interfaceName.slice(0, 20)}" is not the name of one interface`);
  }
  return `${FOLDER}/conf/${interfaceName}/${name}`;
}

function parseMemory(text: string | undefined): Memory | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return isMemory(value) && value.own.every(({ interfaceName }) => isInterfaceName(interfaceName))
      ? value
      : undefined;
  } catch {
    return undefined;
  }
}

function failed(reason: string): KokoaError {
  return new KokoaError('kernel_setting_failed', `cannot set up the forwards of this machine: ${reason}`, {
    hint: 'the agent must be root, and /proc/sys writable (in a container: not without --privileged or --sysctl)',
  });
}
