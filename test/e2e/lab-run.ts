// A run of the lab as a process of its own, so that a test can end it in every way a run ends.
//   node lab-run.ts wait|throw|end|keep     prints its prefix when everything is up
import { once } from 'node:events';
import { buildNetwork } from '../../lab/network.ts';
import { createRun } from '../../lab/run.ts';

const ending = process.argv[2] ?? 'wait';
const run = createRun({ keep: ending === 'keep' });
const { hosts } = await buildNetwork(run);
const edge = hosts['edge-1'];

// A program that left its parent's session and group behind, as nginx does.
const detached = edge.start('shell', 'setsid', ['--fork', 'sleep', '600']);
await detached.ended();
const tunnel = edge.start('tunnel', 'wireguard-go', ['-f', edge.wireguardInterface], {
  env: { WG_PROCESS_FOREGROUND: '1', LOG_LEVEL: 'verbose' },
});
await tunnel.ready(/UAPI listener started/);

process.stdout.write(`${run.prefix}\n`);
if (ending === 'throw') throw new Error('the run fails');
if (ending === 'wait') await once(process.stdin.resume(), 'end');
else {
  const failures = await run.end();
  if (failures.length > 0) throw new Error(failures.join('\n'));
}
