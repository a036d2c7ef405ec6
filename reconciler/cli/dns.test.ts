// `kokoa dns` against a real DNS server, with a store and keys as a reconciler leaves them.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type DnsFolder, openDnsFolder } from './dns.fixture.ts';

let at: DnsFolder;
beforeEach(async () => {
  at = await openDnsFolder();
});
afterEach(() => at.close());

describe('kokoa dns', () => {
  test('says what it would write, writes it, and then has nothing to do', async () => {
    const plan = await at.dns('plan');
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
    const apply = await at.dns('apply');
    expect(apply).toMatchObject({ exitCode: 0 });
    expect(apply.stdout).toContain('hoge.com: 2 written and read back, 0 left');
    expect(apply.stderr).toBe('hoge.com: 2 of 2\n');
    expect((await at.dns('plan')).stdout).toContain('hoge.com (rfc2136): 2 as they should be\n');
    const again = await at.dns('apply');
    expect(again).toMatchObject({ exitCode: 0, stderr: '' });
    expect(again.stdout).not.toContain('written');
    await at.gone('app.hoge.com');
    await at.host('wiki.hoge.com');
    expect((await at.dns('apply')).stdout).toMatch(/ {2}\+ wiki\.hoge\.com .*\n {2}- app\.hoge\.com/);
    expect((await at.dns('plan')).stdout).toContain('hoge.com (rfc2136): 2 as they should be\n');
  });

  test('leaves what is somebody else’s, and takes over what a person says', async () => {
    await at.host('www.hoge.com');
    await at.host('mail.hoge.com');
    const apply = await at.dns('apply');
    expect(apply.stdout).toContain('! www.hoge.com                   A 203.0.113.9 stands there, and is not ours');
    expect(apply.stdout).toContain('! mail.hoge.com                  MX stands beside it, and a CNAME stands alone');
    expect(apply.stdout).toContain('to take names over as they are: kokoa dns adopt NAME');
    const adopt = await at.dns('adopt', 'www.hoge.com');
    expect(adopt).toMatchObject({ exitCode: 0 });
    expect(adopt.stdout).toContain('* www.hoge.com                   A 203.0.113.9 → CNAME edges.hoge.com');
    const after = (await at.dns('plan')).stdout;
    expect(after).toContain('1 in the way, 3 as they should be');
    expect(after).not.toContain('www.hoge.com');
    expect(await at.dns('adopt', 'mail.hoge.com')).toMatchObject({
      stdout: expect.stringContaining('! mail.hoge.com'),
    });
  });

  test('holds back many deletions until their number is said', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `h${index}.hoge.com`);
    for (const name of names) await at.host(name);
    await at.dns('apply');
    for (const name of names) await at.gone(name);
    const held = await at.dns('apply');
    expect(held).toMatchObject({ exitCode: 1 });
    expect(held.stdout).toContain('12 deletions held back');
    expect(held.stdout).toContain('waits for you: kokoa dns apply --allow-deletions 12');
    expect(await at.dns('apply', '--allow-deletions', '12')).toMatchObject({ exitCode: 0 });
    expect((await at.dns('plan')).stdout).toContain('hoge.com (rfc2136): 2 as they should be\n');
  });

  test.each<[string, string, string[], RegExp]>([
    ['a name that git does not want', 'adopt', ['nobody.hoge.com'], /nobody\.hoge\.com is no hostname that git wants/],
    ['a zone that is none', 'plan', ['--zone', 'fuga.com'], /fuga\.com is no zone of kokoa\.yaml.*\n.*hoge\.com/],
    ['a number that is none', 'apply', ['--allow-deletions', 'all'], /found --allow-deletions all, expected a number/],
    ['a place without a store', 'plan', ['--data', '/nonexistent', '--keys', '/nonexistent'], /nonexistent/],
  ])('%s is refused in words', async (_, command, args, words) => {
    const ran = await at.dns(command as 'plan', ...args);
    expect(ran.exitCode).toBeGreaterThan(0);
    expect(ran.stderr).toMatch(words);
  });

  test('a server that is dead, and credentials that are missing, are told with the zone', async () => {
    await rm(join(at.folder, 'secrets'), { recursive: true });
    expect((await at.dns('plan')).stderr).toMatch(/hoge\.com.*there is no such file/);
    await at.write('secrets/_zones/hoge-tsig', at.knot.keyText);
    await at.knot.close();
    const dead = await at.dns('plan');
    expect(dead.exitCode).toBe(1);
    expect(dead.stderr).toMatch(/^hoge\.com: 127\.0\.0\.1 port \d+/);
  });

  test('data with errors is written nowhere', async () => {
    await at.write('git/routes/hoge/bad.yaml', 'hostname: 1\n');
    const ran = await at.dns('apply');
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toContain('nothing is written into DNS for data with errors');
  });

  test('a directory that is not the reconciler’s leads nobody to make another installation', async () => {
    const elsewhere = await at.dns('plan', '--data', join(at.folder, 'elsewhere'));
    expect(elsewhere.exitCode).not.toBe(0);
    expect(elsewhere.stderr).toContain('there is no store in');
    await rm(join(at.folder, 'data', 'keys'), { recursive: true });
    const keyless = await at.dns('plan');
    expect(keyless.exitCode).not.toBe(0);
    expect(keyless.stderr).toContain('(keys_missing)');
    expect(keyless.stderr.replace(/\s+/g, ' ')).toMatch(/name the directory that kokoa serve has as --keys/i);
    expect(elsewhere.stderr + keyless.stderr).not.toContain('keys init');
  });
});
