// The mirror of the repository, while git itself fails: each process of a fetch is traced by itself. Law: the newest commit known is the old one
// or the new one, it can be read whole, and the next fetch brings what is missing without a person.
import { chmod, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { KokoaError } from '../../../bundle/error.ts';
import { openGitSource } from '../../../reconciler/adapters/git.ts';
import type { FaultProgram } from './fault-program.ts';
import { straceOptions } from './strace.ts';
import { openSweptPublisher } from './swept-publisher.ts';
import { tracedCalls } from './traced-calls.ts';

/** The commands of a fetch that could change the mirror. What lives on between fetches is none of them. */
const COMMANDS = ['fetch', 'unpack-objects', 'index-pack', 'rev-list', 'maintenance', 'gc'];

/**
 * Stands in the place of git, also for the processes that git itself starts. The first of each command has a strace of its own: of two
 * processes under one, it is not the same each time which does its n-th write first.
 */
const WRAPPER = (folder: string) => `#!/bin/sh
[ -s "${folder}/options" ] || exec /usr/bin/git "$@"
export GIT_EXEC_PATH="${folder}"
for word in "$@"; do case "$word" in ${COMMANDS.join('|')}) break;; *) word=;; esac; done
[ -n "$word" ] && grep -qx "$word" "${folder}/traced" && mkdir "${folder}/calls/$word" || exec /usr/bin/git "$@"
set -f
exec strace -qq -y -s 0 -o "${folder}/calls/$word/lines" $(cat "${folder}/options") /usr/bin/git "$@"
`;

export const mirrorFetch: FaultProgram = {
  name: 'mirror-fetch',
  threads: ['fetch', 'unpack-objects', 'maintenance'],
  kinds: 'each',
  async open() {
    const site = await openSweptPublisher();
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'kokoa-git-')));
    await writeFile(join(folder, 'git'), WRAPPER(folder));
    await chmod(join(folder, 'git'), 0o755);
    const path = process.env.PATH;
    process.env.PATH = `${folder}:${path}`;
    const mirrorDir = join(site.top, 'mirror');
    const source = await openGitSource({ url: site.repository, branch: 'main', mirrorDir });
    let [known, port] = [await source.fetch(), 1000];
    const linesOf = async (command: string) =>
      (await readFile(join(folder, 'calls', command, 'lines'), 'utf8').catch(() => '')).split('\n');
    /** No command changes the mirror without being stepped through. */
    const requireKnown = async (command: string) => {
      const changed = tracedCalls(await linesOf(command), mirrorDir).find(({ path }) => path !== undefined);
      if (changed !== undefined && !mirrorFetch.threads.includes(command))
        throw new Error(`git ${command} changes ${changed.path}, and is none of ${mirrorFetch.threads.join(', ')}`);
    };

    return {
      folder: mirrorDir,
      async trace(command, injection) {
        await rm(join(folder, 'calls'), { recursive: true, force: true });
        await mkdir(join(folder, 'calls'));
        const traced = injection === undefined ? COMMANDS : [command];
        await writeFile(join(folder, 'traced'), traced.map((name) => `${name}\n`).join(''));
        await writeFile(join(folder, 'options'), straceOptions(injection).join(' '));
        return {
          lines: () => linesOf(command),
          async end() {
            await rm(join(folder, 'options'), { force: true });
            for (const name of COMMANDS) await requireKnown(name);
          },
        };
      },
      async round(begin, kind) {
        port += 1;
        const commit = await site.routeTo(port);
        // Which directories of objects are there already is chance: now there is none.
        await execa('git', ['--git-dir', mirrorDir, 'repack', '-a', '-d', '-q']);
        const tracing = await begin(0);
        const fetched = await source.fetch().catch((error: unknown) => error);
        await tracing.end();
        if (typeof fetched !== 'string' && !(fetched instanceof KokoaError)) throw fetched;
        if (typeof fetched !== 'string' && kind === undefined) throw fetched;
        const tip = await source.newestKnown().catch(unlessOurs);
        // A mirror that seemed damaged is made anew, and may be empty, or not there, until the next fetch.
        if (tip !== undefined && tip !== known && tip !== commit) throw new Error(`the newest commit known is ${tip}`);
        const again = await source.fetch();
        if (again !== commit) throw new Error(`the next fetch brought ${again}, expected ${commit}`);
        const changes = await source.changes(known, commit);
        const text = new TextDecoder().decode(changes[0]?.bytes);
        if (changes.length !== 1 || !text.includes(`port: ${port}`)) throw new Error(`the change reads ${text}`);
        const locks = (await readdir(mirrorDir, { recursive: true })).filter((name) => name.endsWith('.lock'));
        if (locks.length > 0) throw new Error(`files differ: ${locks.join()}`);
        known = commit;
      },
      async close() {
        process.env.PATH = path;
        await source.close();
        await rm(folder, { recursive: true, force: true });
        await site.close();
      },
    };
  },
};

function unlessOurs(error: unknown): undefined {
  if (!(error instanceof KokoaError)) throw error;
}
