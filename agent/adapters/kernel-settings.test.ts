import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { addHost, type Host, ip } from '../../lab/namespace.ts';
import { createRun, type Run } from '../../lab/run.ts';
import type { KernelSetting, OwnSetting } from '../ports/kernel-settings.ts';
import { createKernelSettings } from './kernel-settings.ts';

const LAN: OwnSetting = { interfaceName: 'lan0', name: 'forwarding', everywhere: false };
const DOTTED: OwnSetting = { interfaceName: 'lan0.5', name: 'forwarding', everywhere: false };
const LOCALNET: OwnSetting = { interfaceName: 'lan0', name: 'route_localnet', everywhere: false };
const plain = ({ interfaceName, name }: KernelSetting) => ({ interfaceName, name });

let run: Run;
let host: Host;
let stateDir: string;

beforeAll(async () => {
  run = createRun();
  host = await addHost(run, 'origin');
  await ip(['-n', host.namespace!, '-batch', '-'], 'link add lan0 type veth peer name lan0.5\n');
  await write('ip_forward', '0');
});

beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'kernel-settings-'));
});

afterEach(async () => {
  rmSync(stateDir, { recursive: true });
  for (const file of ['lan0/forwarding', 'lan0.5/forwarding', 'lan0/route_localnet']) await write(`conf/${file}`, '0');
});

afterAll(async () => {
  expect(await run.end()).toEqual([]);
});

/** As a newly started agent would. */
const start = () => createKernelSettings({ stateDir, commandPrefix: ['ip', 'netns', 'exec', host.namespace!] });

async function write(file: string, value: string): Promise<void> {
  await host.exec('tee', [`/proc/sys/net/ipv4/${file}`], { input: value });
}

async function values(): Promise<string> {
  const files = ['ip_forward', 'conf/all/forwarding', 'conf/default/forwarding', 'conf/all/route_localnet'];
  const ours = ['conf/lan0/forwarding', 'conf/lan0.5/forwarding', 'conf/lan0/route_localnet'];
  const paths = [...files, ...ours].map((file) => `/proc/sys/net/ipv4/${file}`);
  return (await host.exec('cat', paths)).stdout.replaceAll('\n', '');
}

describe('kernel settings', () => {
  test('are written for the interfaces named and for no other, read, remembered and taken back', async () => {
    const settings = start();
    await settings.turn('on', [LAN, DOTTED, LOCALNET].map(plain), [LAN, DOTTED, LOCALNET]);
    expect(await values()).toBe('0000111');
    expect(await start().read([plain(LAN)])).toEqual({
      everywhere: false,
      on: [LAN, DOTTED, LOCALNET].map(plain),
      own: [LAN, DOTTED, LOCALNET],
    });
    await start().turn('off', [plain(DOTTED)], [LAN, LOCALNET]);
    expect(await values()).toBe('0000101');
    expect((await start().read([])).own).toEqual([LAN, LOCALNET]);
  });

  test('say when the whole machine forwards', async () => {
    await write('ip_forward', '1');
    expect(await start().read([plain(LAN)])).toEqual({ everywhere: true, on: [plain(LAN)], own: [] });
    await write('ip_forward', '0');
    expect(await start().read([plain(LAN)])).toEqual({ everywhere: false, on: [], own: [] });
  });

  test('are remembered before they are turned on', async () => {
    const gone: OwnSetting = { ...LAN, interfaceName: 'gone0' };
    await expect(start().turn('on', [plain(gone)], [gone])).rejects.toMatchObject({ code: 'kernel_setting_failed' });
    expect((await start().read([])).own).toEqual([gone]);
    await start().turn('off', [plain(gone)], []);
    expect((await start().read([])).own).toEqual([]);
  });

  test.each(['all', 'default', '..', '.', '', 'lan0/..', '../../../kernel', 'a'.repeat(16), 'lan0\n'])(
    'of %j, which is no single interface, are not touched',
    async (interfaceName) => {
      const setting: OwnSetting = { ...LAN, interfaceName };
      await expect(start().turn('on', [LAN, setting].map(plain), [setting])).rejects.toMatchObject({
        code: 'kernel_setting_failed',
      });
      await expect(start().read([setting])).rejects.toMatchObject({ code: 'kernel_setting_failed' });
      expect(await values()).toBe('0000000');
    },
  );
});

describe('what is remembered', () => {
  const memory = () => join(stateDir, 'kernel-settings.json');

  test('is nothing after a reboot', async () => {
    await start().turn('on', [plain(LAN)], [LAN]);
    writeFileSync(memory(), readFileSync(memory(), 'utf8').replace(/"boot":"[^"]+"/, '"boot":"another"'));
    expect((await start().read([plain(LAN)])).own).toEqual([]);
  });

  test.each([
    ['empty', ''],
    ['torn', '{"boot":"'],
    ['of another shape', '{"boot":"x","own":[{"interfaceName":"lan0","name":"rp_filter","everywhere":false}]}'],
    ['about a path', '{"boot":"x","own":[{"interfaceName":"../all","name":"forwarding","everywhere":false}]}'],
    ['too large', `"${'x'.repeat(70_000)}"`],
  ])('is nothing when the file is %s', async (_, text) => {
    await start().turn('on', [plain(LAN)], [LAN]);
    const { boot } = JSON.parse(readFileSync(memory(), 'utf8')) as { boot: string };
    writeFileSync(memory(), text.replace('"boot":"x"', `"boot":"${boot}"`));
    expect((await start().read([])).own).toEqual([]);
  });
});
