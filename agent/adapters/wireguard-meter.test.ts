import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWireguardMeter } from './wireguard-meter.ts';

const KEY = 'UhpzVbhbsJSOUcN34fQ8IzLUPLuabR78/D/mgFt29TI=';
const OTHER = '+dNwzrmVOrveArTp+oO41fAVVFV3v6WRtU0ig9bRC0Y=';
const DEVICES = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:       0       0    0    0    0     0          0         0        7       0    0    0    0     0       0          0
kokoa01:      5       1    0    0    0     0          0         0        9       1    0    0    0     0       0          0
kokoa0: 1234567890123 9    0    0    0     0          0         0      480       5    0    0    0     0       0          0
`;

let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kokoa-meter-'));
});

afterAll(() => rm(dir, { recursive: true }));

/** A meter for which `wg` prints this text. */
async function meterOf({ printed = '', devices = DEVICES, interfaceName = 'kokoa0' }) {
  const devicesFile = join(dir, 'devices');
  await writeFile(devicesFile, devices);
  const program = 'process.stdout.write(process.argv[1])';
  return createWireguardMeter({
    interfaceName,
    devicesFile,
    commandPrefix: [process.execPath, '-e', program, printed],
  });
}

describe('read', () => {
  test('answers what wg printed for each peer', async () => {
    const meter = await meterOf({ printed: `${KEY}\t92\t148\n${OTHER}\t0\t9007199254740991\n` });
    expect(await meter.read()).toEqual(
      new Map([
        [KEY, { received: 92, sent: 148 }],
        [OTHER, { received: 0, sent: Number.MAX_SAFE_INTEGER }],
      ]),
    );
    expect((await (await meterOf({})).read()).size).toBe(0);
  });

  test.each([
    ['no key', 'home\t1\t2\n'],
    ['a negative count', `${KEY}\t-1\t2\n`],
    ['two fields', `${KEY}\t1\n`],
    ['four fields', `${KEY}\t1\t2\t3\n`],
    ['words', 'Unable to access interface\n'],
  ])('refuses %s', async (_, printed) => {
    await expect((await meterOf({ printed })).read()).rejects.toMatchObject({ code: 'tunnel_failed' });
  });

  test('fails where wg does', async () => {
    const meter = createWireguardMeter({ interfaceName: 'kokoa0', commandPrefix: ['false'] });
    await expect(meter.read()).rejects.toMatchObject({ code: 'tunnel_failed' });
  });
});

describe('sent', () => {
  test.each<[string, string, string, number | undefined]>([
    ['an interface', 'kokoa0', DEVICES, 480],
    ['one whose name begins the same', 'kokoa01', DEVICES, 9],
    ['one that is not there', 'kokoa', DEVICES, undefined],
    ['a table of another form', 'kokoa0', 'kokoa0: 1 2', undefined],
    ['nothing', 'kokoa0', '', undefined],
  ])('of %s', async (_, interfaceName, devices, expected) => {
    expect(await (await meterOf({ interfaceName, devices })).sent()).toBe(expected);
  });

  test('reads the kernel’s table', async () => {
    const meter = createWireguardMeter({ interfaceName: 'lo' });
    expect(await meter.sent()).toBeGreaterThanOrEqual(0);
  });
});

test.each(['', '-x', 'a b', 'a'.repeat(16)])('the interface name %j is refused', (interfaceName) => {
  expect(() => createWireguardMeter({ interfaceName })).toThrow(
    expect.objectContaining({ code: 'bad_interface_name' }),
  );
});
