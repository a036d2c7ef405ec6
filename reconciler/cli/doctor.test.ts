// `kokoa doctor` beside a real DNS server on loopback, a store and keys as a reconciler leaves them, and git servers that are not there.
import { cp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Finding, findingsText } from '../../checks/finding.ts';
import { createCertificateMaker } from '../../test/certificate-maker.ts';
import { startLoopbackKnot } from '../../test/loopback-knot.ts';
import { createPublicResolver } from '../adapters/dns-public.ts';
import { type DnsFolder, openDnsFolder } from './dns.fixture.ts';
import { doctor, registerDoctor } from './doctor.ts';
import type { DoctorOptions } from './doctor-options.ts';
import { runCommand } from './run-command.fixture.ts';

let at: DnsFolder;
beforeEach(async () => {
  at = await openDnsFolder();
  // Nobody there: no packet of a test leaves this machine.
  await edit('control.hoge.com', '127.0.0.1:1');
  await edit('acme-v02.api.letsencrypt.org', '127.0.0.1:2');
  await commit();
});
afterEach(() => at.close());

const git = () => join(at.folder, 'git');

async function edit(from: string, to: string): Promise<void> {
  const file = join(git(), 'kokoa.yaml');
  await writeFile(file, (await readFile(file, 'utf8')).replace(from, to));
}

async function commit(): Promise<void> {
  const run = (...args: string[]) => execa('git', ['-C', git(), '-c', 'user.name=x', '-c', 'user.email=x@x', ...args]);
  await run('init', '-q', '-b', 'main');
  await run('add', '-A');
  await run('commit', '-q', '-m', 'data');
}

const told = (): DoctorOptions => ({
  ...{
    repository: git(),
    data: join(at.folder, 'data'),
    secrets: join(at.folder, 'secrets'),
    listen: '127.0.0.1:8443',
  },
});

async function findings(
  options: Partial<DoctorOptions> = {},
  servers = [`127.0.0.1:${at.knot.port}`],
): Promise<Finding[]> {
  const resolver = createPublicResolver({ servers, timeoutMs: 300, tries: 1 });
  return doctor({ ...told(), ...options }, { resolver, version: '0.1.0' });
}

const said = (all: readonly Finding[], what: string) =>
  all.filter((one) => one.what.startsWith(what)).map(({ level, found }) => `${level}: ${found}`);

describe('kokoa doctor', () => {
  test('says all that it looked at within 80 columns, the worst first', async () => {
    await at.dns('apply');
    const text = findingsText(await findings())
      .replaceAll(/20\d\d-\d\d-\d\d/g, 'DAY')
      .replace(/\d+ MiB, \d+ MiB/, 'N MiB, N MiB')
      .replaceAll(git(), 'GIT');
    expect(text).toBe(`trouble   the control plane 127.0.0.1:1: no answer: ECONNREFUSED
  wanted  an answer, and a certificate that counts
  to do   see that kokoa serve runs, its --listen, and firewalls; agents reach
          it by these URLs alone
warning   the clock: nobody who was asked said what time it is
  wanted  a Date in an answer
  to do   see below who does not answer, then run it again
warning   the CA 127.0.0.1:2: no answer: ECONNREFUSED
  wanted  an answer, and a certificate that counts
  to do   let TCP 443 out of here, or correct acme in kokoa.yaml; edges order
          from there too
warning   the reconciler: it does not run with this --data
  to do   systemctl status kokoa-reconciler; or name its --data
ok        the name 127.0.0.1: 127.0.0.1, this machine
ok        the signing keys: development keys; the root ends on DAY
ok        the repository: on this machine, branch main
ok        the store: N MiB, N MiB are free
ok        programs: git, nsupdate, dig
ok        the zone hoge.com: rfc2136 answers
ok        the pool’s name edges.hoge.com: in public as in the zone:
          198.51.100.11

1 in trouble, 3 to look at, 7 well`);
  });

  test('ends with 1 for trouble, and as JSON says the same', async () => {
    // The resolver of this machine is nobody's to ask in a test.
    await edit(', hostname: edges.hoge.com', '');
    await commit();
    const { repository, data, secrets } = told();
    const args = ['doctor', '--repository', repository, '--data', data, '--secrets', secrets!, '-o', 'json'];
    const ran = await runCommand(registerDoctor, args);
    expect(ran).toMatchObject({ exitCode: 1, stderr: '' });
    const [first] = JSON.parse(ran.stdout) as Finding[];
    expect(first).toMatchObject({ level: 'trouble', what: expect.any(String), todo: expect.any(String) });
  }, 30_000);

  test('finds a zone that is not delegated: the public has another answer, or none', async () => {
    await at.dns('apply');
    const elsewhere = await startLoopbackKnot({ 'hoge.com': ['edges A 203.0.113.9'] });
    const silent = await findings({}, ['127.0.0.1:1']);
    const other = await findings({}, [`127.0.0.1:${elsewhere.port}`]);
    await elsewhere.close();
    expect(said(other, 'the pool’s name')).toEqual(['warning: in public it is 203.0.113.9']);
    expect(said(silent, 'the pool’s name')).toEqual(['warning: the resolver of this machine did not answer']);
  });

  test('finds credentials that are not there, and a provider that does not answer', async () => {
    const key = join(at.folder, 'secrets/_zones/hoge-tsig');
    await rename(key, `${key}.away`);
    expect(said(await findings(), 'the zone')).toEqual([
      expect.stringMatching(/^trouble: records of hoge.com cannot be written/),
    ]);
    await rename(`${key}.away`, key);
    await at.knot.close();
    expect(said(await findings(), 'the zone')).toEqual([expect.stringMatching(/^trouble: 127.0.0.1 port/)]);
  }, 30_000);

  test('finds what people have not set in a zone of theirs', async () => {
    await edit('provider: rfc2136', 'provider: manual');
    await edit(/, server: .*(?=\})/.exec(await kokoaText())![0], '');
    await commit();
    expect(said(await findings(), 'hoge.com, written by people')).toEqual([
      'warning: 1 of 1 names lead elsewhere or nowhere: app.hoge.com',
    ]);
  });

  test('finds development keys on an address that others reach, a store that is not there, and no keys', async () => {
    expect(said(await findings({ listen: '0.0.0.0:8443' }), 'the signing keys')[0]).toMatch(
      /^trouble: development keys/,
    );
    await cp(join(at.folder, 'data/keys'), join(at.folder, 'keys'), { recursive: true });
    const found = await findings({ data: join(at.folder, 'nowhere'), keys: join(at.folder, 'keys') });
    expect(said(found, 'the store')).toEqual([
      expect.stringMatching(/^warning: it could not be looked at: there is no store/),
    ]);
    await rm(join(at.folder, 'keys'), { recursive: true });
    expect(said(await findings({ keys: join(at.folder, 'keys') }), 'the signing keys')).toEqual([
      expect.stringMatching(/there are no keys/),
    ]);
  });

  test('finds a certificate of the API for other names, and a key of another', async () => {
    const maker = await createCertificateMaker();
    const days = (count: number) => new Date(Date.now() + count * 86_400_000);
    const [own, other] = [
      await maker.files({ names: ['IP:127.0.0.1'], notAfter: days(90) }),
      await maker.files({ names: ['DNS:x.hoge.com'], notAfter: days(3) }),
    ];
    const api = async (tlsCert: string, tlsKey: string) =>
      said(await findings({ tlsCert, tlsKey }), 'the certificate of the API');
    expect(await api(own.certFile, own.keyFile)).toEqual([expect.stringMatching(/^ok/)]);
    expect(await api(other.certFile, own.keyFile)).toEqual([
      expect.stringMatching(/--tls-key is not the key/),
      expect.stringMatching(/does not name 127.0.0.1/),
      expect.stringMatching(/^warning: it ends on/),
    ]);
    expect(await api(join(at.folder, 'none'), own.keyFile)).toEqual([
      expect.stringMatching(/^warning: it could not be looked at/),
    ]);
    await maker.close();
  });

  test('finds a git server that is not there, and says nothing of what it was given for it', async () => {
    const secret = join(at.folder, 'authorization');
    await writeFile(secret, 'Basic c2VjcmV0\n');
    const found = await findings({ repository: 'https://127.0.0.1:1/fleet.git', gitAuthorizationFile: secret });
    expect(said(found, 'the repository')).toEqual([expect.stringMatching(/^trouble: .*127\.0\.0\.1/)]);
    expect(said(found, 'the data')).toHaveLength(1);
    expect(said(found, 'the webhook')).toEqual([expect.stringMatching(/^warning: no --webhook-secret-file/)]);
    expect(JSON.stringify(found)).not.toContain('c2VjcmV0');
  });
});

async function kokoaText(): Promise<string> {
  return readFile(join(git(), 'kokoa.yaml'), 'utf8');
}
