// The sample program of docs/dns.md, as it stands there: it keeps the whole contract.
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zoneContract } from '../../test/contract/dns-zone.ts';
import { nameRecords } from '../core/dns/record-set.ts';
import { createExecZone } from './dns-exec.ts';
import { type KeptRecord, plain } from './dns-exec-program.fixture.ts';

const ZONE = 'hoge.com';
const DOCUMENT = new URL('../../docs/dns.md', import.meta.url);

zoneContract('the sample program of the documentation', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kokoa-sample-'));
  const file = join(folder, `${ZONE}.json`);
  const program = join(folder, 'sample');
  const [, sample = ''] = /```python\n((?:.|\n)*?)```/.exec(await readFile(DOCUMENT, 'utf8')) ?? [];
  await writeFile(program, sample.replace('/var/lib/zones', folder));
  await chmod(program, 0o755);
  await writeFile(file, JSON.stringify([{ name: ZONE, type: 'SOA', ttl: 300, value: 'ns.hoge.com.' }]));

  const kept = async () => JSON.parse(await readFile(file, 'utf8')) as KeptRecord[];
  const without = async (name: string, type: string) =>
    (await kept()).filter((one) => one.name !== name.toLowerCase() || one.type !== type);
  return {
    zone: ZONE,
    access: createExecZone({ zone: ZONE, program }),
    lists: true,
    // Nobody but the program writes its file, and it keeps what it was told: canonical values.
    async put(name, type, ttl, values) {
      const added = values.map((value) => ({ name: name.toLowerCase(), type, ttl, value: plain({ type, value }) }));
      await writeFile(file, JSON.stringify([...(await without(name, type)), ...added]));
    },
    async remove(name, type) {
      await writeFile(file, JSON.stringify(await without(name, type)));
    },
    async stands(name) {
      return nameRecords((await kept()).filter((one) => one.name === name));
    },
    close: () => rm(folder, { recursive: true }),
  };
});
