// `kokoa dns` against a real DNS server, with a store and keys as a reconciler leaves them.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type LoopbackKnot, startLoopbackKnot } from '../../test/loopback-knot.ts';
import { createDevelopmentKeys } from '../adapters/key-files.ts';
import { openSqliteStore } from '../adapters/store-sqlite.ts';
import { registerDns } from './dns.ts';
import { runCommand } from './run-command.fixture.ts';

const ZONE = 'hoge.com';
let folder: string;
let knot: LoopbackKnot;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kokoa-dns-'));
  knot = await startLoopbackKnot(
    { [ZONE]: ['www A 203.0.113.9', 'mail MX 10 mx.elsewhere.example.'] },
    { acl: ['action: [update, transfer]'] },
  );
  await createDevelopmentKeys(join(folder, 'data', 'keys'), new Date());
  await (await openSqliteStore(join(folder, 'data', 'store'))).close();
  await write('secrets/_zones/hoge-tsig', knot.keyText);
  await write(
    'git/kokoa.yaml',
    `controlPlane: {urls: ['https://control.hoge.com']}
acme: {server: 'https://acme-v02.api.letsencrypt.org/directory'}
zones:
  - {name: ${ZONE}, provider: rfc2136, server: '127.0.0.1:${knot.port}', credentials: {file: hoge-tsig}}
teams: [{name: hoge, hostnames: ['*.hoge.com', hoge.com]}]
network: {wireguard: 10.100.0.0/16}
pools: [{name: default, hostname: edges.hoge.com}]
`,
  );
  await write(
    'git/origins/home.yaml',
    `name: home\nteams: [hoge]\nwireguard: {address: 10.100.1.1}\ntoken: '${'1'.repeat(64)}'\n`,
  );
  await write(
    'git/edges/tokyo-1.yaml',
    `name: tokyo-1\naddress: {ipv4: 198.51.100.11}\nwireguard: {address: 10.100.0.1}\ntoken: '${'2'.repeat(64)}'\n`,
  );
  await host('app.hoge.com');
});

afterEach(async () => {
  await knot.close();
  await rm(folder, { recursive: true, force: true });
});

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), text);
}

const host = (name: string) => write(`git/routes/hoge/${name}.yaml`, `hostname: "${name}"\norigin: home\nport: 8080\n`);
const gone = (name: string) => rm(join(folder, `git/routes/hoge/${name}.yaml`));

function dns(command: string, ...args: string[]) {
  const dir = command === 'adopt' ? [...args, '--dir', join(folder, 'git')] : [join(folder, 'git'), ...args];
  const places = ['--data', join(folder, 'data'), '--secrets', join(folder, 'secrets')];
  return runCommand(registerDns, ['dns', command, ...dir, ...places]);
}

describe('kokoa dns', () => {
  test('says what it would write, writes it, and then has nothing to do', async () => {
    const plan = await dns('plan');
    expect(plan).toMatchObject({ exitCode: 0, stderr: '' });
    expect(plan.stdout).toBe(
      [
        'hoge.com (rfc2136): 2 to write, 0 as they should be',
        '  + app.hoge.com                   CNAME edges.hoge.com',
        '  + edges.hoge.com                 A 198.51.100.11',
        '',
        '',
      ].join('\n'),
    );
    const apply = await dns('apply');
    expect(apply).toMatchObject({ exitCode: 0 });
    expect(apply.stdout).toContain('hoge.com: 2 written and read back, 0 left');
    expect(apply.stderr).toBe('hoge.com: 2 of 2\n');
    expect((await dns('plan')).stdout).toContain('hoge.com (rfc2136): 2 as they should be\n');
    const again = await dns('apply');
    expect(again).toMatchObject({ exitCode: 0, stderr: '' });
    expect(again.stdout).not.toContain('written');
    await gone('app.hoge.com');
    await host('wiki.hoge.com');
    expect((await dns('apply')).stdout).toMatch(/ {2}\+ wiki\.hoge\.com .*\n {2}- app\.hoge\.com/);
    expect((await dns('plan')).stdout).toContain('hoge.com (rfc2136): 2 as they should be\n');
  });

  test('leaves what is somebody else’s, and takes over what a person says', async () => {
    await host('www.hoge.com');
    await host('mail.hoge.com');
    const apply = await dns('apply');
    expect(apply.stdout).toContain('! www.hoge.com                   A 203.0.113.9 stands there, and is not ours');
    expect(apply.stdout).toContain('! mail.hoge.com                  MX stands beside it, and a CNAME stands alone');
    expect(apply.stdout).toContain('to take names over as they are: kokoa dns adopt NAME');
    const adopt = await dns('adopt', 'www.hoge.com');
    expect(adopt).toMatchObject({ exitCode: 0 });
    expect(adopt.stdout).toContain('* www.hoge.com                   A 203.0.113.9 → CNAME edges.hoge.com');
    const after = (await dns('plan')).stdout;
    expect(after).toContain('1 in the way, 3 as they should be');
    expect(after).not.toContain('www.hoge.com');
    expect(await dns('adopt', 'mail.hoge.com')).toMatchObject({ stdout: expect.stringContaining('! mail.hoge.com') });
  });

  test('holds back many deletions until their number is said', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `h${index}.hoge.com`);
    for (const name of names) await host(name);
    await dns('apply');
    for (const name of names) await gone(name);
    const held = await dns('apply');
    expect(held).toMatchObject({ exitCode: 1 });
    expect(held.stdout).toContain('12 deletions held back');
    expect(held.stdout).toContain('waits for you: kokoa dns apply --allow-deletions 12');
    expect(await dns('apply', '--allow-deletions', '12')).toMatchObject({ exitCode: 0 });
    expect((await dns('plan')).stdout).toContain('hoge.com (rfc2136): 2 as they should be\n');
  });

  test.each<[string, string, string[], RegExp]>([
    ['a name that git does not want', 'adopt', ['nobody.hoge.com'], /nobody\.hoge\.com is no hostname that git wants/],
    ['a zone that is none', 'plan', ['--zone', 'fuga.com'], /fuga\.com is no zone of kokoa\.yaml.*\n.*hoge\.com/],
    ['a number that is none', 'apply', ['--allow-deletions', 'all'], /found --allow-deletions all, expected a number/],
    ['a place without a store', 'plan', ['--data', '/nonexistent', '--keys', '/nonexistent'], /nonexistent/],
  ])('%s is refused in words', async (_, command, args, words) => {
    const ran = await dns(command, ...args);
    expect(ran.exitCode).toBeGreaterThan(0);
    expect(ran.stderr).toMatch(words);
  });

  test('a server that is dead, and credentials that are missing, are told with the zone', async () => {
    await rm(join(folder, 'secrets'), { recursive: true });
    expect((await dns('plan')).stderr).toMatch(/hoge\.com.*there is no such file/);
    await write('secrets/_zones/hoge-tsig', knot.keyText);
    await knot.close();
    const dead = await dns('plan');
    expect(dead.exitCode).toBe(1);
    expect(dead.stderr).toMatch(/^hoge\.com: 127\.0\.0\.1 port \d+/);
  });

  test('data with errors is written nowhere', async () => {
    await write('git/routes/hoge/bad.yaml', 'hostname: 1\n');
    const ran = await dns('apply');
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toContain('nothing is written into DNS for data with errors');
  });
});
