import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Settings } from '../ports/settings.ts';
import { checkSettings, readSettings, writeSettings } from './settings-file.ts';

const GOOD: Settings = {
  node: 'tokyo-1',
  urls: ['https://control.hoge.com:8443'],
  fingerprint: 'a'.repeat(64),
  caFile: '/var/lib/kokoa/control-plane-ca.pem',
  allow: '8080,9000-9010',
  interfaceName: 'kokoa0',
  listen: { addresses: ['0.0.0.0', '::'], httpPort: 80, httpsPort: 443 },
  address: { ipv4: '203.0.113.1', ipv6: '2001:db8::1' },
};

let dir: string;
let path: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kokoa-settings-'));
  path = join(dir, 'settings.json');
});

afterEach(() => rm(dir, { recursive: true, force: true }));

describe('settings', () => {
  it('come back as they were written, readable by nobody else', async () => {
    await writeSettings(dir, GOOD);
    expect(await readSettings(dir)).toEqual(GOOD);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('that are not there mean that nobody joined', async () => {
    await expect(readSettings(dir)).rejects.toMatchObject({
      code: 'not_joined',
      hint: expect.stringContaining('kokoa-agent join'),
    });
    await expect(readSettings(join(dir, 'nowhere'))).rejects.toMatchObject({ code: 'not_joined' });
  });

  const damages: [string, () => Promise<unknown>, string][] = [
    ['empty', () => writeFile(path, ''), 'settings_invalid'],
    ['cut short', async () => writeFile(path, JSON.stringify(GOOD).slice(0, 100)), 'settings_invalid'],
    ['binary', () => writeFile(path, Buffer.from([0xff, 0xfe, 0x00, 0x80])), 'settings_invalid'],
    ['a list', () => writeFile(path, '[]'), 'settings_invalid'],
    ['null', () => writeFile(path, 'null'), 'settings_invalid'],
    ['endless', () => writeFile(path, `{"node":"${'x'.repeat(70_000)}"}`), 'not_joined'],
    ['a folder', () => mkdir(path), 'not_joined'],
    ['a link to itself', () => symlink(path, path), 'not_joined'],
  ];

  it.each(damages)('that are %s are not used', async (_, damage, code) => {
    await damage();
    await expect(readSettings(dir)).rejects.toMatchObject({ code });
  });

  const strange: [string, object][] = [
    ['a name with a path', { node: '../../etc' }],
    ['a name in capitals', { node: 'Tokyo' }],
    ['no address of a control plane', { urls: [] }],
    ['many addresses', { urls: Array.from({ length: 9 }, () => 'https://a.test') }],
    ['a short fingerprint', { fingerprint: 'abc' }],
    ['a fingerprint in capitals', { fingerprint: 'A'.repeat(64) }],
    ['an interface name with a slash', { interfaceName: 'a/b' }],
    ['an interface name that is too long', { interfaceName: 'k'.repeat(16) }],
    ['a directive instead of an address', { listen: { ...GOOD.listen, addresses: ['0.0.0.0; include /etc/passwd'] } }],
    ['a name instead of an address', { listen: { ...GOOD.listen, addresses: ['localhost'] } }],
    ['no address to listen on', { listen: { ...GOOD.listen, addresses: [] } }],
    ['an address with a zone', { listen: { ...GOOD.listen, addresses: ['fe80::1%eth0'] } }],
    ['a port that is no number', { listen: { ...GOOD.listen, httpPort: Number.NaN } }],
    ['port 0', { listen: { ...GOOD.listen, httpPort: 0 } }],
    ['one port for both', { listen: { ...GOOD.listen, httpPort: 443 } }],
    ['an IPv6 address as IPv4', { address: { ipv4: '::1' } }],
    ['an unknown member', { password: 'x' }],
  ];

  it.each(strange)('with %s are neither written nor read', async (_, change) => {
    await expect(writeSettings(dir, { ...GOOD, ...change } as Settings)).rejects.toMatchObject({
      code: 'settings_invalid',
    });
    await expect(readFile(path)).rejects.toMatchObject({ code: 'ENOENT' });
    await writeFile(path, JSON.stringify({ ...GOOD, ...change }));
    await expect(readSettings(dir)).rejects.toMatchObject({ code: 'settings_invalid' });
  });

  it.each([
    ['http://control.hoge.com', 'bad_control_plane_url'],
    ['ftp://control.hoge.com', 'bad_control_plane_url'],
    ['https://user:word@control.hoge.com', 'bad_control_plane_url'],
    ['control.hoge.com', 'bad_control_plane_url'],
  ])('with the control plane %s are refused: the token would go there', async (url, code) => {
    await expect(writeSettings(dir, { ...GOOD, urls: [url] })).rejects.toMatchObject({ code });
  });

  it('with an allow-list that is none are refused', async () => {
    await expect(writeSettings(dir, { ...GOOD, allow: 'everything' })).rejects.toMatchObject({
      code: 'bad_allow_list',
    });
  });

  it.each<[object, string]>([
    [{ fingerprint: '1111' }, '--fingerprint: found "1111", expected 64 hex digits'],
    [{ listen: { ...GOOD.listen, httpPort: 99_999 } }, '--http-port: found 99999, expected a port from 1 to 65535'],
    [{ listen: { ...GOOD.listen, httpsPort: 'x' } }, '--https-port: found "x", expected a port from 1 to 65535'],
    [
      { listen: { ...GOOD.listen, addresses: ['eth0!'] } },
      '--listen: found "eth0!", expected up to 8 bare IP addresses',
    ],
    [{ listen: { ...GOOD.listen, addresses: [] } }, '--listen: found none, expected up to 8 bare IP addresses'],
    [{ interfaceName: 'a/b' }, '--interface: found "a/b", expected a letter, then up to 14 letters, digits, - and _'],
    [{ address: { ipv4: 'here' } }, '--address: found "here", expected a bare public IP address'],
  ])('that join was told wrongly are named by their option: %o', (change, message) => {
    expect(() => checkSettings({ ...GOOD, ...change })).toThrow(
      expect.objectContaining({ code: 'settings_invalid', message, hint: expect.not.stringContaining('join` again') }),
    );
  });

  it('leave what was there when they are refused', async () => {
    await writeSettings(dir, GOOD);
    await expect(writeSettings(dir, { ...GOOD, node: '' })).rejects.toThrow();
    expect(await readSettings(dir)).toEqual(GOOD);
  });
});
