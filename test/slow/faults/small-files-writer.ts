// Writes every small file of an edge's state directory once, each with a mark in it: what an agent keeps beside its bundles.
//   node small-files-writer.ts DIR MARK
import { join } from 'node:path';
import { createDownFile } from '../../../agent/adapters/down-file.ts';
import { createKernelSettings } from '../../../agent/adapters/kernel-settings.ts';
import { openLearnedEndpoints } from '../../../agent/adapters/learned-endpoints.ts';
import { saveToken } from '../../../agent/adapters/node-keys.ts';
import { createOpenPortsFile } from '../../../agent/adapters/open-ports-file.ts';
import { createPoolKeyring } from '../../../agent/adapters/pool-keyring.ts';
import { writeSettings } from '../../../agent/adapters/settings-file.ts';
import { createUsersDir } from '../../../agent/adapters/users-dir.ts';
import { createVisitsFile } from '../../../agent/adapters/visits-file.ts';
import { failureText } from '../../../bundle/error.ts';

const [stateDir = '', text = ''] = process.argv.slice(2);
const mark = Number(text);
const listen = { addresses: ['127.0.0.1'], httpPort: 8080, httpsPort: 8443 };
const settings = {
  node: 'tokyo-1',
  urls: [`http://127.0.0.1:${mark}`],
  fingerprint: 'f'.repeat(64),
  allow: '',
  listen,
};
const identity = { pool: 'default', epoch: mark, recipient: 'age1', identity: 'secret', wrappedFor: {} };
const own = [{ interfaceName: `i${mark}`, name: 'forwarding' as const, everywhere: false }];

try {
  await writeSettings(stateDir, settings);
  await saveToken(stateDir, `token.${mark}`);
  const peer = { publicKey: `${'A'.repeat(43)}=`, endpoint: `192.0.2.1:${mark}` };
  await openLearnedEndpoints(join(stateDir, 'endpoints.json')).remember([peer]);
  await createPoolKeyring(join(stateDir, 'pool.key')).save(identity);
  await createVisitsFile(join(stateDir, 'answers.json')).write([
    { hostname: 'a.test', route: mark.toString(16).padStart(64, '0') },
  ]);
  await createDownFile(join(stateDir, 'backends-down.json')).write([
    { id: `tcp 10.100.1.1:8080 ${'a'.repeat(16)}`, sinceMs: mark, reason: 'timeout: no answer' },
  ]);
  await createOpenPortsFile(join(stateDir, 'open-ports.json')).write({
    declared: [{ port: mark }],
    closing: new Map(),
  });
  await createUsersDir({ dir: join(stateDir, 'users') }).write(`${'a'.repeat(64)}.htpasswd`, `${mark}\n`);
  // No setting is turned: only what would be remembered is.
  await createKernelSettings({ stateDir }).turn('on', [], own);
} catch (error) {
  console.error(failureText(error));
  process.exit(1);
}
