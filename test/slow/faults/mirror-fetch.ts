// The mirror of the repository, while git itself fails: every process of a fetch is traced. Law: the newest commit known is the old one
// or the new one, it can be read whole, and the next fetch brings what is missing without a person.
import { chmod, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KokoaError } from '../../../bundle/error.ts';
import { openGitSource } from '../../../reconciler/adapters/git.ts';
import type { FaultProgram } from './fault-program.ts';
import { straceOptions } from './strace.ts';
import { openSweptPublisher } from './swept-publisher.ts';

/** What lives on between fetches is not traced. */
const WRAPPER = (folder: string) => `#!/bin/sh
set -f
case "$*" in *cat-file*|*--stdin*) exec /usr/bin/git "$@";; esac
[ -s "${folder}/options" ] || exec /usr/bin/git "$@"
exec strace -ff -qq -y -s 0 -o "${folder}/calls" $(cat "${folder}/options") /usr/bin/git "$@"
`;

export const mirrorFetch: FaultProgram = {
  name: 'mirror-fetch',
  threads: ['main'],
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

    return {
      folder: mirrorDir,
      async trace(injection) {
        await clear(folder);
        await writeFile(join(folder, 'options'), straceOptions(injection).join(' '));
        const lines = async () => {
          const names = (await readdir(folder)).filter((name) => name.startsWith('calls.'));
          return Promise.all(names.map(async (name) => (await readFile(join(folder, name), 'utf8')).split('\n')));
        };
        return {
          lines,
          async end() {
            await rm(join(folder, 'options'), { force: true });
          },
        };
      },
      async round(begin, kind) {
        port += 1;
        const commit = await site.routeTo(port);
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

async function clear(folder: string): Promise<void> {
  for (const name of await readdir(folder)) if (name.startsWith('calls.')) await rm(join(folder, name));
}
