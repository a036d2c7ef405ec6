// Ports over a restart of the agent, with the real file: what was about to close closes when it would have.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NodeConfig } from '../bundle/config.ts';
import { createOpenPortsFile } from './adapters/open-ports-file.ts';
import { parseAllowList } from './core/allow-list.ts';
import { LINGER_MS } from './core/closing-ports.ts';
import { createOpenPorts, type OpenPorts } from './open-ports.ts';
import { createTunnelFilter, type TunnelFilter } from './tunnel-filter.ts';
import { edgeBundle, originBundle } from './verified.fixture.ts';

const START = 5_000_000;

let dir: string;
let path: string;
let nowMs: number;
let lines: string[];
let filter: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kokoa-ports-'));
  path = join(dir, 'open-ports.json');
  [nowMs, lines, filter] = [START, [], ''];
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** As an agent that was just started has it. */
function start(allow = '8080-8089'): TunnelFilter {
  return createTunnelFilter({
    interfaceName: 'kokoa0',
    allow: parseAllowList(allow),
    ports: openPorts(),
    firewall: {
      async apply(ruleset) {
        filter = ruleset;
      },
      matches: async () => true,
      droppedByOthers: async () => 0,
      remove: async () => undefined,
    },
    forwarding: {
      routing: { devices: async () => new Map(), networks: async () => [] },
      settings: { read: async () => ({ everywhere: false, on: [], own: [] }), turn: async () => undefined },
    },
  });
}

function openPorts(): OpenPorts {
  const say = (_: object, message: string) => void lines.push(message);
  const store = createOpenPortsFile(path, '/proc/sys/kernel/random/boot_id');
  return createOpenPorts({ store, log: { info: say, warn: say }, now: () => nowMs });
}

const at = (...ports: number[]): NodeConfig => ({ ...originBundle([]).config, origin: { ports } }) as NodeConfig;
const opened = () => /set ports [^=]*= \{ ([^}]*) \}/.exec(filter)?.[1] ?? 'none';

describe('a port that no route declares any more', () => {
  it('stays open over a restart of the agent, and closes when it would have', async () => {
    const first = start();
    await first.make(at(8080));
    await first.make(at(8081));
    expect(opened()).toBe('8080, 8081');

    nowMs += LINGER_MS - 1;
    filter = '';
    const second = start();
    await second.make(at(8081));
    expect([opened(), second.hasPortsToClose()]).toEqual(['8080, 8081', false]);
    nowMs += 1;
    expect(second.hasPortsToClose()).toBe(true);
    await second.make(at(8081));
    expect([opened(), second.hasPortsToClose()]).toEqual(['8081', false]);
    await start().make(at(8081));
    expect(opened()).toBe('8081');
  });

  it('stays open when the restarted agent begins with the configuration before the last', async () => {
    const first = start();
    await first.make(at(8080));
    await first.make(at(8081));
    const second = start();
    await second.make(at(8080));
    expect(opened()).toBe('8080, 8081');
    await second.make(at(8081));
    expect(opened()).toBe('8080, 8081');
  });

  it('is closed by an owner who does not allow it any more', async () => {
    const first = start();
    await first.make(at(8080));
    await first.make(at());
    await start('8081').make(at());
    expect(opened()).toBe('none');
  });

  it('is on disk before anything is opened or closed by it, and a config that cannot be written is not', async () => {
    const first = start();
    await first.make(at(8080));
    const kept = await readFile(path, 'utf8');
    await expect(first.make(at(0))).rejects.toMatchObject({ code: 'bad_firewall' });
    expect(await readFile(path, 'utf8')).toBe(kept);
  });
});

describe('a list that nobody can use', () => {
  it.each([
    ['torn', '{"boot":"'],
    ['empty', ''],
    ['of a hostile hand', JSON.stringify({ boot: 'x', open: [{ port: 8085, untilMs: 1e300 }, { port: -1 }] })],
  ])('%s opens nothing, is said once, and is replaced', async (_, text) => {
    await writeFile(path, text);
    const filter = start();
    expect(await Promise.all([filter.differs(at(8080)), filter.differs(at(8080))])).toEqual([true, true]);
    await filter.make(at(8080));
    await filter.make(at(8080));
    expect(opened()).toBe('8080');
    expect(lines).toEqual(['the list of open ports was damaged; only what routes declare is open']);
    await start().make(at(8080));
    expect(lines).toHaveLength(1);
  });

  it('because the disk fails changes no port, and is said once', async () => {
    await mkdir(join(dir, 'gone'));
    path = join(dir, 'gone', 'open-ports.json');
    const filter = start();
    await filter.make(at(8080));
    await rm(join(dir, 'gone'), { recursive: true });
    await filter.make(at(8081));
    await filter.make(at(8082));
    expect(opened()).toBe('8080, 8081, 8082');
    await mkdir(join(dir, 'gone'));
    await filter.make(at(8082));
    expect(lines).toEqual([
      'the list of open ports cannot be kept for a restart',
      'the list of open ports is kept again',
    ]);
  });
});

it('an edge has no port to keep', async () => {
  await start().make(edgeBundle(['a.test']).config);
  await expect(readFile(path)).rejects.toMatchObject({ code: 'ENOENT' });
});
