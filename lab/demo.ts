// `npm run demo`: the whole product on this machine, one line per assertion. Exit 0, or 1 with the first failure explained.
import { parseArgs } from 'node:util';
import { CHAPTERS, playScene } from './chapters.ts';
import { startFleet } from './fleet.ts';
import { removeKept } from './janitor.ts';
import { toPlayWith } from './keep.ts';
import { loopbackObstacle } from './loopback-mode.ts';
import { startLoopback } from './loopback-world.ts';
import { labMode } from './prerequisites.ts';
import { createRun } from './run.ts';
import { type Scene, seconds } from './story.ts';
import { tell, tellFailure, tellHeading, tellHeld } from './tell.ts';
import type { World } from './world.ts';

const HELP = `npm run demo                 plays the whole product on this machine: a git push
                             puts hostnames on two edges, over real nginx,
                             certbot and WireGuard, each host in a network
                             namespace of its own
npm run demo -- --keep       leaves everything up, with commands to play with
npm run demo -- --end        ends everything that was kept
npm run demo -- --end k1a2b  ends one
npm run demo -- --help       this

As root on Linux it plays everything. Elsewhere it plays what works on loopback,
without tunnels, and says what it skipped.
Exit: 0 all held, 1 one did not, 2 wrong usage.`;

const began = performance.now();
const options = readOptions();
if (options?.help) console.log(HELP);
else if (options?.end) end(options.prefix);
else if (options) await play(options.keep);

function readOptions() {
  const boolean = { type: 'boolean', default: false } as const;
  try {
    const { values, positionals } = parseArgs({
      options: { keep: boolean, end: boolean, help: { ...boolean, short: 'h' } },
      allowPositionals: true,
    });
    if (positionals.length > (values.end ? 1 : 0)) throw new TypeError(`unexpected: ${positionals.join(' ')}`);
    return { ...values, prefix: positionals[0] };
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP}`);
    process.exitCode = 2;
    return undefined;
  }
}

function end(prefix: string | undefined): void {
  const ended = removeKept(prefix);
  console.log(ended.length === 0 ? 'nothing was kept' : `ended ${ended.join(', ')}`);
}

async function play(keep: boolean): Promise<void> {
  const lab = labMode();
  const obstacle = lab.mode === 'full' ? undefined : loopbackObstacle(lab.why);
  if (obstacle !== undefined) {
    for (const paragraph of obstacle) tell(paragraph);
    process.exitCode = 1;
    return;
  }
  let interrupted = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, () => {
      interrupted = true;
      console.log('\ninterrupted; everything is being removed');
    });
  }
  const run = createRun({ keep });
  const counts = { held: 0, skipped: 0 };
  let current = 'the lab starts';
  try {
    const world = lab.mode === 'full' ? await startFleet(run) : await startLoopback(run);
    console.log(`the lab is up (${seconds(performance.now() - began)})`);
    for (const [name, chapter] of Object.entries(CHAPTERS)) {
      tellHeading(name);
      for (const scene of chapter) {
        current = scene.title;
        counts[await playAndTell(scene, world)] += 1;
      }
    }
    console.log(`\n${counts.held} assertions held in ${seconds(performance.now() - began)}`);
    if (keep) for (const line of await toPlayWith(world)) console.log(line);
    tell(lab.mode === 'full' ? 'mode: full' : `mode: loopback, skipped: ${counts.skipped} (${lab.why})`);
  } catch (error) {
    // Whatever fails while the lab is being taken away says nothing; the run ends the process with the signal's code.
    if (interrupted) return;
    tellFailure(current, error, run.directory);
    console.log('');
    if (keep) tell(`Everything stays up, in ${run.directory}; npm run demo -- --end ${run.prefix} ends it.`);
    else tell('npm run demo -- --keep leaves everything up to look at.');
    process.exitCode = 1;
  } finally {
    for (const failure of await run.end()) console.error(`clean-up: ${failure}`);
  }
}

async function playAndTell(scene: Scene, world: World): Promise<'held' | 'skipped'> {
  const since = performance.now();
  const played = await playScene(scene, world);
  if (played.kind === 'held') tellHeld(scene, played.note, performance.now() - since);
  return played.kind;
}
